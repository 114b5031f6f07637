// Who is in which conversation, and where its sound is. A party is in one, or in several (a consultation); its sound is
// in one of them at most, in the others it is held. Its leg ends with the last.
#include <algorithm>

#include "connector/core/core.h"

namespace tandem::connector {
namespace {

void replace(std::vector<Conversation*>& in, Conversation* old, Conversation* by) {
  std::replace(in.begin(), in.end(), old, by);
}

}  // namespace

void Core::hold(Party& party, Conversation& conversation, bool on) {
  const bool was_here = is_here(party, conversation);
  if (was_here != on) return;
  if (on) {
    party.parked = true;
  } else {
    touch(*party.conversation);
    if (party.conversation != &conversation) {
      replace(party.elsewhere, &conversation, party.conversation);
      party.conversation = &conversation;
    }
    party.parked = false;
  }
  touch(conversation);
  log(LogLevel::Trace, party, on ? "held" : "retrieved");
}

void Core::join(Party& party, const link::Command& command) {
  const ConversationNo to{command.join().to()};
  if (party.state != PartyState::Connected) return command_failed(command, Code::WRONG_STATE, "not connected");
  auto found = conversations_.find(to);
  if (found == conversations_.end()) {
    if ((to.value & kTopBit) == 0)
      return command_failed(command, Code::NO_SUCH_CONVERSATION, "no such conversation", to);
    if (stopping_ || conversations_.size() >= settings_.conversations_max)
      return command_failed(command, Code::NO_RESOURCES, "limit of conversations reached, or stopping");
  } else if (found->second.has(party)) {
    return hold(party, found->second, false);
  }
  if (party.elsewhere.size() + 1 >= kMembershipsMax)
    return command_failed(command, Code::NO_RESOURCES, "in too many conversations");
  auto& conversation =
      found != conversations_.end() ? found->second : make_conversation(to, to_string(to) + "-Genesys");
  touch(*party.conversation);
  conversation.max_forwards = std::min(conversation.max_forwards, party.conversation->max_forwards);
  conversation.parties.push_back(&party);
  party.elsewhere.push_back(party.conversation);
  party.conversation = &conversation;
  party.parked = false;
  touch(conversation);
  log(LogLevel::Trace, party, "joined");
}

void Core::merge(Conversation& from, const link::Command& command) {
  const ConversationNo number{command.merge().into()};
  const auto found = conversations_.find(number);
  if (found == conversations_.end())
    return command_failed(command, Code::NO_SUCH_CONVERSATION, "no such conversation", number);
  auto& into = found->second;
  if (&into == &from) return command_failed(command, Code::WRONG_STATE, "merged into itself");
  if (logs(LogLevel::Trace)) log(LogLevel::Trace, "merged: conversation " + from.id + " into " + into.id);
  for (auto* party : from.parties) {
    if (!into.has(*party)) {
      into.parties.push_back(party);
      if (party->conversation == &from) {
        party->conversation = &into;
      } else {
        replace(party->elsewhere, &from, &into);
      }
    } else if (party->conversation == &from) {
      // In both: it stays held there.
      std::erase(party->elsewhere, &into);
      party->conversation = &into;
      party->parked = true;
    } else {
      std::erase(party->elsewhere, &from);
    }
    touch_all(*party);
  }
  into.max_forwards = std::min(into.max_forwards, from.max_forwards);
  from.parties.clear();
  move_focus(from, into);
  end_conversation(from);
}

void Core::set_audio(Party& party, const link::Audio& audio) {
  if (audio.heard_only_by_size() == 0 && !audio.muted() && !audio.deaf() && !audio.hidden()) {
    party.audio.reset();
  } else {
    party.audio = std::make_unique<link::Audio>(audio);
  }
  touch_all(party);
}

void Core::remove(Party& party, Conversation& conversation, const link::Command& command) {
  const auto& order = command.remove();
  if (!one_line(order.reason())) return command_failed(command, Code::BAD_ADDRESS, "control characters");
  End end{.cause = link::Left::REMOVED, .command = command.id(), .wire_reason = order.reason()};
  if (party.state == PartyState::Offered) {
    end.status = order.status() >= 300 && order.status() <= 699 ? static_cast<int>(order.status()) : 480;
  } else if (party.outgoing) {
    end.status = 487;  // by our own CANCEL
  }
  take_out(party, conversation, std::move(end));
}

void Core::release(Conversation& conversation, const link::Command& command) {
  const auto& reason = command.release().reason();
  if (!one_line(reason)) return command_failed(command, Code::BAD_ADDRESS, "control characters");
  // Ending the last party ends the conversation, so the list is taken first.
  const auto number = conversation.no;
  std::vector<PartyNo> all;
  for (const auto* party : conversation.parties) all.push_back(party->no);
  for (const auto no : all) {
    auto* party = find_party(no);
    const auto found = conversations_.find(number);
    if (!party || found == conversations_.end() || !found->second.has(*party)) continue;
    const bool called = party->outgoing && party->state != PartyState::Connected;
    take_out(*party, found->second,
             End{.cause = link::Left::REMOVED,
                 .command = command.id(),
                 .status = called ? 487 : 480,
                 .wire_reason = reason});
  }
}

// Out of this conversation; if it is in no other, that is its end.
void Core::take_out(Party& party, Conversation& conversation, End end) {
  if (party.elsewhere.empty()) return end_party(party, std::move(end));
  auto message = happening(party, conversation, end.command);
  message.mutable_left()->set_cause(end.cause);
  message.mutable_left()->set_reason(std::move(end.reason));
  log(LogLevel::Trace, party, "left", "for its other conversation");
  std::erase(conversation.parties, &party);
  if (party.conversation == &conversation) {
    party.conversation = party.elsewhere.back();
    party.elsewhere.pop_back();
    // Its T-Server says when it is back there; where there is none it is back at once.
    party.parked = in_reach_;
  } else {
    std::erase(party.elsewhere, &conversation);
  }
  touch(*party.conversation);
  if (!end.disowned) report(std::move(message));
  left_behind(conversation.no);
}

// After somebody left. With no T-Server to say so, who is alone now is let go; right after a restart one is waited for.
void Core::left_behind(ConversationNo number) {
  const auto found = conversations_.find(number);
  if (found == conversations_.end()) return;
  auto& conversation = found->second;
  if (conversation.parties.empty()) return end_conversation(conversation);
  touch(conversation);
  if (in_reach_ || disowning_ || first_word_due_ || conversation.parties.size() > 1) return;
  auto& last = *conversation.parties.front();
  if (last.state == PartyState::Offered && !fallback_) return;
  take_out(
      last, conversation,
      End{.cause = link::Left::REMOVED, .reason = "alone, no T-Server in reach", .status = 503, .retry_after = true});
}

void Core::end_conversation(Conversation& conversation) {
  keep(conversation);
  if (!conversation.scene.empty()) over_.push_back(SceneId{conversation.no.value});
  close_focus(conversation);
  conversations_.erase(conversation.no);
}

}  // namespace tandem::connector
