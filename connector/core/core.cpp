#include "connector/core/core.h"

#include <algorithm>

namespace tandem::connector {
namespace {

// Of an id: a part that is this Connector's alone, over a count.
constexpr std::uint64_t kOwnBits = 0xff'ffff;

}  // namespace

std::unique_ptr<Machine> make_core(CoreSettings settings, Directory& directory, MediaAllocator& media,
                                   std::uint64_t incarnation, std::uint64_t own) {
  return std::make_unique<Core>(settings, directory, media, incarnation, own);
}

Core::Core(CoreSettings settings, Directory& directory, MediaAllocator& media, std::uint64_t incarnation,
           std::uint64_t own)
    : settings_(settings),
      directory_(directory),
      media_(media),
      incarnation_(incarnation),
      ids_((own & kOwnBits) << kCountBits) {}

void Core::handle(Input input, Now now, Actions& out) {
  now_ = now;
  out_ = &out;
  if (settings_.keep_calls) note(input);
  std::visit([this](auto& each) { on(each); }, input);
  tell_changes();
  out_ = nullptr;
}

CoreCounts Core::counts() const {
  CoreCounts counts{conversations_.size(), parties_.size(), 0};
  for (const auto& [no, party] : parties_)
    if (party.state == PartyState::Connected) ++counts.connected;
  return counts;
}

// --- Lookups ---

Leg* Core::find_leg(LegId id) {
  const auto found = legs_.find(id);
  return found == legs_.end() ? nullptr : &found->second;
}

Party* Core::find_party(PartyNo no) {
  const auto found = parties_.find(no);
  return found == parties_.end() ? nullptr : &found->second;
}

Conversation& Core::make_conversation(ConversationNo no, std::string id) {
  auto& conversation = conversations_[no];
  conversation.no = no;
  conversation.id = std::move(id);
  return conversation;
}

// --- Ends ---

void Core::forget(LegId leg) {
  const auto found = legs_.find(leg);
  if (found == legs_.end()) return;
  const bool leaving = farewells_.erase(leg) != 0;
  disarm(leaving ? Wait::Farewell : Wait::CancelGuard, leg.value, found->second.guard);
  legs_.erase(found);
  act(ForgetLeg{leg});
}

// Whoever has its dialog goes on with it.
void Core::drop(LegId leg) {
  legs_.erase(leg);
  if (std::erase_if(withheld_, [leg](const auto& one) { return one.first == leg; }) == 0) act(DropLeg{leg});
}

// The one way a party ends. `party` is gone afterwards, and so is every conversation whose last it was.
void Core::end_party(Party& party, End end) {
  const bool called = party.outgoing && party.state != PartyState::Connected;
  end_play(party, !end.disowned);
  if (logs(LogLevel::Trace)) {
    std::string why = called ? std::to_string(end.status) : link::Left::Cause_Name(end.cause);
    if (!end.reason.empty()) why.append(" ").append(end.reason);
    log(LogLevel::Trace, party, called ? "failed" : "left", why);
  }

  const auto no = party.no.value;
  if (!in_reach_ && !end.disowned && settings_.keep_calls) over_unheard_.insert(party.no);
  if (!called && party.state == PartyState::Offered) disarm(Wait::Decision, no, party.incoming->decision);
  if (called) {
    // Also where somebody else has the call, who begins it anew with a phone that rings.
    if (end.replaced) {
      drop_legs(party);
    } else {
      give_up_legs(party, LegId{}, end.wire_reason);
    }
    disarm(Wait::Ring, no, party.out->ring);
    disarm(Wait::ForkGroup, no, party.out->group);
  } else if (end.disowned) {
    drop(party.dialog);
  } else if (party.state == PartyState::Offered) {
    give_back(party.dialog);
    if (!end.gone) {
      Answer answer{.leg = party.dialog, .status = end.status, .reason = std::move(end.phrase)};
      answer.contacts = end.contacts;
      if (end.retry_after) answer.headers.push_back(SipHeader{"Retry-After", std::to_string(settings_.retry_after_s)});
      act(std::move(answer));
    }
    forget(party.dialog);
  } else {
    if (!end.gone && owes_bye(party)) {
      say_bye_later(party, std::move(end.wire_reason));
    } else {
      if (!end.gone) act(SendBye{party.dialog, std::move(end.wire_reason)});
      forget(party.dialog);
    }
  }
  disarm(Wait::Session, no, party.session);
  disarm(Wait::Glare, no, party.glare);
  disarm(Wait::Refer, no, party.refer);
  disarm(Wait::Recover, no, party.recovery);
  if (party.recovering) recovered(party);
  keep(party);
  const auto media = party.stream.endpoint.media;
  if (media) {
    by_media_.erase(media);
    act(MediaClose{media});
  }
  const auto leave = [&](Conversation& conversation) {
    auto message = happening(party, conversation, end.command);
    if (called) {
      if (end.command == 0 && party.command_generation == link_generation_) message.set_command(party.command);
      auto& failed = *message.mutable_failed();
      failed.set_status(static_cast<std::uint32_t>(end.status));
      failed.set_reason(end.reason);
      for (const auto& contact : end.contacts) failed.add_contacts(contact);
    } else {
      auto& left = *message.mutable_left();
      left.set_cause(end.cause);
      left.set_reason(end.reason);
    }
    if (!end.disowned) report(std::move(message));
    std::erase(conversation.parties, &party);
    // What the media room knows by MediaClose.
    std::erase_if(conversation.scene, [&](const MediaMember& m) { return m.media == media; });
    return conversation.no;
  };
  std::vector<ConversationNo> others;
  for (auto* conversation : party.elsewhere) others.push_back(leave(*conversation));
  const auto last = leave(*party.conversation);
  parties_.erase(PartyNo{no});
  for (const auto other : others) left_behind(other);
  left_behind(last);
}

void Core::on(ByeReceived& input) {
  auto* leg = find_leg(input.leg);
  if (!leg) return;
  if (!leg->party) return forget(input.leg);
  if (leg->state == LegState::Trying && !leg->incoming) return;
  auto* party = find_party(leg->party);
  if (!party) return;
  if (leg->state == LegState::Trying) {
    // A BYE may end an early dialog (RFC 3261 section 15): the INVITE is answered 487.
    return end_party(*party, End{.cause = link::Left::CANCELLED, .reason = std::move(input.reason), .status = 487});
  }
  end_party(*party, End{.cause = link::Left::BYE, .reason = std::move(input.reason), .gone = true});
}

void Core::on(LegLost& input) {
  auto* leg = find_leg(input.leg);
  if (!leg) return;
  if (!leg->party) return forget(input.leg);
  auto* party = find_party(leg->party);
  if (!party) return;
  if (leg->state == LegState::Trying && !leg->incoming) {
    return branch_failed(*party, input.leg, 503, std::move(input.reason), {});
  }
  end_party(*party, End{.cause = link::Left::TRANSPORT_FAILED, .reason = std::move(input.reason), .gone = true});
}

void Core::on(MediaSilent& input) {
  if (!settings_.end_on_silence) return;
  const auto found = by_media_.find(input.media);
  if (found == by_media_.end()) return;
  auto* party = find_party(found->second);
  if (!party || party->state != PartyState::Connected || party->held || !party->stream.remote) return;
  if (party->stream.remote->direction != Direction::SendRecv) return;
  end_party(*party, End{.cause = link::Left::MEDIA_TIMEOUT,
                        .reason = "no RTP received",
                        .wire_reason = "Q.850;cause=16;text=\"no RTP received\""});
}

void Core::on(CoreConfigured& input) {
  if (!input.settings) return;
  const auto names = [](const CoreSettings& s) { return s.conferences.count ? s.conferences.name(1) : std::string(); };
  if (names(settings_) != names(*input.settings)) conferences_made_ = {};
  settings_ = *input.settings;
  conferences_made_.top_up(conference_policy(), now_.steady);
}

// --- Timers ---

void Core::arm(Wait wait, std::uint64_t subject, Slot& slot, Instant after) {
  disarm(wait, subject, slot);
  ++slot.generation;
  slot.set = true;
  act(SetCoreTimer{TimerKey{static_cast<std::uint32_t>(wait), slot.generation, subject}, now_.steady + after});
}

void Core::disarm(Wait wait, std::uint64_t subject, Slot& slot) {
  if (!slot.set) return;
  slot.set = false;
  act(CancelCoreTimer{TimerKey{static_cast<std::uint32_t>(wait), slot.generation, subject}});
}

bool Core::fired(const TimerKey& key, Slot& slot) {
  if (!slot.set || slot.generation != key.generation) return false;
  slot.set = false;
  return true;
}

void Core::on(CoreTimer& input) {
  const auto& key = input.key;
  const auto wait = static_cast<Wait>(key.kind);
  if (wait == Wait::NoServer) {
    if (fired(key, no_server_)) end_unestablished();
    return;
  }
  if (wait == Wait::Recover && key.subject == 0) {
    if (fired(key, recovery_)) recover_next();
    return;
  }
  if (wait == Wait::CancelGuard) {
    auto* leg = find_leg(LegId{key.subject});
    if (leg && fired(key, leg->guard)) forget(leg->id);
    return;
  }
  if (wait == Wait::Farewell) {
    auto* leg = find_leg(LegId{key.subject});
    if (leg && fired(key, leg->guard)) say_bye(*leg);
    return;
  }
  auto* party = find_party(PartyNo{key.subject});
  if (!party) return;
  switch (wait) {
    case Wait::Decision:
      if (party->incoming && fired(key, party->incoming->decision)) decision_due(*party);
      return;
    case Wait::Ring:
      if (party->out && fired(key, party->out->ring)) {
        end_party(*party, End{.reason = "not answered in time", .status = 408});
      }
      return;
    case Wait::ForkGroup:
      if (party->out && fired(key, party->out->group)) {
        give_up_legs(*party, LegId{}, {});
        note_failure(*party->out, 408, "not answered in time", {});
        call_group(*party);
      }
      return;
    case Wait::Session:
      if (fired(key, party->session)) session_due(*party);
      return;
    case Wait::Glare:
      if (fired(key, party->glare) && party->reinvite_wanted) send_reinvite(*party);
      return;
    case Wait::PlayDigit:
      if (party->play && fired(key, party->play->digit)) run(*party, party->play->machine.digit_missing());
      return;
    case Wait::PlayTotal:
      if (party->play && fired(key, party->play->total)) run(*party, party->play->machine.time_over());
      return;
    case Wait::Refer:
      if (fired(key, party->refer)) referred(*party, 408, {});
      return;
    case Wait::Recover:
      if (fired(key, party->recovery)) recover(*party);
      return;
    case Wait::CancelGuard:
    case Wait::Farewell:
    case Wait::NoServer:
      return;
  }
}

// --- Reports and log ---

link::Happening Core::happening(const Party& party, std::uint64_t command) const {
  return happening(party, *party.conversation, command);
}

link::Happening Core::happening(const Party& party, const Conversation& conversation, std::uint64_t command) const {
  link::Happening message;
  message.set_command(command);
  message.set_conversation(conversation.no.value);
  message.set_party(party.no.value);
  return message;
}

void Core::report(link::Happening message) {
  act(Report{std::move(message)});
}

void Core::log(LogLevel level, const Party& party, std::string_view what, std::string_view detail) {
  if (!logs(level)) return;
  const auto& conversation = *party.conversation;
  const auto* leg = find_leg(party.dialog ? party.dialog : first_leg(party));
  std::string text;
  text.reserve(192);
  text.append(what).append(": party ").append(to_string(party.no)).append(" dn ").append(party.dn);
  text.append(" conversation ").append(conversation.id);
  if (conversation.conn_id) text.append(" connid ").append(to_hex(conversation.conn_id));
  if (leg) text.append(" call-id ").append(leg->call_id);
  if (!detail.empty()) text.append(" (").append(detail).append(")");
  act(CoreLog{level, std::move(text)});
}

void Core::log(LogLevel level, std::string text) {
  if (logs(level)) act(CoreLog{level, std::move(text)});
}

}  // namespace tandem::connector
