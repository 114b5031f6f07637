#include "resuming_desk.h"

#include <algorithm>
#include <utility>

namespace tandem::simulation {

namespace {

constexpr Instant kKept = std::chrono::seconds(30);

}  // namespace

ResumingDesk::ResumingDesk(Network& network, std::string name, const std::vector<std::unique_ptr<Server>>& servers,
                           std::vector<std::string> dns, const Done& done, Tally& tally)
    : Process(network, std::move(name)), servers_(servers), dns_(std::move(dns)), done_(done), tally_(tally) {}

void ResumingDesk::started() {
  lines_.clear();
  lines_.resize(servers_.size());
  active_ = kNone;
  has_ = false;
  end();
  for (std::size_t i = 0; i < lines_.size(); ++i) dial(i, Instant{0});
}

void ResumingDesk::ended() {
  lines_.clear();
  active_ = kNone;
  owed_.clear();
}

void ResumingDesk::dial(std::size_t server, Instant wait) {
  later(wait, [this, server] {
    auto handle = std::make_shared<ClientEdge::Handle>();
    Server& to = *servers_[server];
    network_.connect(
        *this, to,
        [this, server, handle, &to](const StreamPtr& stream) {
          *handle = to.accept(stream, {[this, server, stream = stream.get()](const auto& event, std::int32_t reference,
                                                                             std::uint64_t number) {
                                if (lines_[server].stream.get() != stream) return;
                                tlib::Message message = *event;
                                if (reference != 0) message.set_referenceid(reference);
                                if (number != 0) message.set_streamnumber(number);
                                heard(server, std::move(message));
                              }});
        },
        [this, server, handle](StreamPtr stream) { connected(server, std::move(stream), handle); },
        [this, server] { dial(server, std::chrono::milliseconds(500)); });
  });
}

void ResumingDesk::connected(std::size_t server, StreamPtr stream, std::shared_ptr<ClientEdge::Handle> handle) {
  stream->on_closed(0, [this, server](const std::string&) { lost(server); });
  lines_[server] = {std::move(stream), std::move(handle), Phase::Idle};
  settle();
}

void ResumingDesk::send(std::size_t server, tlib::Message message) {
  Line& line = lines_[server];
  line.stream->send(0, [to = servers_[server].get(), handle = line.handle, message = std::move(message)] {
    to->ask(*handle, message);
  });
}

// Somebody should have the session, or be asked for it; all others should know us.
void ResumingDesk::settle() {
  if (active_ == kNone && any(Phase::Asking) == kNone) {
    std::size_t next = any(Phase::Idle);
    for (std::size_t i = 0; i < lines_.size() && next == kNone; ++i) {
      if (lines_[i].phase == Phase::Waiting && lines_[i].role == tlib::ServerRolePrimary) next = i;
    }
    if (next != kNone) ask_for_session(next);
  }
  if (active_ == kNone) return;
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    if (lines_[i].phase != Phase::Idle) continue;
    lines_[i].phase = Phase::Joining;
    tlib::Message hello;
    hello.set_type(tlib::RequestRegisterClient);
    hello.set_referenceid(++reference_);
    send(i, hello);
  }
}

std::size_t ResumingDesk::any(Phase phase) const {
  const auto it = std::find_if(lines_.begin(), lines_.end(), [&](const Line& line) { return line.phase == phase; });
  return it == lines_.end() ? kNone : static_cast<std::size_t>(it - lines_.begin());
}

void ResumingDesk::ask_for_session(std::size_t server) {
  lines_[server].phase = Phase::Asking;
  tlib::Message open;
  open.set_type(tlib::RequestRegisterClient);
  open.set_referenceid(asked_as_ = ++reference_);
  asked_at_ = schedule_.steady();
  continuity_.ask(open);
  send(server, open);
  later(std::chrono::seconds(5), [this, server, asked = asked_as_, stream = lines_[server].stream.get()] {
    if (lines_[server].stream.get() != stream || lines_[server].phase != Phase::Asking || asked != asked_as_) return;
    drop(server);
    lost(server);
  });
}

void ResumingDesk::heard(std::size_t server, tlib::Message message) {
  Line& line = lines_[server];
  const tlib::TServerRole before = line.role;
  if (message.has_serverrole()) line.role = message.serverrole();
  switch (line.phase) {
    case Phase::Active:
      return event(server, message);
    case Phase::Asking:
      if (message.referenceid() == asked_as_) answered(server, message);
      return;
    case Phase::Joining:
      line.phase = Phase::Waiting;
      return settle();
    case Phase::Waiting:
      if (before != tlib::ServerRoleBackup || line.role != tlib::ServerRolePrimary) return;
      if (active_ != kNone) {
        const std::size_t former = std::exchange(active_, kNone);
        drop(former);
        gap();
        dial(former, std::chrono::milliseconds(300));
      }
      if (any(Phase::Asking) == kNone) ask_for_session(server);
      return;
    case Phase::Down:
    case Phase::Idle:
      return;
  }
}

void ResumingDesk::answered(std::size_t server, const tlib::Message& message) {
  Line& line = lines_[server];
  if (message.type() == tlib::EventError) {
    drop(server);
    return lost(server);
  }
  if (servers_.size() > 1 && line.role == tlib::ServerRoleBackup && message.has_serverrole()) {
    line.phase = Phase::Waiting;
    return settle();
  }
  line.phase = Phase::Active;
  active_ = server;
  ++gaps_;
  if (message.type() == tlib::EventSessionResumed) {
    ++tally_.resumed;
    if (!std::exchange(has_, true)) began_ = asked_at_;
    for (const tlib::Message* request : continuity_.unanswered()) send(server, *request);
  } else {
    if (has_) end();
    has_ = true;
    began_ = asked_at_;  // its answer may have been late
    continuity_.take(message);
    register_all();
  }
  settle();
}

void ResumingDesk::register_all() {
  for (const std::string& dn : dns_) {
    tlib::Message on;
    on.set_type(tlib::RequestRegisterAddress);
    on.set_thisdn(dn);
    ask(on);
  }
}

void ResumingDesk::event(std::size_t, const tlib::Message& message) {
  switch (continuity_.take(message)) {
    case client::Continuity::Event::Repeated:
      return;
    case client::Continuity::Event::Missing:
      return fault("event " + std::to_string(continuity_.last_seen() + 1) + " never came");
    case client::Continuity::Event::New:
      break;
  }
  // Or it opened the session, and that answer hadn't come before the connection was lost.
  if (message.has_sessiontoken()) {
    register_all();
  } else {
    count_answer(message);
  }
  confirm_later();
}

void ResumingDesk::count_answer(const tlib::Message& message) {
  if (!message.has_referenceid()) return;
  const auto it = owed_.find(message.referenceid());
  // A single-step conference may answer twice: with EventRinging and with EventPartyAdded.
  if (it == owed_.end() || (it->second.answered && message.type() != tlib::EventPartyAdded))
    fault("request " + std::to_string(message.referenceid()) +
          " is answered a second time: " + tlib::MessageType_Name(message.type()));
  if (it != owed_.end()) it->second.answered = true;
}

void ResumingDesk::confirm_later() {
  if (std::exchange(confirming_, true)) return;
  later(std::chrono::milliseconds(500), [this] {
    confirming_ = false;
    if (active_ == kNone || continuity_.unconfirmed() == 0) return;
    tlib::Message message;
    message.set_type(tlib::ConfirmEvents);
    message.set_streamnumber(continuity_.confirm());
    send(active_, message);
  });
}

void ResumingDesk::ask(tlib::Message message) {
  if (!alive() || !has_) return;
  message.set_referenceid(++reference_);
  owed_[reference_] = {schedule_.steady(), message.type()};
  continuity_.add(message);
  if (active_ != kNone) send(active_, message);
}

void ResumingDesk::reconnect() {
  if (!alive() || active_ == kNone) return;
  const std::size_t server = active_;
  drop(server);
  lost(server);
}

void ResumingDesk::drop(std::size_t server) {
  if (lines_[server].stream) lines_[server].stream->close(0);
  lines_[server] = {};
}

void ResumingDesk::lost(std::size_t server) {
  lines_[server] = {};
  if (active_ == server) {
    active_ = kNone;
    gap();
  }
  dial(server, std::chrono::milliseconds(300));
  settle();
}

// Nobody has the session. It goes on if it is resumed in time.
void ResumingDesk::gap() {
  if (!has_) return;
  gap_since_ = schedule_.steady();
  later(kKept, [this, gap = ++gaps_] {
    if (gap != gaps_ || !has_) return;
    if (const std::size_t asked = any(Phase::Asking); asked != kNone) {
      drop(asked);
      dial(asked, std::chrono::milliseconds(300));
    }
    end();
    settle();
  });
}

// The next session is another one. That is right after too long a time, or if a T-Server that hadn't heard all took
// over.
void ResumingDesk::end() {
  if (has_) {
    ++tally_.not_resumed;
    trace("its session is over");
    const bool late = schedule_.steady() - gap_since_ >= kKept - std::chrono::seconds(1);
    if (!late && done_.forgotten() < began_) fault("its session was not resumed");
  }
  continuity_ = active_ != kNone ? continuity_.anew()
                                 : client::Continuity("session-of-desk-" + name() + "-" + std::to_string(++tokens_));
  has_ = false;
  owed_.clear();
}

void ResumingDesk::expect_answered(Instant older_than) {
  for (const auto& [reference, owed] : owed_) {
    if (!owed.answered && schedule_.steady() - owed.asked >= older_than)
      fault("request " + std::to_string(reference) + " (" + tlib::MessageType_Name(owed.type) + ") got no answer");
  }
}

}  // namespace tandem::simulation
