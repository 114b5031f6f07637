// The one implementation of Connection, made by Listener and Dialer. For this room's own files.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/net/connection.h"
#include "common/net/frame.h"

namespace tandem::net {

std::string to_string(const boost::asio::ip::tcp::endpoint& endpoint);

class Stream final : public Connection, public std::enable_shared_from_this<Stream> {
 public:
  // Empty text: ready for start(). Else why not.
  using Ready = std::function<void(const std::string& failure)>;

  // `gone` is called once, when the socket has been given back.
  Stream(EventLoop& loop, boost::asio::ip::tcp::socket socket, const ConnectionOptions& options,
         std::function<void()> gone = {});
  ~Stream() override;

  // Brings up TLS, if any; `ready` is never called from within.
  void prepare(const TlsContextPtr& tls, const std::string& name, Ready ready);

  void start(Handler& handler) override;
  void detach() override;
  using Connection::send;
  bool send(std::string_view head, std::string_view body) override;
  char* send_space(std::size_t size) override;
  void close(const std::string& text) override;
  void pause() override { paused_ = true; }
  void resume() override;
  bool open() const override { return state_ == State::Preparing || state_ == State::Open; }
  std::size_t queued() const override { return pending_.size() + wire_.size(); }
  const std::string& peer() const override { return peer_; }
  const std::string& local() const override { return local_; }
  const std::string& peer_name() const override { return peer_name_; }
  const std::string& protocol() const override { return protocol_; }

 private:
  enum class State { Preparing, Open, Closing, Lingering, Closed };

  void read();
  void on_read(const boost::system::error_code& error, std::size_t count);
  void take(std::string_view bytes);
  void take_tls(std::string_view bytes);
  void dispatch();
  bool allowed();  // one more frame from the other side now?
  void hold_back();
  void continue_soon();
  bool room_for(std::size_t size);
  void flush_soon();
  void flush();
  bool fill_wire();
  void linger();
  void watch_idle();
  void finish(CloseReason reason, const std::string& text);
  void give_back();

  EventLoop& loop_;
  boost::asio::ip::tcp::socket socket_;
  ConnectionOptions options_;
  std::function<void()> gone_;
  std::unique_ptr<TlsSession> tls_;
  Ready ready_;
  Handler* handler_ = nullptr;
  State state_ = State::Preparing;

  FrameDecoder decoder_;
  std::vector<char> rx_;
  bool reading_ = false;      // a read is under way
  bool filled_ = false;       // the last one filled rx_, which is too small then
  bool dispatching_ = false;  // frames are being handed over, or a continuation is on its way
  bool paused_ = false;       // by the owner
  bool held_back_ = false;    // by the rate limit
  double allowance_ = 0;      // frames that may still come
  Instant refilled_{0};
  Instant flood_since_{0};
  Instant held_back_at_{0};
  Instant heard_{0};

  ByteQueue pending_;     // frames as queued
  ByteQueue wire_;        // what is being sent: the same bytes, or TLS records
  bool writing_ = false;  // waiting for the socket to take more
  bool flush_scheduled_ = false;

  Timer deadline_;  // handshake, rate limit, lingering: one at a time
  Timer idle_;
  std::string peer_;
  std::string local_;
  std::string peer_name_;
  std::string protocol_ = "TCP";
  std::string close_text_;
};

}  // namespace tandem::net
