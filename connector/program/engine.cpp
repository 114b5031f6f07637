#include "connector/program/engine.h"

#include <sys/random.h>

#include <algorithm>
#include <future>
#include <random>
#include <stdexcept>
#include <thread>

#include "common/messages/link_text.h"
#include "connector/program/page.h"

namespace tandem::connector {

namespace {

// The core's timer kinds are small numbers; these are the program's.
constexpr TimerKey kExpiry{0xffff0001, 0, 0};
constexpr TimerKey kDrained{0xffff0002, 0, 0};
constexpr TimerKey kKeep{0xffff0003, 0, 0};

// What changes within this time is kept in one piece.
constexpr std::chrono::milliseconds kKeepPause{5};

std::string random_secret() {
  std::string out(32, '\0');
  if (getrandom(out.data(), out.size(), 0) != static_cast<ssize_t>(out.size()))
    throw std::runtime_error("no random bytes to be had");
  return out;
}

std::uint64_t start_time() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count());
}

}  // namespace

Engine::Engine(EngineSettings settings, Logger& log)
    : settings_(std::move(settings)),
      log_(log),
      incarnation_(start_time()),
      front_end_(settings_.front_end, random_secret()),
      door_(*this) {
  settings_.link.identity.incarnation = incarnation_;
}

Engine::~Engine() {
  stop(0ms);
}

Result<void, Failure> Engine::start() {
  try {
    media_ = std::make_unique<MediaRoom>(
        settings_.media, MediaCallbacks{[this](Input input) {
                                          loop_.post([this, shared = std::make_shared<Input>(std::move(input))] {
                                            take(std::move(*shared));
                                          });
                                        },
                                        [this](const MediaClosed& closed) {
                                          loop_.post([this, closed] { meter_.closed(closed); });
                                          if (log_.enabled(LogLevel::Trace))
                                            log_.write(LogLevel::Trace, to_text(closed));
                                        },
                                        [this](const std::string& line) { log_.write(LogLevel::Standard, line); }});
  } catch (const std::runtime_error& error) {
    return Failure{error.what()};
  }
  core_ = make_core(settings_.core, front_end_, *media_, incarnation_, std::random_device{}());
  loop_.on_timer([this](const TimerKey& key) { timer(key); });
  loop_.on_turn_end([this] {
    if (link_) link_->flush();
  });
  loop_.start();
  Result<void, Failure> result{};
  sip_ = std::make_unique<SipRoom>(loop_, settings_.sip, door_, log_, [this](Input input) { take(std::move(input)); });
  link_ = std::make_unique<LinkRoom>(settings_.link, log_, [this](std::vector<Input> inputs) {
    return loop_.post([this, shared = std::make_shared<std::vector<Input>>(std::move(inputs))] {
      for (auto& input : *shared) take(std::move(input));
    });
  });
  note_certificates();
  running_ = true;
  const auto port = link_->open();
  if (!port) {
    result = port.error();
  } else {
    loop_.call([&] { result = open_sip(); });
  }
  if (result) result = open_operator_port();
  if (!result) {
    stop(0ms);
    return result;
  }
  link_->start();
  log_.write(LogLevel::Standard, "link port open: " + settings_.link.address + " " + std::to_string(*port) +
                                     (settings_.link.tls ? "/tls" : "/tcp without TLS"));
  return {};
}

Result<void, Failure> Engine::open_operator_port() {
  if (!settings_.http) return {};
  auto opened = http::OperatorPort::open(
      *settings_.http, [this](std::function<void()> task) { return loop_.post(std::move(task)); }, *this);
  if (!opened) return Failure{"port http: " + opened.error().text};
  operator_port_ = std::move(*opened);
  log_.write(LogLevel::Standard,
             "port http open: " + settings_.http->host + " " + std::to_string(operator_port_->port()));
  return {};
}

void Engine::note_certificates() {
  certificates_.clear();
  for (const std::string& file : {settings_.link.tls_files.certificate, settings_.link.tls_files.ca})
    if (const auto end = net::certificate_expiry(file)) certificates_.emplace_back(file, *end);
}

// Legs come before the ports: a request for one that isn't there yet would end its call.
Result<void, Failure> Engine::open_sip() {
  if (auto prepared = sip_->prepare(); !prepared) return prepared;
  CallsKept kept = kept_calls();
  const bool some = kept.records != nullptr;
  if (some) take(std::move(kept));
  if (auto opened = sip_->open(); !opened) return opened;
  take(PortsOpened{loop_.now().wall - in_reach_until_ > settings_.keep.ours});
  // What couldn't be taken up isn't kept any longer.
  if (store_) keep();
  return {};
}

void Engine::configure(EngineSettings settings) {
  if (auto taken = link_->set_tls(settings.link.tls_files); !taken)
    log_.write(LogLevel::Standard, "the TLS files in force stay for the link: " + taken.error().text);
  if (operator_port_ != nullptr && settings.http) {
    if (auto taken = operator_port_->set_tls(settings.http->tls_files); !taken)
      log_.write(LogLevel::Standard, "the TLS files in force stay for the port http: " + taken.error().text);
  }
  loop_.call([&] {
    settings_.link.tls_files = settings.link.tls_files;
    note_certificates();
    front_end_.configure(settings.front_end);
    sip_->configure(settings.sip);
    media_->use_files(settings.media.music_file, settings.media.ringtone_file);
    take(CoreConfigured{std::make_shared<const CoreSettings>(settings.core)});
    registrations_changed();
  });
}

void Engine::drain() {
  loop_.call([this] {
    if (std::exchange(draining_, true)) return;
    sip_->refuse_new(true);
    Report report;
    report.happening.mutable_draining();
    link_->perform(std::move(report));
    link_->flush();
    const CoreCounts counts = core_->counts();
    log_.write(LogLevel::Standard,
               "drains: takes no new calls, " + std::to_string(counts.conversations) + " calls are left");
  });
}

std::size_t Engine::left() {
  std::size_t left = 0;
  loop_.call([&] { left = core_->counts().conversations + sip_->counts().legs + media_->endpoints(); });
  return left;
}

// --- For operators ---

void Engine::add_metrics(metrics::Exposition& out) {
  Figures figures;
  figures.core = core_->counts();
  figures.sip = sip_->counts();
  figures.contacts = front_end_.contacts();
  figures.endpoints = media_->endpoints();
  for (const auto& range : settings_.media.ports) figures.media_ports += range.last - range.first + 1u;
  figures.media = media_->totals();
  figures.worker_cpu = media_->cpu_times();
  if (store_) figures.store = store_->counts();
  figures.certificates = certificates_;
  connector::add_metrics(out, figures, meter_);
  if (more_metrics_) more_metrics_(out);
}

http::Standing Engine::standing() {
  const CoreCounts counts = core_->counts();
  http::Standing out{settings_.link.identity.application, settings_.link.identity.version, "ready", {}, {}};
  if (draining_) {
    out.state = "suspending";
    out.unready.push_back("takes no new calls, was told to end");
  }
  if (meter_.primaries() == 0) out.unready.emplace_back("no primary T-Server is connected");
  out.figures = {{"calls", counts.conversations}, {"parties", counts.parties}, {"links", meter_.links()}};
  return out;
}

std::string Engine::end(bool force) {
  log_.write(LogLevel::Standard, force ? "told to stop at once" : "told to stop");
  if (order_) order_(force);
  return force ? "stops now, calls are ended" : "takes no new calls, ends when the last one is over";
}

void Engine::stop(std::chrono::milliseconds deadline) {
  if (!running_) return;
  running_ = false;
  if (deadline > 0ms) {
    // Every dialog gets its BYE and time to see it answered.
    std::promise<void> drained;
    auto done = drained.get_future();
    const Instant until = loop_.now().steady + deadline;
    std::function<void()> look = [&] {
      if (sip_->counts().legs == 0 || loop_.now().steady >= until) {
        drained.set_value();
      } else {
        loop_.set_timer(kDrained, loop_.now().steady + 20ms);
      }
    };
    const bool asked = loop_.call([&] {
      const auto legs = sip_->counts().legs;
      const auto endpoints = media_->endpoints();
      log_.write(LogLevel::Standard, legs + endpoints == 0 ? std::string("ends; nothing was left open")
                                                           : "ends; open: " + std::to_string(legs) + " legs, " +
                                                                 std::to_string(endpoints) + " media endpoints");
      sip_->refuse_new(true);
      take(CoreStopping{});
      loop_.on_timer([&look, this](const TimerKey& key) {
        if (key == kDrained) {
          look();
        } else {
          timer(key);
        }
      });
      look();
    });
    if (asked) done.wait();
    loop_.call([this] {
      loop_.on_timer(nullptr);
      link_->flush();
    });
  }
  loop_.call([this] {
    if (sip_ && sip_->is_open()) keep();
  });
  if (link_) link_->stop();
  loop_.call([this] { sip_.reset(); });
  loop_.stop();
  operator_port_.reset();
  media_.reset();
  store_.reset();
}

// Actions that make further inputs at once (an INVITE that can't be sent) are met by the queue, not by recursion.
void Engine::take(Input input) {
  inputs_.push_back(std::move(input));
  if (pumping_) return;
  pumping_ = true;
  while (!inputs_.empty()) {
    Input next = std::move(inputs_.front());
    inputs_.pop_front();
    if (const auto* commanded = std::get_if<Commanded>(&next); commanded != nullptr && log_.enabled(LogLevel::Debug))
      log_.write(LogLevel::Debug, "from T-Server: " + link_text(commanded->command, settings_.hidden_headers));
    meter_.took(next);
    core_->handle(std::move(next), loop_.now(), actions_);
    carry_out(actions_);
  }
  pumping_ = false;
  if (store_) store_->in_reach(core_->in_reach());
  if (keep_due_ || !core_->changed()) return;
  keep_due_ = true;
  loop_.set_timer(kKeep, loop_.now().steady + kKeepPause);
}

void Engine::carry_out(Actions& actions) {
  for (auto& action : actions) {
    meter_.made(action);
    std::visit([this](auto& one) { act(one); }, action);
  }
  actions.clear();
}

void Engine::act(Report& a) {
  if (log_.enabled(LogLevel::Debug))
    log_.write(LogLevel::Debug, "to T-Servers: " + link_text(a.happening, settings_.hidden_headers));
  link_->perform(std::move(a));
}

void Engine::act(LearnLocation& a) {
  front_end_.learn(a.registration, loop_.now());
  registrations_changed();
}

void Engine::front_end_said() {
  for (const CoreLog& line : front_end_.take_log()) log_.write(line.level, line.text);
}

void Engine::registrations_changed() {
  front_end_said();
  for (auto& registration : front_end_.take_changed(loop_.now())) {
    if (log_.enabled(LogLevel::Standard))
      log_.write(LogLevel::Standard, "registration " + registration.aor() + ": " +
                                         std::to_string(registration.contacts_size()) + " contacts");
    if (store_) {
      KeptBytes bytes;
      ha::Record record;
      record.set_major(1);
      *record.mutable_registration()->mutable_bindings() = registration;
      record.mutable_registration()->set_told_ms(
          std::chrono::duration_cast<std::chrono::milliseconds>(loop_.now().wall).count());
      if (registration.contacts_size() > 0) {
        phones_kept_.put(record, bytes);
      } else {
        phones_kept_.drop(key_of(record), bytes);
      }
      store_->write(std::move(bytes));
    }
    Report report;
    *report.happening.mutable_registration() = std::move(registration);
    link_->perform(std::move(report));
  }
  if (const auto next = front_end_.next_expiry()) {
    loop_.set_timer(kExpiry, *next);
  } else {
    loop_.cancel_timer(kExpiry);
  }
}

void Engine::timer(const TimerKey& key) {
  if (key == kKeep) return keep();
  if (key != kExpiry) return take(CoreTimer{key});
  front_end_.expire(loop_.now());
  registrations_changed();
}

Reply Engine::Door::registered(const RegisterAsked& asked, Now now) {
  const bool wants_binding = std::any_of(
      asked.contacts.begin(), asked.contacts.end(),
      [&](const ContactAsked& contact) { return contact.expires_s.value_or(asked.expires_s.value_or(1)) > 0; });
  // While the Connector drains, phones go to another one.
  Reply reply = engine_.draining_ && wants_binding
                    ? Reply{503, {}, {{"Retry-After", std::to_string(engine_.settings_.core.retry_after_s)}}}
                    : engine_.front_end_.registered(asked, now);
  engine_.meter_.answered("REGISTER", reply.status);
  engine_.registrations_changed();
  return reply;
}
std::variant<Caller, Reply> Engine::Door::invited(const RequestFacts& facts, Now now) {
  auto verdict = engine_.front_end_.invited(facts, now);
  engine_.front_end_said();
  if (const auto* refused = std::get_if<Reply>(&verdict)) engine_.meter_.answered("INVITE", refused->status);
  return verdict;
}
std::string Engine::Door::called(const RequestFacts& facts) const {
  return engine_.front_end_.called(facts);
}
std::optional<Reply> Engine::Door::referred(const Caller& by, const std::string& to) {
  auto refusal = engine_.front_end_.referred(by, to);
  engine_.front_end_said();
  return refusal;
}
bool Engine::Door::believed(const Origin& origin) const {
  return engine_.front_end_.believed(origin);
}
std::optional<Forwarding> Engine::Door::forward(const RouteAsked& asked) const {
  return engine_.front_end_.forward(asked);
}
bool Engine::Door::welcome(const Origin& origin, Now now) {
  return engine_.front_end_.welcome(origin, now);
}
void Engine::Door::connection_closed(const Origin& origin) {
  engine_.front_end_.connection_closed(origin);
  engine_.registrations_changed();
}

}  // namespace tandem::connector
