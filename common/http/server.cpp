#include "common/http/server.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>

#include "common/http/wire.h"

namespace tandem::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
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

class Session;

// What connections and server share, in the server's thread.
struct Shared {
  ServerOptions options;
  Server::Handle handle;
  std::shared_ptr<Outlet> outlet = std::make_shared<Outlet>();
  std::unordered_map<std::uint64_t, std::unique_ptr<Session>> sessions;
  std::uint64_t last = 0;  // number given to a session or a request
};

// One connection: a request, its answer, the next request.
class Session final : Wire::Handler {
 public:
  Session(Shared& shared, asio::io_context& io, std::uint64_t number, tcp::socket socket, const net::TlsContextPtr& tls)
      : shared_(shared), io_(io), number_(number), deadline_(io), local_(is_local(socket)) {
    wire_ = Wire::make(std::move(socket), tls, {}, *this);
    limit(shared_.options.read_timeout);
    wire_->accepted();
  }
  ~Session() override { wire_->close(); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  bool leaving() const { return leaving_; }
  void answer(std::uint64_t request, Response response) {
    if (request == asked_) write(std::move(response));
  }

 private:
  static bool is_local(const tcp::socket& socket) {
    error_code ignored;
    const auto remote = socket.remote_endpoint(ignored).address();
    return remote.is_loopback() || (remote.is_v6() && remote.to_v6().is_v4_mapped() &&
                                    asio::ip::make_address_v4(asio::ip::v4_mapped, remote.to_v6()).is_loopback());
  }

  void on_open() override { next(); }

  void next() {
    parser_.emplace();
    parser_->header_limit(kLongestHead);
    parser_->body_limit(kLongestBody);
    parser_->eager(true);
    limit(shared_.options.read_timeout);
    wire_->read();
  }

  void on_bytes(net::ByteQueue& bytes) override {
    error_code error;
    bytes.consume(parser_->put(asio::buffer(bytes.view().data(), bytes.size()), error));
    if (parser_->is_done()) return ask();
    if (!error || error == beast::http::error::need_more) return wire_->read();
    const bool long_one = error == beast::http::error::header_limit || error == beast::http::error::body_limit;
    refuse(long_one ? Response{413, "too long\n"} : Response{400, "this is no HTTP request\n"});
  }

  void ask() {
    const auto& message = parser_->get();
    version_ = message.version();
    keep_ = message.keep_alive();
    head_ = message.method() == beast::http::verb::head;
    Request request;
    request.method = std::string(message.method_string());
    const std::string target(message.target());
    const auto question = target.find('?');
    request.path = target.substr(0, question);
    if (question != std::string::npos) request.query = target.substr(question + 1);
    request.ordered = message.find("X-Tandem") != message.end();
    request.trusted = wire_->tls() != nullptr ? wire_->tls()->peer_proved() : local_;
    asked_ = ++shared_.last;
    limit(shared_.options.answer_timeout);
    shared_.handle(std::move(request),
                   [&shared = shared_, number = number_, asked = asked_, outlet = shared_.outlet](Response response) {
                     const std::lock_guard held(outlet->mutex);
                     if (outlet->io == nullptr) return;
                     asio::post(*outlet->io, [&shared, number, asked, response = std::move(response)]() mutable {
                       const auto session = shared.sessions.find(number);
                       if (session != shared.sessions.end()) session->second->answer(asked, std::move(response));
                     });
                   });
  }

  void refuse(Response response) {
    version_ = 11;
    keep_ = head_ = false;
    write(std::move(response));
  }

  void write(Response response) {
    asked_ = 0;
    writing_ = true;
    const auto reason = beast::http::obsolete_reason(beast::http::int_to_status(response.status));
    std::string out = "HTTP/1." + std::string(version_ < 11 ? "0 " : "1 ") + std::to_string(response.status) + " " +
                      std::string(reason) + "\r\nServer: tandem\r\nContent-Type: " + response.type +
                      "\r\nCache-Control: no-store\r\nContent-Length: " + std::to_string(response.body.size()) + "\r\n";
    if (version_ < 11 && keep_) out += "Connection: keep-alive\r\n";
    if (version_ >= 11 && !keep_) out += "Connection: close\r\n";
    out += "\r\n";
    if (!head_) out += response.body;
    limit(shared_.options.read_timeout);
    wire_->send(out);
  }

  void on_sent() override {
    if (!std::exchange(writing_, false)) return;
    if (keep_) return next();
    limit(shared_.options.read_timeout);
    leaving_ = true;
    wire_->finish();
  }

  void on_end(const std::string&) override { end(); }

  void limit(std::chrono::milliseconds time) {
    deadline_.expires_after(time);
    deadline_.async_wait([this](error_code error) {
      if (error) return;
      asked_ != 0 ? write({503, "the program does not answer\n"}) : end();
    });
  }

  // Not from within a call of its own.
  void end() {
    asio::post(io_, [&shared = shared_, number = number_] { shared.sessions.erase(number); });
  }

  Shared& shared_;
  asio::io_context& io_;
  const std::uint64_t number_;
  std::shared_ptr<Wire> wire_;
  asio::steady_timer deadline_;
  const bool local_;
  std::optional<beast::http::request_parser<beast::http::string_body>> parser_;
  std::uint64_t asked_ = 0;  // number of the request that waits for its answer
  unsigned version_ = 11;
  bool keep_ = false;
  bool head_ = false;  // the answer goes without its body
  bool writing_ = false;
  bool leaving_ = false;
};

class PortServer final : public Server {
 public:
  PortServer(ServerOptions options, Handle handle) : work_(io_.get_executor()), acceptor_(io_), pause_(io_) {
    shared_.options = std::move(options);
    shared_.handle = std::move(handle);
    shared_.outlet->io = &io_;
  }
  ~PortServer() override {
    {
      const std::lock_guard held(shared_.outlet->mutex);
      shared_.outlet->io = nullptr;
    }
    io_.stop();
    if (thread_.joinable()) thread_.join();
    shared_.sessions.clear();
  }

  Result<void, Failure> open() {
    const ServerOptions& options = shared_.options;
    if (options.tls) {
      auto made = context_of(options.tls_files);
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
    if (!shared_.options.tls) return {};
    auto made = context_of(files);
    if (!made) return made.error();
    asio::post(io_, [this, context = *made] { tls_ = context; });
    return {};
  }

 private:
  // Who is not made to show a certificate may show one.
  static Result<net::TlsContextPtr, Failure> context_of(net::TlsOptions files) {
    files.optional = true;
    auto made = net::TlsContext::make(net::TlsSide::Server, files);
    if (!made) return made.error();
    return net::TlsContextPtr(std::move(*made));
  }

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
      if (room()) begin(std::move(socket));
      accept();
    });
  }

  // Who has its last answer and only has to close counts half.
  bool room() const {
    std::size_t halves = 0;
    for (const auto& [number, session] : shared_.sessions) halves += session->leaving() ? 1 : 2;
    return halves + 2 <= 2 * shared_.options.connection_limit + 1;
  }

  void begin(tcp::socket socket) {
    const auto number = ++shared_.last;
    shared_.sessions[number] = std::make_unique<Session>(shared_, io_, number, std::move(socket), tls_);
  }

  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  Shared shared_;
  net::TlsContextPtr tls_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Server>, Failure> Server::open(ServerOptions options, Handle handle) {
  auto server = std::make_unique<PortServer>(std::move(options), std::move(handle));
  if (auto opened = server->open(); !opened) return opened.error();
  server->start();
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace tandem::http
