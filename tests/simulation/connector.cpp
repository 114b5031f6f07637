#include "connector.h"

#include <algorithm>

#include "phone.h"

namespace tandem::simulation {

using namespace connector;

namespace {

constexpr LinkNo kLook = 0x40000000;  // our own look at the core's snapshot

}  // namespace

Phone* Book::find(const std::string& dn) const {
  const auto it = phones_.find(dn);
  return it == phones_.end() ? nullptr : it->second;
}

DialogPtr Book::dialog(const std::string& call_id) const {
  const auto it = dialogs_.find(call_id);
  return it == dialogs_.end() ? nullptr : it->second;
}

Connector::Connector(Network& network, std::string name, Book& book, std::uint64_t seed, CoreSettings settings)
    : Process(network, std::move(name)), book_(book), random_(seed), settings_(std::move(settings)) {}
Connector::~Connector() = default;

void Connector::started() {
  identity_ = {};
  identity_.application = name();
  identity_.incarnation = static_cast<std::uint64_t>(now().wall.count() / 1000);
  fence_ = {};
  timers_ = {};
  inputs_.clear();
  busy_ = false;
  obeyed_ = 0;
  ordered_about_.clear();
  gave_up_.clear();
  invites_.clear();
  core_at_ = room_at_ = Instant{0};
  core_ = make_core(settings_, *this, *this, identity_.incarnation,
                    identity_.incarnation ^ std::hash<std::string>{}(name()));
  disk_.begin();
  keeper_ = {};
  keep_due_ = told_once_ = false;
  take_up();
}

void Connector::ended() {
  peers_.clear();
  media_.clear();
  const auto legs = std::exchange(legs_, {});
  by_dialog_.clear();
  for (const auto& [id, leg] : legs) leg->dialog->phone->look_for_silence(leg->dialog);
}

// --- The core ---

void Connector::take(Input input) {
  inputs_.push_back(std::move(input));
  if (std::exchange(busy_, true)) return;
  while (!inputs_.empty()) {
    Input next = std::move(inputs_.front());
    inputs_.pop_front();
    Actions actions;
    core_->handle(std::move(next), now(), actions);
    for (const connector::Action& action : actions) carry_out(action);
  }
  busy_ = false;
  disk_.in_reach(core_->in_reach());
  if (keep_due_ || !core_->changed()) return;
  keep_due_ = true;
  later(5ms, [this] { keep(); });
}

void Connector::carry_out(const connector::Action& action) {
  std::visit([this](const auto& one) { act(one); }, action);
}

void Connector::act(const SetCoreTimer& a) {
  timers_.set(a.key, a.at);
  later(std::max<Instant>(a.at - schedule_.steady(), Instant{0}), [this] { fire_due(); });
}

void Connector::fire_due() {
  while (timers_.next() && *timers_.next() <= schedule_.steady()) take(CoreTimer{*timers_.pop(schedule_.steady())});
}

link::Snapshot Connector::snapshot() {
  link::Snapshot seen;
  if (!alive()) return seen;
  Actions actions;
  core_->handle(LinkOpened{kLook, false}, now(), actions);
  for (connector::Action& action : actions) {
    if (auto* snapshot = std::get_if<SendSnapshot>(&action)) seen = std::move(snapshot->snapshot);
  }
  core_->handle(LinkClosed{kLook}, now(), actions);
  return seen;
}

// --- The link room, a thread of its own ---

void Connector::to_core(Input input) {
  core_at_ = std::max(core_at_, schedule_.steady() + random_.up_to(300us));
  later(core_at_ - schedule_.steady(), [this, input = std::make_shared<Input>(std::move(input))] {
    if (const auto* commanded = std::get_if<Commanded>(input.get())) {
      const link::Command& command = commanded->command;
      if (command.has_hold() || command.has_join()) ordered_about_.insert(command.party());
      if (schedule_.traced()) trace("is told " + command.ShortDebugString());
    }
    take(std::move(*input));
  });
}

void Connector::act(const Report& a) {
  to_room(a.happening);
}
void Connector::act(const SendSnapshot& a) {
  to_room(a);
}

void Connector::to_room(ToRoom item) {
  room_at_ = std::max(room_at_, schedule_.steady() + random_.up_to(300us));
  later(room_at_ - schedule_.steady(), [this, item = std::make_shared<ToRoom>(std::move(item))] { room_takes(*item); });
}

void Connector::room_takes(ToRoom& item) {
  if (auto* snapshot = std::get_if<SendSnapshot>(&item)) {
    const auto it = peers_.find(snapshot->link);
    if (it == peers_.end()) return;
    LinkSession::Effects effects;
    it->second.session->snapshot(std::move(snapshot->snapshot), effects);
    return carry_out(it->first, std::move(effects));
  }
  for (auto& [no, peer] : peers_) {
    if (!peer.session->takes(std::get<link::Happening>(item)) || peer.closing) continue;
    LinkSession::Effects effects;
    auto& envelope = effects.send.emplace_back();
    envelope.set_sequence(peer.session->next_sequence());
    envelope.set_epoch(fence_.epoch);
    *envelope.mutable_happening() = std::get<link::Happening>(item);
    carry_out(no, std::move(effects));
  }
}

void Connector::accept(StreamPtr stream) {
  const LinkNo no = ++last_link_;
  Peer& peer = peers_[no];
  peer.stream = stream;
  peer.session = std::make_unique<LinkSession>(no, identity_, fence_, schedule_.steady());
  stream->on_closed(1, [this, no](const std::string&) { closed(no); });
  LinkSession::Effects effects;
  peer.session->start(effects);
  carry_out(no, std::move(effects));
  check(no);
}

void Connector::hear_from(const StreamPtr& stream, Hear hear) {
  for (auto& [no, peer] : peers_) {
    if (peer.stream == stream) *peer.hearer = std::move(hear);
  }
}

void Connector::received(const StreamPtr& stream, link::Envelope envelope) {
  for (auto& [no, peer] : peers_) {
    if (peer.stream != stream) continue;
    if (peer.session->ended()) return;
    if (envelope.has_command()) {
      // Whoever has obeyed a primary obeys none before it.
      if (envelope.epoch() >= fence_.epoch) obeyed_ = std::max(obeyed_, envelope.epoch());
    }
    LinkSession::Effects effects;
    const bool command = envelope.has_command();
    const std::uint64_t epoch = envelope.epoch();
    peer.session->received(envelope, schedule_.steady(), effects);
    if (command && epoch < obeyed_ && !effects.inputs.empty() &&
        std::holds_alternative<Commanded>(effects.inputs.front()))
      schedule_.fault(name() + " obeys epoch " + std::to_string(epoch) + " after " + std::to_string(obeyed_));
    carry_out(no, std::move(effects));
    return check(no);
  }
}

void Connector::carry_out(LinkNo no, LinkSession::Effects effects) {
  const auto it = peers_.find(no);
  if (it == peers_.end()) return;
  Peer& peer = it->second;
  for (link::Envelope& envelope : effects.send) {
    if (peer.closing) break;
    peer.stream->send(1, [hearer = peer.hearer, envelope = std::move(envelope)] {
      if (*hearer) (*hearer)(envelope);
    });
  }
  for (Input& input : effects.inputs) {
    if (std::holds_alternative<LinkOpened>(input)) {
      for (auto& [number, other] : peers_) {
        if (number == no || other.session->ended() || other.session->application() != peer.session->application())
          continue;
        LinkSession::Effects replaced;
        other.session->goodbye(link::Goodbye::PROTOCOL_ERROR, "replaced by a newer connection", replaced);
        carry_out(number, std::move(replaced));
      }
    }
    to_core(std::move(input));
  }
  if (effects.fence_raised) {
    for (auto& [number, other] : peers_) {
      if (number == no) continue;
      LinkSession::Effects passed;
      other.session->fenced(passed);
      carry_out(number, std::move(passed));
    }
  }
  if (!effects.close || std::exchange(peer.closing, true)) return;
  trace("closes link " + std::to_string(no) + ": " + *effects.close);
  peer.stream->close(1);
  later(1ms, [this, no] { closed(no); });
}

void Connector::check(LinkNo no) {
  const auto it = peers_.find(no);
  if (it == peers_.end()) return;
  const auto due = it->second.session->due();
  if (!due) return;
  if (*due > schedule_.steady()) {
    later(*due - schedule_.steady(), [this, no, due] {
      const auto peer = peers_.find(no);
      if (peer != peers_.end() && peer->second.session->due() == due) check(no);
    });
    return;
  }
  LinkSession::Effects effects;
  it->second.session->check(schedule_.steady(), effects);
  carry_out(no, std::move(effects));
  const auto next = peers_.find(no);
  if (next != peers_.end() && next->second.session->due() && *next->second.session->due() > schedule_.steady())
    check(no);
}

void Connector::closed(LinkNo no) {
  const auto it = peers_.find(no);
  if (it == peers_.end()) return;
  LinkSession::Effects effects;
  it->second.session->lost(effects);
  for (Input& input : effects.inputs) to_core(std::move(input));
  peers_.erase(it);
}

void Connector::expect_quiet() {
  if (!disk_.records().empty()) fault(std::to_string(disk_.records().size()) + " records are left on its disk");
  if (!legs_.empty()) schedule_.fault(name() + ": " + std::to_string(legs_.size()) + " legs are left");
  if (!media_.empty()) schedule_.fault(name() + ": " + std::to_string(media_.size()) + " media endpoints are left");
  while (const auto key = timers_.pop(Instant::max())) {
    constexpr std::uint32_t kNoServer = 7;  // the role may be on its way just now
    if (key->kind != kNoServer || core_->in_reach())
      schedule_.fault(name() + ": a timer of kind " + std::to_string(key->kind) + " is left");
  }
  const link::Snapshot seen = snapshot();
  if (seen.conversations_size() != 0) schedule_.fault(name() + ": conversations are left: " + seen.ShortDebugString());
}

}  // namespace tandem::simulation
