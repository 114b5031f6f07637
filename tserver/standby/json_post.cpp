#include "tserver/standby/json_post.h"

#include <boost/asio/io_context.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <charconv>
#include <optional>
#include <utility>

#include "common/http/wire.h"

namespace tandem::tserver {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast::http;
using boost::system::error_code;

// One connection to one server; closed, it tells nothing any more.
class Channel final : http::Wire::Handler {
 public:
  using Told = std::function<void(Result<HttpReply, Failure>)>;

  Channel(asio::io_context& io, HttpServer server, std::size_t longest, const net::TlsContextPtr& tls)
      : server_(std::move(server)),
        longest_(longest),
        wire_(http::Wire::make(http::Wire::Socket(io), server_.tls ? tls : nullptr, server_.host, *this)) {}
  ~Channel() override { wire_->close(); }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  void exchange(std::string request, Told told) {
    request_ = std::move(request);
    told_ = std::move(told);
    parser_.emplace();
    parser_->body_limit(longest_);
    parser_->eager(true);
    if (std::exchange(fresh_, false)) return wire_->connect(server_.host, server_.port);
    wire_->send(std::exchange(request_, {}));
  }

  // One request and its answer at a time, as long as the server keeps the connection.
  bool usable() const { return fresh_ || wire_->open(); }

 private:
  void on_open() override {
    wire_->send(std::exchange(request_, {}));
    wire_->read();
  }

  void on_bytes(net::ByteQueue& bytes) override {
    if (told_ == nullptr) return wire_->close();  // nobody asked
    error_code error;
    bytes.consume(parser_->put(asio::buffer(bytes.view().data(), bytes.size()), error));
    if (!parser_->is_done() && error && error != beast::error::need_more) return failed(error.message());
    wire_->read();  // also when this was all, to see the server close
    if (parser_->is_done()) done();
  }

  void on_end(const std::string& why) override {
    if (told_ == nullptr) return;
    error_code incomplete;
    if (why.empty() && parser_->got_some()) parser_->put_eof(incomplete);
    if (parser_->is_done()) return done();
    failed(incomplete ? incomplete.message() : why.empty() ? "it closed the connection" : why);
  }

  // Told last: this may be gone then.
  void done() {
    auto& message = parser_->get();
    if (!message.keep_alive()) wire_->close();
    HttpReply reply{message.result_int(), std::move(message.body())};
    if (const Told told = std::exchange(told_, nullptr)) told({boost::system::in_place_value, std::move(reply)});
  }

  void failed(const std::string& why) {
    wire_->close();
    if (const Told told = std::exchange(told_, nullptr)) told(Failure{to_string(server_) + ": " + why});
  }

  const HttpServer server_;
  const std::size_t longest_;
  std::shared_ptr<http::Wire> wire_;
  bool fresh_ = true;
  std::string request_;  // waits for the connection
  std::optional<beast::response_parser<beast::string_body>> parser_;
  Told told_;
};

class Poster final : public JsonPost {
 public:
  Poster(net::EventLoop& loop, JsonPostOptions options, net::TlsContextPtr tls)
      : loop_(loop), options_(std::move(options)), tls_(std::move(tls)), deadline_(loop) {}
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
      channel_ = std::make_unique<Channel>(loop_.context(), server, options_.longest, tls_);
    channel_->exchange(request, [this](Result<HttpReply, Failure> reply) { done(std::move(reply)); });
  }

 private:
  void done(Result<HttpReply, Failure> reply) {
    deadline_.cancel();
    // A server that answers with an error may be one that has lost its cluster.
    constexpr std::uint32_t kServerError = 500;
    if (!reply || reply->status >= kServerError) {
      channel_.reset();
      server_ = (server_ + 1) % options_.servers.size();
    }
    if (const Answer answer = std::exchange(answer_, nullptr)) answer(std::move(reply));
  }

  net::EventLoop& loop_;
  const JsonPostOptions options_;
  const net::TlsContextPtr tls_;
  net::Timer deadline_;
  std::size_t server_ = 0;
  std::unique_ptr<Channel> channel_;
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
