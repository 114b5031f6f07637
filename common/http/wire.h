// Bytes over TCP or TLS, asynchronously: what a client and a server of HTTP have in common. One thread.
#pragma once

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/net/bytes.h"
#include "common/net/tls.h"

namespace tandem::http {

class Wire final : public std::enable_shared_from_this<Wire> {
 public:
  using Socket = boost::asio::ip::tcp::socket;

  // Told what happens, never from within a call to the wire; must outlive it or close() it.
  class Handler {
   public:
    virtual ~Handler() = default;
    virtual void on_open() = 0;  // connected, and TLS agreed on
    // What has come and wasn't consumed yet. More comes after another read() only: with what was left, at once if
    // read() is called later, together with the next bytes if it is called from here.
    virtual void on_bytes(net::ByteQueue& bytes) = 0;
    virtual void on_sent() {}  // all that was given has gone to the kernel
    // The last call. Empty: the other side has closed in good order.
    virtual void on_end(const std::string& why) = 0;
  };

  // `tls` null: plain. `name`: whose certificate a server must show.
  static std::shared_ptr<Wire> make(Socket socket, const net::TlsContextPtr& tls, const std::string& name,
                                    Handler& handler);
  Wire(Socket socket, std::unique_ptr<net::TlsSession> tls, Handler& handler);

  void connect(const std::string& host, std::uint16_t port);
  void accepted();  // the socket is connected: a server's
  void read();
  void send(std::string_view bytes);  // from on_open on
  // Says that no more will be sent, and reads until the other side has closed as well: on_end then.
  void finish();
  void close();  // at once; the handler hears nothing any more

  bool open() const { return socket_.is_open(); }
  const net::TlsSession* tls() const { return tls_.get(); }
  const Socket& socket() const { return socket_; }

 private:
  void begin();
  void receive();
  void take(std::string_view bytes);
  void hand_over();
  void flush();
  void end(const std::string& why);

  Socket socket_;
  boost::asio::ip::tcp::resolver resolver_;
  std::unique_ptr<net::TlsSession> tls_;
  Handler* handler_;
  std::array<char, 4096> received_{};
  net::ByteQueue plain_;    // received, not consumed yet
  net::ByteQueue wire_;     // to be sent
  net::ByteQueue writing_;  // being sent
  bool opened_ = false;
  bool receiving_ = false;
  bool wanted_ = false;  // by read()
  bool handing_ = false;
  bool finishing_ = false;
};

}  // namespace tandem::http
