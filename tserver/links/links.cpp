#include "tserver/links/links.h"

#include <algorithm>

#include "common/base/overloaded.h"

namespace tandem::tserver {
namespace {

// A snapshot names every call and every binding of a Connector, whose certificate was checked.
constexpr std::size_t link_frame_limit = 64 << 20;
constexpr auto measure_every = std::chrono::seconds(5);

std::string short_name(const net::HostPort& host) {
  return host.host + ":" + std::to_string(host.port);
}

}  // namespace

class Links::Link final : public net::Connection::Handler {
 public:
  Link(Links& owner, LinkNo number, LinkOptions options)
      : owner_(owner), number_(number), check_(owner.loop_), measure_(owner.loop_) {
    set(std::move(options));
  }
  ~Link() override {
    if (connection_ != nullptr) connection_->detach();
  }

  void set(LinkOptions options) {
    options.connection.frame_limit = std::max(options.connection.frame_limit, link_frame_limit);
    const bool same = dialer_ != nullptr && options.connector.host == options_.connector.host &&
                      options.connector.port == options_.connector.port &&
                      (options.tls == nullptr) == (options_.tls == nullptr);
    options_ = std::move(options);
    stopped_ = false;
    const bool in_use = connection_ != nullptr;
    if (!same && in_use) goodbye(link::Goodbye::SHUTDOWN, "the link is configured anew");
    dialer_ = net::Dialer::make(
        owner_.loop_,
        {.hosts = {options_.connector},
         .tls = options_.tls,
         .verify_name = options_.verify_name,
         .backoff = options_.reconnect,
         .connection = options_.connection},
        [this](net::ConnectionPtr connection) { connected_to(std::move(connection)); },
        [this](const std::string& line, std::chrono::milliseconds wait) { failed(line, wait); });
    if (!in_use) dialer_->dial();  // else when the present connection ends
  }

  void order(link::Command command) {
    if (session_ == nullptr || !session_->command(std::move(command), effects_)) {
      return owner_.log_.write(LogLevel::Trace, name() + ": is down, a command for it is lost");
    }
    carry_out();
  }
  void set_role() {
    if (session_ == nullptr) return;
    session_->role(owner_.identity_.role, owner_.identity_.epoch, owner_.loop_.steady(), effects_);
    carry_out();
    check();
  }
  void goodbye(link::Goodbye::Reason reason, const std::string& text) {
    if (session_ == nullptr) return;
    session_->goodbye(reason, text, effects_);
    carry_out();
  }
  void stop(const std::string& why) {
    stopped_ = true;
    dialer_->stop();
    goodbye(link::Goodbye::SHUTDOWN, why);
  }
  bool connected() const { return connection_ != nullptr; }
  LinkFigures figures() const {
    return {options_.name, up_, connection_ == nullptr ? 0 : connection_->queued(),
            session_ == nullptr ? Instant{0} : session_->round_trip()};
  }
  bool used() const { return !stopped_; }
  std::string name() const { return "link " + options_.name + " (" + short_name(options_.connector) + ")"; }

 private:
  void connected_to(net::ConnectionPtr connection) {
    connection_ = std::move(connection);
    link::Hello hello;
    hello.set_application(owner_.identity_.application);
    hello.set_version(owner_.identity_.version);
    hello.set_pool(options_.pool);
    hello.set_role(owner_.identity_.role);
    session_ = std::make_unique<LinkSession>(LinkSessionOptions{.hello = hello,
                                                                .epoch = owner_.identity_.epoch,
                                                                .addp_timeout = options_.addp_timeout,
                                                                .addp_remote_timeout = options_.addp_remote_timeout});
    session_->connected(owner_.loop_.steady(), effects_);
    connection_->start(*this);
    carry_out();
    check();
  }

  void failed(const std::string& line, std::chrono::milliseconds wait) {
    // The same line again and again tells nothing new.
    const LogLevel level = line == last_failure_ ? LogLevel::Trace : LogLevel::Standard;
    last_failure_ = line;
    if (owner_.log_.enabled(level)) {
      owner_.log_.write(
          level, "link " + options_.name + ": " + line + "; next attempt in " + std::to_string(wait.count()) + " ms");
    }
  }

  void on_frame(std::string_view frame) override {
    link::Envelope envelope;
    if (envelope.ParseFromArray(frame.data(), static_cast<int>(frame.size()))) {
      session_->received(std::move(envelope), owner_.loop_.steady(), effects_);
    } else {
      session_->malformed(effects_);
    }
    carry_out();
  }

  void on_closed(net::CloseReason reason, const std::string& text) override {
    const bool was_up = up_;
    const std::string why =
        !over_.empty() ? over_
        : reason == net::CloseReason::Local
            ? text
            : std::string(net::to_string(reason)) + (text == net::to_string(reason) ? "" : ": " + text);
    connection_.reset();
    session_.reset();
    check_.cancel();
    measure_.cancel();
    over_.clear();
    up_ = false;
    // The model tells of a link that was up; of one that never was, the same line again and again tells nothing new.
    const LogLevel level = was_up || why == last_failure_ ? LogLevel::Trace : LogLevel::Standard;
    if (owner_.log_.enabled(level)) owner_.log_.write(level, name() + ": down, " + why);
    last_failure_ = why;
    if (!stopped_) dialer_->redial();
    if (was_up) owner_.take_(LinkDown{number_, why});
  }

  void check() {
    if (session_ == nullptr) return;
    const Instant again = session_->check(owner_.loop_.steady(), effects_);
    carry_out();
    if (again > Instant::zero()) check_.start(again, [this] { check(); });
  }

  void measure() {
    session_->measure(owner_.loop_.steady(), effects_);
    carry_out();
    if (session_ != nullptr) measure_.start_in(measure_every, [this] { measure(); });
  }

  // Inputs for the model are given away last, since they bring orders back.
  void carry_out() {
    if (effects_.empty()) return;
    LinkSession::Effects effects;
    effects.swap(effects_);
    for (auto& effect : effects) {
      std::visit(Overloaded{
                     [this](LinkSession::Send& send) { net::send_message(*connection_, send.envelope); },
                     [this](LinkSession::Up& is) { came_up(is); },
                     [this](LinkSession::Happening& is) {
                       owner_.take_(Happened{number_, std::move(is.happening)});
                     },
                     [this](LinkSession::Over& is) { end(is); },
                 },
                 effect);
    }
    effects.clear();
    if (effects_.empty()) effects_.swap(effects);  // keeps its memory
  }

  void end(const LinkSession::Over& is) {
    over_ = is.why;
    connection_->close(is.why);
    if (is.fenced && owner_.fenced_)
      owner_.loop_.post([fenced = owner_.fenced_, why = name() + ": " + is.why] { fenced(why); });
    if (!is.dead) return;  // else down once what was sent has left
    connection_->detach();
    on_closed(net::CloseReason::Local, is.why);
  }

  void came_up(LinkSession::Up& is) {
    up_ = true;
    dialer_->proved();
    last_failure_.clear();
    owner_.log_.write(LogLevel::Trace, name() + ": up, " + is.hello.application() + " " + is.hello.version() +
                                           ", incarnation " + to_hex(is.hello.incarnation()) + ", " +
                                           connection_->protocol() + ", " +
                                           std::to_string(is.snapshot.conversations_size()) + " calls in progress");
    if (is.hello.pool() != options_.pool) {
      owner_.log_.write(LogLevel::Standard, name() + ": the Connector says pool \"" + is.hello.pool() +
                                                "\", the link section says \"" + options_.pool + "\", which counts");
    }
    measure_.start_in(Instant{0}, [this] { measure(); });
    owner_.take_(LinkUp{number_, std::move(is.hello), std::move(is.snapshot)});
  }

  Links& owner_;
  LinkNo number_;
  LinkOptions options_;
  std::unique_ptr<net::Dialer> dialer_;
  net::ConnectionPtr connection_;
  std::unique_ptr<LinkSession> session_;
  net::Timer check_;
  net::Timer measure_;
  LinkSession::Effects effects_;
  std::string over_;  // why the session ended, if it did so by itself
  std::string last_failure_;
  bool up_ = false;
  bool stopped_ = false;
};

Links::Links(net::EventLoop& loop, Logger& log, LinkIdentity identity, Take take, Fenced fenced)
    : loop_(loop), log_(log), identity_(std::move(identity)), take_(std::move(take)), fenced_(std::move(fenced)) {}
Links::~Links() = default;

void Links::set(LinkNo link, LinkOptions options) {
  if (links_.size() <= link) links_.resize(link + 1);
  if (links_[link] == nullptr) {
    links_[link] = std::make_unique<Link>(*this, link, std::move(options));
  } else {
    links_[link]->set(std::move(options));
  }
}

void Links::remove(LinkNo link) {
  if (link < links_.size() && links_[link] != nullptr) links_[link]->stop("the link is configured no more");
}

void Links::set_role(link::Role role, std::uint64_t epoch) {
  identity_.role = role;
  identity_.epoch = epoch;
  for (const auto& link : links_) {
    if (link != nullptr) link->set_role();
  }
}

void Links::order(Order order) {
  if (order.link < links_.size() && links_[order.link] != nullptr) links_[order.link]->order(std::move(order.command));
}

void Links::stop(const std::string& why) {
  for (const auto& link : links_) {
    if (link != nullptr) link->stop(why);
  }
}

std::vector<LinkFigures> Links::figures() const {
  std::vector<LinkFigures> all;
  for (const auto& link : links_) {
    if (link != nullptr && link->used()) all.push_back(link->figures());
  }
  return all;
}

std::size_t Links::connected() const {
  return static_cast<std::size_t>(std::count_if(links_.begin(), links_.end(),
                                                [](const auto& link) { return link != nullptr && link->connected(); }));
}

}  // namespace tandem::tserver
