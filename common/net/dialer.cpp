#include "common/net/dialer.h"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>

#include "common/net/loop_impl.h"
#include "common/net/stream.h"

namespace tandem::net {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

std::string name_of(const HostPort& host) {
  const bool v6 = host.host.find(':') != std::string::npos;
  return (v6 ? "[" + host.host + "]" : host.host) + ":" + std::to_string(host.port);
}

class Caller final : public std::enable_shared_from_this<Caller> {
 public:
  Caller(EventLoop& loop, DialerOptions options, Dialer::Connected connected, Dialer::Failed failed)
      : loop_(loop),
        options_(std::move(options)),
        connected_(std::move(connected)),
        failed_(std::move(failed)),
        resolver_(loop.context()),
        backoff_(options_.backoff),
        timer_(loop) {}

  void dial() {
    stop();
    if (options_.hosts.empty()) return;
    begin_host();
  }
  void redial() {
    stop();
    timer_.start_in(backoff_.next(loop_.chance()), [this] { begin_host(); });
  }
  void proved() { backoff_.reset(); }
  void stop() {
    ++attempt_;  // whatever is under way belongs to the past
    timer_.cancel();
    resolver_.cancel();
    socket_.reset();
    if (stream_ != nullptr) std::exchange(stream_, nullptr)->detach();
  }
  DialerOptions& options() { return options_; }

 private:
  const HostPort& host() const { return options_.hosts[host_]; }

  void begin_host() {
    ++attempt_;
    addresses_.clear();
    last_error_.clear();
    boost::system::error_code no_address;
    if (const auto address = asio::ip::make_address(host().host, no_address); !no_address) {
      addresses_.emplace_back(address, host().port);
      return next_address();
    }
    timer_.start_in(options_.connect_timeout, [this] {
      ++attempt_;
      resolver_.cancel();
      host_failed("the name is not resolved in time");
    });
    resolver_.async_resolve(host().host, std::to_string(host().port),
                            [self = shared_from_this(), attempt = attempt_](const boost::system::error_code& error,
                                                                            const tcp::resolver::results_type& found) {
                              if (attempt != self->attempt_) return;
                              self->timer_.cancel();
                              if (error) return self->host_failed("the name is not resolved: " + error.message());
                              for (const auto& one : found) self->addresses_.push_back(one.endpoint());
                              // The system's resolver sorts addresses, which would send everyone to the same one.
                              std::shuffle(self->addresses_.begin(), self->addresses_.end(), self->loop_.impl().random);
                              self->next_address();
                            });
  }

  void next_address() {
    ++attempt_;
    if (addresses_.empty()) return host_failed(last_error_.empty() ? "no address" : last_error_);
    const tcp::endpoint endpoint = addresses_.back();
    addresses_.pop_back();
    socket_ = std::make_unique<tcp::socket>(loop_.context());
    timer_.start_in(options_.connect_timeout, [this, endpoint] { address_failed(endpoint, "no answer in time"); });
    socket_->async_connect(
        endpoint, [self = shared_from_this(), attempt = attempt_, endpoint](const boost::system::error_code& error) {
          if (attempt != self->attempt_) return;
          if (error) return self->address_failed(endpoint, error.message());
          self->timer_.cancel();
          self->secure(endpoint);
        });
  }

  void secure(const tcp::endpoint& endpoint) {
    const auto socket = std::exchange(socket_, nullptr);
    stream_ = std::make_shared<Stream>(loop_, std::move(*socket), options_.connection);
    stream_->prepare(options_.tls, options_.verify_name ? host().host : std::string(),
                     [self = shared_from_this(), attempt = attempt_, endpoint](const std::string& failure) {
                       if (attempt != self->attempt_) return;
                       auto stream = std::exchange(self->stream_, nullptr);
                       if (!failure.empty()) return self->address_failed(endpoint, failure);
                       self->connected_(std::move(stream));
                     });
  }

  void address_failed(const tcp::endpoint& endpoint, const std::string& why) {
    timer_.cancel();
    socket_.reset();
    // A name may have several addresses; an address needs no second mention.
    last_error_ = endpoint.address().to_string() == host().host ? why : to_string(endpoint) + ": " + why;
    next_address();
  }

  void host_failed(const std::string& why) {
    const std::string line = name_of(host()) + " not reached: " + why;
    host_ = (host_ + 1) % options_.hosts.size();
    const auto wait = host_ == 0 ? backoff_.next(loop_.chance()) : std::chrono::milliseconds(0);
    const auto attempt = ++attempt_;
    timer_.start_in(wait, [this] { begin_host(); });
    loop_.post([self = shared_from_this(), attempt, line, wait] {
      if (attempt == self->attempt_) self->failed_(line, wait);
    });
  }

  EventLoop& loop_;
  DialerOptions options_;
  Dialer::Connected connected_;
  Dialer::Failed failed_;
  tcp::resolver resolver_;
  Backoff backoff_;
  Timer timer_;
  std::size_t host_ = 0;
  std::uint64_t attempt_ = 0;
  std::vector<tcp::endpoint> addresses_;
  std::string last_error_;
  std::unique_ptr<tcp::socket> socket_;
  std::shared_ptr<Stream> stream_;
};

class TcpDialer final : public Dialer {
 public:
  explicit TcpDialer(std::shared_ptr<Caller> caller) : caller_(std::move(caller)) {}
  ~TcpDialer() override { caller_->stop(); }
  void dial() override { caller_->dial(); }
  void redial() override { caller_->redial(); }
  void proved() override { caller_->proved(); }
  void stop() override { caller_->stop(); }
  void set_tls(TlsContextPtr tls) override { caller_->options().tls = std::move(tls); }

 private:
  std::shared_ptr<Caller> caller_;
};

}  // namespace

std::unique_ptr<Dialer> Dialer::make(EventLoop& loop, DialerOptions options, Connected connected, Failed failed) {
  return std::make_unique<TcpDialer>(
      std::make_shared<Caller>(loop, std::move(options), std::move(connected), std::move(failed)));
}

}  // namespace tandem::net
