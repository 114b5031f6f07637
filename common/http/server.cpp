#include "common/http/server.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>

#include "common/http/tls_context.h"

namespace tandem::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace ssl = asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kLongestHead = 8 * 1024;
constexpr std::size_t kLongestBody = 16 * 1024;

std::string address_text(const std::string& host, std::uint16_t port) {
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

// The way back for answers from other threads. They may come when the server is gone already.
struct Outlet {
  std::mutex mutex;
  asio::io_context* io = nullptr;
};

// What connections and server share, in the server's thread.
struct Shared {
  ServerOptions options;
  Server::Handle handle;
  std::size_t open = 0;
  std::shared_ptr<Outlet> outlet = std::make_shared<Outlet>();
  std::unordered_map<std::uint64_t, std::function<void(Response)>> waiting;  // for an answer
  std::uint64_t last = 0;
};

// One connection; keeps itself alive through what it waits for.
template <class Stream>
class Session : public std::enable_shared_from_this<Session<Stream>> {
 public:
  static constexpr bool kTls = !std::is_same_v<Stream, beast::tcp_stream>;

  template <class... More>
  Session(std::shared_ptr<Shared> shared, tcp::socket socket, More&... more)
      : shared_(std::move(shared)), stream_(std::move(socket), more...), late_(stream_.get_executor()) {
    ++shared_->open;
    error_code ignored;
    const auto remote = beast::get_lowest_layer(stream_).socket().remote_endpoint(ignored).address();
    local_ = remote.is_loopback() || (remote.is_v6() && remote.to_v6().is_v4_mapped() &&
                                      asio::ip::make_address_v4(asio::ip::v4_mapped, remote.to_v6()).is_loopback());
  }
  ~Session() { --shared_->open; }

  void start() {
    if constexpr (kTls) {
      beast::get_lowest_layer(stream_).expires_after(shared_->options.read_timeout);
      stream_.async_handshake(ssl::stream_base::server, [self = this->shared_from_this()](error_code error) {
        if (error) return;
        self->proved_ = self->shows_certificate();
        self->read();
      });
    } else {
      read();
    }
  }

 private:
  bool shows_certificate() {
    if constexpr (kTls) {
      SSL* raw = stream_.native_handle();
      return SSL_get0_peer_certificate(raw) != nullptr && SSL_get_verify_result(raw) == X509_V_OK;
    } else {
      return false;
    }
  }

  void read() {
    parser_.emplace();
    parser_->header_limit(kLongestHead);
    parser_->body_limit(kLongestBody);
    beast::get_lowest_layer(stream_).expires_after(shared_->options.read_timeout);
    beast::http::async_read(stream_, buffer_, *parser_,
                            [self = this->shared_from_this()](error_code error, std::size_t) { self->on_read(error); });
  }

  void on_read(error_code error) {
    if (error == beast::http::error::end_of_stream) return close();
    if (error == beast::http::error::header_limit || error == beast::http::error::body_limit)
      return write({413, "too long\n"}, 11, false);
    if (error && error.category() == make_error_code(beast::http::error::bad_method).category())
      return write({400, "this is no HTTP request\n"}, 11, false);
    if (error) return;
    const auto& message = parser_->get();
    Request request;
    request.method = std::string(message.method_string());
    const std::string target(message.target());
    const auto question = target.find('?');
    request.path = target.substr(0, question);
    if (question != std::string::npos) request.query = target.substr(question + 1);
    request.ordered = message.find("X-Tandem") != message.end();
    request.trusted = proved_ || (local_ && !kTls);
    answer(std::move(request), message.version(), message.keep_alive());
  }

  void answer(Request request, unsigned version, bool keep) {
    beast::get_lowest_layer(stream_).expires_never();
    const auto number = ++shared_->last;
    const bool head = request.method == "HEAD";
    shared_->waiting[number] = [self = this->shared_from_this(), version, keep, head](Response response) {
      self->late_.cancel();
      self->write(std::move(response), version, keep, head);
    };
    const auto give = [shared = shared_.get(), number](Response response) {
      if (auto waiting = shared->waiting.extract(number)) waiting.mapped()(std::move(response));
    };
    late_.expires_after(shared_->options.answer_timeout);
    late_.async_wait([give](error_code error) {
      if (!error) give({503, "the program does not answer\n"});
    });
    shared_->handle(std::move(request), [give, outlet = shared_->outlet](Response response) {
      const std::lock_guard held(outlet->mutex);
      if (outlet->io != nullptr) asio::post(*outlet->io, [give, response = std::move(response)] { give(response); });
    });
  }

  void write(Response response, unsigned version, bool keep, bool head = false) {
    out_ = {};
    out_.version(version);
    out_.result(response.status);
    out_.set(beast::http::field::server, "tandem");
    out_.set(beast::http::field::content_type, response.type);
    out_.set(beast::http::field::cache_control, "no-store");
    out_.keep_alive(keep);
    const auto size = response.body.size();
    if (!head) out_.body() = std::move(response.body);
    out_.content_length(size);
    beast::get_lowest_layer(stream_).expires_after(shared_->options.read_timeout);
    serializer_.emplace(out_);
    serializer_->split(head);
    const auto done = [self = this->shared_from_this(), keep](error_code error, std::size_t) {
      if (error) return;
      if (!keep) return self->close();
      self->read();
    };
    if (head)
      beast::http::async_write_header(stream_, *serializer_, done);
    else
      beast::http::async_write(stream_, *serializer_, done);
  }

  void close() {
    if constexpr (kTls) {
      beast::get_lowest_layer(stream_).expires_after(shared_->options.read_timeout);
      stream_.async_shutdown([self = this->shared_from_this()](error_code) {});
    } else {
      error_code ignored;
      stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    }
  }

  std::shared_ptr<Shared> shared_;
  Stream stream_;
  asio::steady_timer late_;
  beast::flat_buffer buffer_;
  std::optional<beast::http::request_parser<beast::http::string_body>> parser_;
  beast::http::response<beast::http::string_body> out_;
  std::optional<beast::http::response_serializer<beast::http::string_body>> serializer_;
  bool local_ = false;
  bool proved_ = false;
};

class BeastServer final : public Server {
 public:
  BeastServer(ServerOptions options, Handle handle)
      : work_(io_.get_executor()), acceptor_(io_), pause_(io_), shared_(std::make_shared<Shared>()) {
    shared_->options = std::move(options);
    shared_->handle = std::move(handle);
    shared_->outlet->io = &io_;
  }
  ~BeastServer() override {
    {
      const std::lock_guard held(shared_->outlet->mutex);
      shared_->outlet->io = nullptr;
    }
    io_.stop();
    if (thread_.joinable()) thread_.join();
    shared_->waiting.clear();
  }

  Result<void, Failure> open() {
    const ServerOptions& options = shared_->options;
    if (options.tls) {
      auto made = make_ssl_context(net::TlsSide::Server, options.tls_files);
      if (!made) return made.error();
      tls_ = *made;
    }
    error_code error;
    tcp::resolver resolver(io_);
    const auto found = resolver.resolve(options.host, std::to_string(options.port), tcp::resolver::passive, error);
    if (error || found.empty()) return Failure{"host " + options.host + " is not known: " + error.message()};
    const tcp::endpoint endpoint = found.begin()->endpoint();
    const auto failed = [&](const char* what) {
      return Failure{address_text(options.host, options.port) + ": " + what + ": " + error.message()};
    };
    if (acceptor_.open(endpoint.protocol(), error)) return failed("no socket");
    acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (acceptor_.bind(endpoint, error)) return failed("can't be bound");
    if (acceptor_.listen(128, error)) return failed("can't listen");
    port_ = acceptor_.local_endpoint(error).port();
    return {};
  }

  void start() {
    accept();
    thread_ = std::thread([this] { io_.run(); });
  }

  std::uint16_t port() const override { return port_; }

  Result<void, Failure> set_tls(const net::TlsOptions& files) override {
    if (!shared_->options.tls) return {};
    auto made = make_ssl_context(net::TlsSide::Server, files);
    if (!made) return made.error();
    asio::post(io_, [this, context = *made] { tls_ = context; });
    return {};
  }

 private:
  void accept() {
    acceptor_.async_accept([this](error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (error) {  // no descriptors left, say
        pause_.expires_after(std::chrono::milliseconds(200));
        pause_.async_wait([this](error_code ended) {
          if (!ended) accept();
        });
        return;
      }
      if (shared_->open < shared_->options.connection_limit) begin(std::move(socket));
      accept();
    });
  }

  void begin(tcp::socket socket) {
    if (tls_) {
      // The context lives as long as its connections: SSL holds a reference to it.
      std::make_shared<Session<beast::ssl_stream<beast::tcp_stream>>>(shared_, std::move(socket), *tls_)->start();
    } else {
      std::make_shared<Session<beast::tcp_stream>>(shared_, std::move(socket))->start();
    }
  }

  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  std::shared_ptr<Shared> shared_;
  SslContext tls_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Server>, Failure> Server::open(ServerOptions options, Handle handle) {
  auto server = std::make_unique<BeastServer>(std::move(options), std::move(handle));
  if (auto opened = server->open(); !opened) return opened.error();
  server->start();
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace tandem::http
