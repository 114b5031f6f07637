#include "common/net/listener.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <list>
#include <unordered_map>
#include <vector>

#include "common/net/loop_impl.h"
#include "common/net/stream.h"

namespace tandem::net {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

// What lives as long as its connections: they count themselves out.
class Acceptor final : public std::enable_shared_from_this<Acceptor> {
 public:
  Acceptor(EventLoop& loop, ListenerOptions options, Listener::Accepted accepted, Listener::Refused refused)
      : loop_(loop), options_(std::move(options)), accepted_(std::move(accepted)), refused_(std::move(refused)) {}

  Result<void, Failure> open() {
    boost::system::error_code error;
    std::vector<tcp::endpoint> endpoints;
    if (const auto address = asio::ip::make_address(options_.host, error); !error) {
      endpoints.emplace_back(address, options_.port);
    } else {
      tcp::resolver resolver(loop_.context());
      for (const auto& found :
           resolver.resolve(options_.host, std::to_string(options_.port), tcp::resolver::passive, error)) {
        endpoints.push_back(found.endpoint());
      }
      if (error) return Failure{"host " + options_.host + " is not known: " + error.message()};
    }
    for (const auto& endpoint : endpoints) {
      tcp::acceptor acceptor(loop_.context());
      const auto failed = [&](const char* what) {
        return Failure{to_string(endpoint) + ": " + what + ": " + error.message()};
      };
      if (acceptor.open(endpoint.protocol(), error)) return failed("no socket");
      acceptor.set_option(tcp::acceptor::reuse_address(true), error);
      if (endpoint.address().is_v6()) {
        acceptor.set_option(asio::ip::v6_only(!endpoint.address().is_unspecified()), error);
      }
      if (acceptor.bind(endpoint, error)) return failed("can't be bound");
      if (acceptor.listen(1024, error)) return failed("can't listen");
      acceptor.non_blocking(true, error);
      doors_.emplace_back(loop_, std::move(acceptor));
    }
    return {};
  }

  void start() {
    for (auto& door : doors_) accept(door);
  }
  void stop() {
    stopped_ = true;
    boost::system::error_code ignored;
    for (auto& door : doors_) {
      door.acceptor.close(ignored);
      door.pause.cancel();
    }
    for (const auto& [key, stream] : preparing_) stream->detach();
    preparing_.clear();
  }
  std::uint16_t port() const {
    boost::system::error_code ignored;
    return doors_.front().acceptor.local_endpoint(ignored).port();
  }
  ListenerOptions& options() { return options_; }

 private:
  struct Door {
    Door(EventLoop& loop, tcp::acceptor made) : acceptor(std::move(made)), pause(loop) {}
    tcp::acceptor acceptor;
    Timer pause;  // while the process has no descriptors left
  };

  void accept(Door& door) {
    door.acceptor.async_accept(
        [self = shared_from_this(), &door](const boost::system::error_code& error, tcp::socket socket) {
          if (self->stopped_) return;
          if (error == asio::error::no_descriptors || error == asio::error::no_buffer_space ||
              error == asio::error::no_memory) {
            self->refused_("a connection can't be accepted: " + error.message());
            door.pause.start_in(std::chrono::milliseconds(200), [me = self.get(), &door] { me->accept(door); });
            return;
          }
          if (!error) self->take(std::move(socket));
          self->accept(door);
        });
  }

  void take(tcp::socket socket) {
    boost::system::error_code gone;
    const auto endpoint = socket.remote_endpoint(gone);
    if (gone) return;
    if (open_ >= options_.connection_limit) {
      refused_(to_string(endpoint) + " refused: " + std::to_string(open_) + " connections are open, the limit");
      return;
    }
    ++open_;
    auto stream = std::make_shared<Stream>(loop_, std::move(socket), options_.connection,
                                           [self = shared_from_this()] { --self->open_; });
    preparing_.emplace(stream.get(), stream);
    stream->prepare(options_.tls, {}, [self = shared_from_this(), key = stream.get()](const std::string& failure) {
      const auto found = self->preparing_.find(key);
      if (found == self->preparing_.end()) return;
      const auto ready = std::move(found->second);
      self->preparing_.erase(found);
      if (self->stopped_) return;
      if (failure.empty()) {
        self->accepted_(ready);
      } else {
        self->refused_(ready->peer() + " refused: " + failure);
      }
    });
  }

  EventLoop& loop_;
  ListenerOptions options_;
  Listener::Accepted accepted_;
  Listener::Refused refused_;
  std::list<Door> doors_;
  std::unordered_map<const Stream*, std::shared_ptr<Stream>> preparing_;
  std::size_t open_ = 0;
  bool stopped_ = false;
};

class TcpListener final : public Listener {
 public:
  explicit TcpListener(std::shared_ptr<Acceptor> acceptor) : acceptor_(std::move(acceptor)) { acceptor_->start(); }
  ~TcpListener() override { acceptor_->stop(); }
  std::uint16_t port() const override { return acceptor_->port(); }
  void set_tls(TlsContextPtr tls) override { acceptor_->options().tls = std::move(tls); }
  void set_options(const ConnectionOptions& options) override { acceptor_->options().connection = options; }

 private:
  std::shared_ptr<Acceptor> acceptor_;
};

}  // namespace

Result<std::unique_ptr<Listener>, Failure> Listener::open(EventLoop& loop, ListenerOptions options, Accepted accepted,
                                                          Refused refused) {
  auto acceptor = std::make_shared<Acceptor>(loop, std::move(options), std::move(accepted), std::move(refused));
  if (auto opened = acceptor->open(); !opened) return opened.error();
  return std::unique_ptr<Listener>(std::make_unique<TcpListener>(std::move(acceptor)));
}

}  // namespace tandem::net
