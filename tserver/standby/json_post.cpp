#include "tserver/standby/json_post.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <charconv>
#include <optional>
#include <utility>

namespace tandem::tserver {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using Request = http::request<http::string_body>;
using SslContext = std::shared_ptr<asio::ssl::context>;

Result<SslContext, Failure> ssl_context(const net::TlsOptions& files) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), files.require_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
  error_code error;
  const auto failed = [&](const std::string& what) { return Failure{what + " can't be used: " + error.message()}; };
  if (!files.certificate.empty()) {
    if (context->use_certificate_chain_file(files.certificate, error))
      return failed("certificate " + files.certificate);
    if (context->use_private_key_file(files.key, asio::ssl::context::pem, error)) return failed("key " + files.key);
  }
  if (files.ca.empty()) {
    if (context->set_default_verify_paths(error)) return failed("the system's certificate authorities");
  } else if (context->load_verify_file(files.ca, error)) {
    return failed("CA " + files.ca);
  }
  if (context->set_verify_mode(asio::ssl::verify_peer, error)) return failed("verification");
  return context;
}

// One connection to one server; closed, it tells nothing any more.
class Channel {
 public:
  using Told = std::function<void(Result<HttpReply, Failure>)>;
  virtual ~Channel() = default;
  virtual void exchange(Request request, Told told) = 0;
  virtual void close() = 0;
};

template <class Stream>
class ChannelOver final : public Channel, public std::enable_shared_from_this<ChannelOver<Stream>> {
 public:
  ChannelOver(asio::io_context& io, HttpServer server, std::size_t longest, SslContext context)
      : server_(std::move(server)),
        longest_(longest),
        context_(std::move(context)),
        resolver_(io),
        stream_(make_stream(io)) {}

  void exchange(Request request, Told told) override {
    request_ = std::move(request);
    told_ = std::move(told);
    if (connected_) return write();
    resolver_.async_resolve(
        server_.host, std::to_string(server_.port),
        [self = this->shared_from_this()](error_code error, const tcp::resolver::results_type& all) {
          if (error) return self->failed("the name is not resolved: " + error.message());
          self->connect(all);
        });
  }

  void close() override {
    told_ = nullptr;
    resolver_.cancel();
    beast::get_lowest_layer(stream_).close();
  }

 private:
  Stream make_stream(asio::io_context& io) {
    if constexpr (std::is_same_v<Stream, beast::tcp_stream>) {
      return Stream(io);
    } else {
      return Stream(io, *context_);
    }
  }

  void connect(const tcp::resolver::results_type& addresses) {
    if (told_ == nullptr) return;
    beast::get_lowest_layer(stream_).async_connect(
        addresses, [self = this->shared_from_this()](error_code error, const tcp::endpoint&) {
          if (error) return self->failed(error.message());
          self->secure();
        });
  }

  void secure() {
    if (told_ == nullptr) return;
    error_code ignored;
    beast::get_lowest_layer(stream_).socket().set_option(tcp::no_delay(true), ignored);
    if constexpr (std::is_same_v<Stream, beast::tcp_stream>) {
      connected_ = true;
      write();
    } else {
      stream_.set_verify_callback(asio::ssl::host_name_verification(server_.host), ignored);
      SSL_set_tlsext_host_name(stream_.native_handle(), server_.host.c_str());
      stream_.async_handshake(asio::ssl::stream_base::client, [self = this->shared_from_this()](error_code error) {
        if (error) return self->failed("TLS: " + error.message());
        self->connected_ = true;
        self->write();
      });
    }
  }

  void write() {
    if (told_ == nullptr) return;
    http::async_write(stream_, request_, [self = this->shared_from_this()](error_code error, std::size_t) {
      if (error) return self->failed(error.message());
      self->read();
    });
  }

  void read() {
    if (told_ == nullptr) return;
    parser_.emplace();
    parser_->body_limit(longest_);
    http::async_read(stream_, buffer_, *parser_, [self = this->shared_from_this()](error_code error, std::size_t) {
      if (error) return self->failed(error.message());
      auto& message = self->parser_->get();
      if (!message.keep_alive()) self->connected_ = false;
      const Told told = std::exchange(self->told_, nullptr);
      const bool last = !self->connected_;
      HttpReply reply{message.result_int(), std::move(message.body())};
      if (last) beast::get_lowest_layer(self->stream_).close();
      if (told) told({boost::system::in_place_value, std::move(reply)});
    });
  }

  void failed(const std::string& why) {
    if (const Told told = std::exchange(told_, nullptr)) told(Failure{to_string(server_) + ": " + why});
  }

  const HttpServer server_;
  const std::size_t longest_;
  const SslContext context_;
  tcp::resolver resolver_;
  Stream stream_;
  bool connected_ = false;
  beast::flat_buffer buffer_;
  Request request_;
  std::optional<http::response_parser<http::string_body>> parser_;
  Told told_;
};

class Poster final : public JsonPost {
 public:
  Poster(net::EventLoop& loop, JsonPostOptions options, SslContext context)
      : loop_(loop), options_(std::move(options)), context_(std::move(context)), deadline_(loop) {}
  ~Poster() override { drop(); }
  Poster(const Poster&) = delete;
  Poster& operator=(const Poster&) = delete;

  void post(const std::string& path, std::string body, Answer answer) override {
    const HttpServer& server = options_.servers[server_];
    answer_ = std::move(answer);
    Request request(http::verb::post, path, 11);
    const bool v6 = server.host.find(':') != std::string::npos;
    request.set(http::field::host, (v6 ? "[" + server.host + "]" : server.host) + ":" + std::to_string(server.port));
    request.set(http::field::content_type, "application/json");
    request.body() = std::move(body);
    request.prepare_payload();
    deadline_.start_in(options_.patience,
                       [this] { done(Failure{to_string(options_.servers[server_]) + ": no answer in time"}); });
    if (channel_ == nullptr) channel_ = make_channel(server);
    channel_->exchange(std::move(request), [this](Result<HttpReply, Failure> reply) { done(std::move(reply)); });
  }

 private:
  std::shared_ptr<Channel> make_channel(const HttpServer& server) {
    if (!server.tls)
      return std::make_shared<ChannelOver<beast::tcp_stream>>(loop_.context(), server, options_.longest, nullptr);
    return std::make_shared<ChannelOver<beast::ssl_stream<beast::tcp_stream>>>(loop_.context(), server,
                                                                               options_.longest, context_);
  }

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
  const SslContext context_;
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
  SslContext context;
  for (const HttpServer& server : options.servers) {
    if (!server.tls || context != nullptr) continue;
    auto made = ssl_context(options.tls);
    if (!made) return made.error();
    context = *made;
  }
  return {boost::system::in_place_value, std::make_unique<Poster>(loop, std::move(options), std::move(context))};
}

}  // namespace tandem::tserver
