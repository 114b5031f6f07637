#include "tserver/standby/json_post.h"

#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <charconv>
#include <optional>
#include <utility>

namespace tandem::tserver {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

// One connection to one server; closed, it tells nothing any more.
class Channel : public std::enable_shared_from_this<Channel> {
 public:
  using Told = std::function<void(Result<HttpReply, Failure>)>;

  Channel(asio::io_context& io, HttpServer server, std::size_t longest, const net::TlsContextPtr& tls)
      : server_(std::move(server)), longest_(longest), resolver_(io), socket_(io) {
    if (server_.tls) tls_ = std::make_unique<net::TlsSession>(tls, server_.host);
  }

  void exchange(std::string request, Told told) {
    request_ = std::move(request);
    told_ = std::move(told);
    parser_.emplace();
    parser_->body_limit(longest_);
    parser_->eager(true);
    if (!std::exchange(fresh_, false)) return send_request();
    resolver_.async_resolve(server_.host, std::to_string(server_.port),
                            [self = shared_from_this()](error_code error, const tcp::resolver::results_type& all) {
                              if (error) return self->failed("the name is not resolved: " + error.message());
                              self->connect(all);
                            });
  }

  // One request and its answer at a time, as long as the server keeps the connection.
  bool usable() const { return fresh_ || socket_.is_open(); }

  void close() {
    told_ = nullptr;
    resolver_.cancel();
    shut();
  }

 private:
  void connect(const tcp::resolver::results_type& addresses) {
    if (told_ == nullptr) return;
    asio::async_connect(socket_, addresses, [self = shared_from_this()](error_code error, const tcp::endpoint&) {
      if (error) return self->failed(error.message());
      self->connected();
    });
  }

  void connected() {
    if (told_ == nullptr) return;
    error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    read();
    if (tls_ == nullptr) return send_request();
    if (auto begun = tls_->start(); !begun) return failed(begun.error().text);
    flush();
  }

  void send_request() {
    if (tls_ == nullptr) {
      wire_.append(std::exchange(request_, {}));
    } else if (auto sent = tls_->send(std::exchange(request_, {})); !sent) {
      return failed(sent.error().text);
    }
    flush();
  }

  void flush() {
    if (tls_ != nullptr) {
      wire_.append(tls_->output().view());
      tls_->output().clear();
    }
    if (!writing_.empty() || wire_.empty()) return;
    writing_.swap(wire_);
    asio::async_write(socket_, asio::buffer(writing_.view().data(), writing_.size()),
                      [self = shared_from_this()](error_code error, std::size_t) {
                        self->writing_.clear();
                        if (error) return self->failed(error.message());
                        self->flush();
                      });
  }

  void read() {
    socket_.async_read_some(asio::buffer(received_), [self = shared_from_this()](error_code error, std::size_t count) {
      if (error) return self->ended(error);
      self->take({self->received_.data(), count});
      if (self->socket_.is_open()) self->read();
    });
  }

  void take(std::string_view bytes) {
    if (tls_ == nullptr) {
      plain_.append(bytes);
      return parse();
    }
    const bool before = tls_->established();
    const auto taken = tls_->received(bytes, plain_);
    flush();
    if (!taken) return failed(taken.error().text);
    if (!before && tls_->established()) send_request();
    parse();
  }

  void parse() {
    if (plain_.empty()) return;
    if (told_ == nullptr) return shut();  // nobody asked
    error_code error;
    plain_.consume(parser_->put(asio::buffer(plain_.view().data(), plain_.size()), error));
    if (parser_->is_done()) return done();
    if (error && error != http::error::need_more) failed(error.message());
  }

  void ended(error_code error) {
    shut();
    if (told_ == nullptr) return;
    error_code incomplete;
    if (error == asio::error::eof && parser_->got_some()) parser_->put_eof(incomplete);
    if (parser_->is_done()) return done();
    failed(incomplete ? incomplete.message() : error.message());
  }

  void done() {
    auto& message = parser_->get();
    if (!message.keep_alive()) shut();
    HttpReply reply{message.result_int(), std::move(message.body())};
    if (const Told told = std::exchange(told_, nullptr)) told({boost::system::in_place_value, std::move(reply)});
  }

  void failed(const std::string& why) {
    shut();
    if (const Told told = std::exchange(told_, nullptr)) told(Failure{to_string(server_) + ": " + why});
  }

  void shut() {
    error_code ignored;
    socket_.close(ignored);
  }

  const HttpServer server_;
  const std::size_t longest_;
  tcp::resolver resolver_;
  tcp::socket socket_;
  std::unique_ptr<net::TlsSession> tls_;
  std::array<char, 4096> received_{};
  net::ByteQueue plain_;    // received, not parsed yet
  net::ByteQueue wire_;     // to be sent
  net::ByteQueue writing_;  // being sent
  bool fresh_ = true;
  std::string request_;  // waits for the connection
  std::optional<http::response_parser<http::string_body>> parser_;
  Told told_;
};

class Poster final : public JsonPost {
 public:
  Poster(net::EventLoop& loop, JsonPostOptions options, net::TlsContextPtr tls)
      : loop_(loop), options_(std::move(options)), tls_(std::move(tls)), deadline_(loop) {}
  ~Poster() override { drop(); }
  Poster(const Poster&) = delete;
  Poster& operator=(const Poster&) = delete;

  void post(const std::string& path, std::string body, Answer answer) override {
    const HttpServer& server = options_.servers[server_];
    answer_ = std::move(answer);
    const bool v6 = server.host.find(':') != std::string::npos;
    const std::string request = "POST " + path + " HTTP/1.1\r\nHost: " + (v6 ? "[" + server.host + "]" : server.host) +
                                ":" + std::to_string(server.port) +
                                "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
                                "\r\n\r\n" + body;
    deadline_.start_in(options_.patience,
                       [this] { done(Failure{to_string(options_.servers[server_]) + ": no answer in time"}); });
    if (channel_ == nullptr || !channel_->usable())
      channel_ = std::make_shared<Channel>(loop_.context(), server, options_.longest, tls_);
    channel_->exchange(request, [this](Result<HttpReply, Failure> reply) { done(std::move(reply)); });
  }

 private:
  void done(Result<HttpReply, Failure> reply) {
    deadline_.cancel();
    // A server that answers with an error may be one that has lost its cluster.
    constexpr std::uint32_t kServerError = 500;
    if (!reply || reply->status >= kServerError) {
      drop();
      server_ = (server_ + 1) % options_.servers.size();
    }
    if (const Answer answer = std::exchange(answer_, nullptr)) answer(std::move(reply));
  }

  void drop() {
    if (const auto channel = std::exchange(channel_, nullptr)) channel->close();
  }

  net::EventLoop& loop_;
  const JsonPostOptions options_;
  const net::TlsContextPtr tls_;
  net::Timer deadline_;
  std::size_t server_ = 0;
  std::shared_ptr<Channel> channel_;
  Answer answer_;
};

}  // namespace

Result<HttpServer, Failure> read_http_server(const std::string& text) {
  const Failure wrong{"endpoint \"" + text + "\" is not understood; expected http://host:port or https://host:port"};
  HttpServer server;
  std::string_view rest = text;
  const auto skip = [&](std::string_view head) {
    if (rest.substr(0, head.size()) != head) return false;
    rest.remove_prefix(head.size());
    return true;
  };
  server.tls = skip("https://");
  if (!server.tls) skip("http://");
  if (!rest.empty() && rest.back() == '/') rest.remove_suffix(1);
  const std::size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return wrong;
  const std::string_view port = rest.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), server.port);
  if (error != std::errc() || end != port.data() + port.size() || server.port == 0) return wrong;
  std::string_view host = rest.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  else if (host.find_first_of(":/[]@ ") != std::string_view::npos)
    return wrong;
  server.host = host;
  return server;
}

std::string to_string(const HttpServer& server) {
  const bool v6 = server.host.find(':') != std::string::npos;
  return (server.tls ? "https://" : "http://") + (v6 ? "[" + server.host + "]" : server.host) + ":" +
         std::to_string(server.port);
}

Result<std::unique_ptr<JsonPost>, Failure> JsonPost::make(net::EventLoop& loop, JsonPostOptions options) {
  net::TlsContextPtr tls;
  for (const HttpServer& server : options.servers) {
    if (!server.tls || tls != nullptr) continue;
    auto made = net::TlsContext::make(net::TlsSide::Client, options.tls);
    if (!made) return made.error();
    tls = *made;
  }
  return {boost::system::in_place_value, std::make_unique<Poster>(loop, std::move(options), std::move(tls))};
}

}  // namespace tandem::tserver
