// What phones and trunks do.
#include "monkey_class.h"

namespace tandem::tserver::test {

void Monkey::offer() {
  const LinkNo no = any_link();
  if (!world_.state().links[no].up) return;
  const std::uint64_t conversation = ++ids_, party = ++ids_;
  happen(no, conversation, party, [&](link::Happening& h) {
    link::Offered& offered = *h.mutable_offered();
    offered.set_conversation_id("id" + std::to_string(conversation));
    offered.set_from(one_in(2) ? any(kExtensions) : any(kNumbers));
    offered.set_from_authenticated(!one_in(4));
    if (one_in(3)) offered.set_trunk("pstn");
    offered.set_to(one_in(2) ? any(kRoutingPoints) : anywhere());
  });
}

void Monkey::enter() {
  const LinkNo no = any_link();
  auto& talks = connectors_[no].talks();
  if (talks.empty() || !world_.state().links[no].up) return;
  auto talk = talks.begin();
  std::advance(talk, pick(static_cast<std::uint32_t>(talks.size())));
  auto leg = talk->second.legs.begin();
  std::advance(leg, pick(static_cast<std::uint32_t>(talk->second.legs.size())));
  const std::uint64_t replaced = one_in(10) ? 77 : leg->first;
  happen(no, talk->first, ++ids_, [&](link::Happening& h) {
    link::Offered& offered = *h.mutable_offered();
    offered.set_conversation_id(talk->second.id);
    offered.set_from(one_in(2) ? any(kExtensions) : leg->second.dn);
    offered.set_from_authenticated(!one_in(8));
    offered.set_to(anywhere());
    if (one_in(2)) {
      offered.set_conference(true);
    } else {
      offered.set_replaces(replaced);
    }
  });
}

void Monkey::refer() {
  const auto& calls = world_.state().calls;
  if (calls.empty()) return;
  auto it = calls.begin();
  std::advance(it, pick(static_cast<std::uint32_t>(calls.size())));
  const Call& call = *it->second;
  auto party = call.parties.begin();
  std::advance(party, pick(static_cast<std::uint32_t>(call.parties.size())));
  link::Happening h;
  h.set_conversation(call.conversation.value);
  h.set_party(party->no.value);
  h.mutable_referred()->set_to(anywhere());
  if (party->device != nullptr && one_in(2)) {
    for (const Call* other : party->device->calls) {
      if (other == &call) continue;
      h.mutable_referred()->set_replaces_conversation(other->conversation.value);
      h.mutable_referred()->set_replaces_party(other->party(party->device)->no.value);
    }
  }
  step(Happened{call.link, h});
}

void Monkey::remember(LinkNo no, std::uint64_t conversation, std::uint64_t party) {
  if (party == 0) return;
  history_.push_back({no, conversation, party});
  if (history_.size() > 60) history_.erase(history_.begin());
}

void Monkey::random_what(link::Happening& h) {
  switch (pick(10)) {
    case 8:  // somebody else is at the phone
      h.mutable_identified()->set_dn(anywhere());
      break;
    case 0:
    case 1:
      h.mutable_alerting();
      break;
    case 2:
    case 3:
    case 4:
      h.mutable_answered()->set_dn(one_in(5) ? anywhere() : "");
      break;
    case 5:
      h.mutable_failed()->set_status(one_in(2) ? 486 : 300 + pick(400));
      for (std::uint32_t i = pick(4); i > 0; --i) h.mutable_failed()->add_contacts("<" + anywhere() + ";x=y>");
      break;
    case 6:
      h.mutable_hold_changed()->set_held(one_in(2));
      break;
    case 7:
      h.mutable_left()->set_cause(static_cast<link::Left::Cause>(pick(8)));
      break;
    default:
      if (!one_in(3)) {
        h.mutable_alerting();
      } else {
        h.mutable_command_failed()->set_code(static_cast<link::CommandFailed::Code>(pick(7)));
      }
  }
}

void Monkey::phone_happening() {
  const LinkNo no = any_link();
  auto& talks = connectors_[no].talks();
  if (talks.empty()) return;
  auto talk = talks.begin();
  std::advance(talk, pick(static_cast<std::uint32_t>(talks.size())));
  auto leg = talk->second.legs.begin();
  std::advance(leg, pick(static_cast<std::uint32_t>(talk->second.legs.size())));
  const bool ringing = leg->second.state == link::INVITING || leg->second.state == link::ALERTING;
  happen(no, talk->first, leg->first, [&](link::Happening& h) {
    if (ringing) {
      if (one_in(2)) h.mutable_answered();
      while (h.what_case() == link::Happening::WHAT_NOT_SET || h.has_hold_changed()) random_what(h);
    } else if (leg->second.play != 0 && !one_in(4)) {
      treatment_happening(h, leg->second.play);
    } else if (one_in(12)) {
      h.mutable_left();
    } else if (one_in(8)) {
      h.mutable_identified()->set_dn(one_in(2) ? any(kNumbers) : any(kExtensions));
    } else {
      h.mutable_hold_changed()->set_held(one_in(2));
    }
  });
}

void Monkey::treatment_happening(link::Happening& h, std::uint64_t command) {
  h.set_command(one_in(10) ? command - 1 : command);
  if (one_in(2)) {
    h.mutable_playing();
  } else if (!one_in(5)) {
    h.mutable_played()->set_completion(static_cast<link::Played::Completion>(pick(4)));
  } else {
    h.mutable_command_failed()->set_code(link::CommandFailed::NO_RESOURCES);
  }
}

void Monkey::late_happening() {
  if (history_.empty()) return;
  const auto& old = history_[pick(static_cast<std::uint32_t>(history_.size()))];
  if (!world_.state().links[old.link].up) return;
  link::Happening happening;
  happening.set_conversation(one_in(10) ? pick(1000) : old.conversation);
  happening.set_party(one_in(10) ? pick(1000) : old.party);
  random_what(happening);
  if (one_in(10)) {
    happening.mutable_dn_status()->set_dn(any(kExtensions));
    happening.mutable_dn_status()->set_in_service(one_in(2));
  } else {
    connectors_[old.link].apply(happening);
  }
  step(Happened{old.link, happening});
}

void Monkey::conference_happening() {
  const LinkNo no = any_link();
  for (const auto& each : connectors_[no].talks()) {
    const FakeConnector::Talk talk = each.second;
    if (talk.uri.empty() || one_in(3)) continue;
    happen(no, each.first, 0, [&](link::Happening& h) {
      link::ConferenceChanged& changed = *h.mutable_conference_changed();
      if (one_in(8)) return;
      changed.set_uri(talk.uri);
      changed.set_locked(talk.locked);
      changed.set_lobby(talk.lobby || one_in(4));
    });
    return;
  }
}

}  // namespace tandem::tserver::test
