#include "tserver/features/referral.h"

#include "tserver/features/features.h"
#include "tserver/features/merging.h"
#include "tserver/features/routing_point.h"
#include "tserver/features/single_step.h"
#include "tserver/features/table.h"

namespace tandem::tserver {
namespace {

std::uint32_t status_of(const Refusal& why) {
  switch (why.code) {
    case tlib::TERR_INV_CALD_DN:
    case tlib::TERR_INV_DEST_DN:
      return 404;
    case tlib::TERR_DEST_INV_STATE:
      return 480;
    case tlib::TERR_OTHER_TEL_OPER:
      return 491;
    default:
      return 603;
  }
}

// Blind: the phone's place is taken by whom it names.
std::uint32_t transfer_blind(Core& core, Call& call, Party& party, const std::string& to) {
  if (call.attempt || call.routing_point() != nullptr) return 491;
  const auto destination = find_destination(core, core.pool_of(call), to, tlib::TERR_INV_CALD_DN);
  if (!destination) return status_of(destination.error());
  if (call.party(destination->device) != nullptr) return 486;
  tell_phone(core, call, party, 100);
  Attempt attempt;
  attempt.referred = true;
  start_transfer(core, call, party, std::move(attempt), *destination);
  return 0;
}

// Attended: whom the phone's two calls connect it to are left with each other.
std::uint32_t transfer_attended(Core& core, CtiLink& link, Call& call, Party& party, const link::Referred& referred) {
  const auto it = link.conversations.find(ConversationNo{referred.replaces_conversation()});
  Call* other = it == link.conversations.end() ? nullptr : it->second;
  Party* there = other != nullptr ? other->party(PartyNo{referred.replaces_party()}) : nullptr;
  if (there == nullptr) return 481;
  // Replaces names the phone's own dialog as its peer sees it; either end of that call will do.
  if (there->device != party.device) there = other->party(party.device);
  if (there == nullptr || other == &call) return 481;
  const TwoCalls both = in_order(*party.device, call, party, *other, *there);
  if (const auto why = merging_refused(core, both, true)) {
    core.log(LogLevel::Interaction, call, party.name(), "can't transfer: " + why->text);
    return status_of(*why);
  }
  tell_phone(core, call, party, 200);
  merge_for_transfer(core, both, {}, {});
  return 0;
}

void on_referred(Core& core, CtiLink& link, const link::Happening& happening) {
  const link::Referred& referred = happening.referred();
  Call* call = find_call(link, happening);
  Party* party = call != nullptr ? call->party(PartyNo{happening.party()}) : nullptr;
  std::uint32_t status = 481;
  if (party != nullptr && party->device == nullptr) {
    status = 403;  // nobody outside spends our lines
  } else if (party != nullptr && party->up() && !referred.replaces_unknown()) {
    status = referred.replaces_conversation() != 0 ? transfer_attended(core, link, *call, *party, referred)
                                                   : transfer_blind(core, *call, *party, referred.to());
  }
  if (status == 0) return;
  core.log(LogLevel::Interaction, "conversation " + to_string(ConversationNo{happening.conversation()}) +
                                      ": transfer by the phone refused with " + std::to_string(status));
  core.order(link, ConversationNo{happening.conversation()}, PartyNo{happening.party()},
             [&](link::Command& command) { command.mutable_refer()->set_status(status); });
}

}  // namespace

void tell_phone(Core& core, const Call& call, const Party& party, std::uint32_t status) {
  core.order(call, party.no, [&](link::Command& command) { command.mutable_refer()->set_status(status); });
}

void register_referral(Table& table) {
  table.on(link::Happening::kReferred, on_referred);
}

}  // namespace tandem::tserver
