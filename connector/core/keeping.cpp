// What has to survive the process, told record by record (proto/ha.proto). An input marks what it may have changed,
// which costs next to nothing; records are made of it when the owner asks.
#include <algorithm>

#include "connector/core/core.h"
#include "connector/core/records.h"

namespace tandem::connector {
namespace {

template <class Number>
std::vector<Number> each_once(std::vector<Number>& numbers) {
  auto out = std::exchange(numbers, {});
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

// Whose timers are a party's.
bool of_party(Wait wait) {
  return wait != Wait::NoServer && wait != Wait::CancelGuard && wait != Wait::Farewell;
}

}  // namespace

void Core::keep(const Conversation& conversation) {
  if (!settings_.keep_calls) return;
  kept_conversations_.push_back(conversation.no);
  for (const auto* party : conversation.parties) kept_parties_.push_back(party->no);
}

void Core::keep(const Party& party) {
  if (!settings_.keep_calls) return;
  kept_parties_.push_back(party.no);
  kept_conversations_.push_back(party.conversation->no);
  for (const auto* conversation : party.elsewhere) kept_conversations_.push_back(conversation->no);
}

// Whom an input is about. Whoever it brings in is in a conversation that is touched.
void Core::note(const Input& input) {
  const auto by_leg = [&](LegId id) {
    const auto* leg = find_leg(id);
    if (const auto* party = leg ? find_party(leg->party) : nullptr) keep(*party);
  };
  std::visit(
      [&](const auto& one) {
        if constexpr (requires { one.leg; }) {
          by_leg(one.leg);
        } else if constexpr (requires { one.media; }) {
          const auto found = by_media_.find(one.media);
          const auto* party = found == by_media_.end() ? nullptr : find_party(found->second);
          if (party) keep(*party);
        } else if constexpr (requires { one.command; }) {
          const auto found = conversations_.find(ConversationNo{one.command.conversation()});
          if (found != conversations_.end()) kept_conversations_.push_back(found->first);
          if (const auto* party = find_party(PartyNo{one.command.party()})) keep(*party);
        } else if constexpr (requires { one.key; }) {
          const auto* party =
              of_party(static_cast<Wait>(one.key.kind)) ? find_party(PartyNo{one.key.subject}) : nullptr;
          if (party) keep(*party);
        }
      },
      input);
}

void Core::all_changed() {
  for (const auto& [no, conversation] : conversations_) keep(conversation);
}

void Core::take_changes(Now now, std::vector<KeptChange>& out) {
  const auto offset = records::offset(now);
  for (const auto no : each_once(kept_conversations_)) {
    const auto found = conversations_.find(no);
    auto& change = out.emplace_back();
    if (found != conversations_.end() && !found->second.parties.empty()) {
      change.record = records::to_record(found->second, offset);
    } else {
      change.gone = true;
      change.record.mutable_conversation()->set_conversation(no.value);
    }
  }
  for (const auto no : each_once(kept_parties_)) {
    const auto* party = find_party(no);
    std::vector<const Leg*> legs;
    if (party && party->out) {
      for (const auto id : party->out->legs) legs.push_back(find_leg(id));
    } else if (const auto* leg = party ? find_leg(party->dialog) : nullptr) {
      legs.push_back(leg);
    }
    auto& change = out.emplace_back();
    if (party && (party->out || !legs.empty())) {
      change.record = records::to_record(*party, legs, offset);
      for (const auto* leg : legs) change.legs.push_back(leg->id);
    } else {
      change.gone = true;
      change.record.mutable_party()->set_party(no.value);
    }
  }
}

}  // namespace tandem::connector
