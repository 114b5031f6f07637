// Calls that come in: from phones of ours and from outside, to Routing Points, Extensions and numbers.
#include "tserver/features/attempt.h"
#include "tserver/features/destination.h"
#include "tserver/features/direct_calls.h"
#include "tserver/features/entering.h"
#include "tserver/features/features.h"
#include "tserver/features/make_call.h"
#include "tserver/features/routing_point.h"

namespace tandem::tserver {
namespace {

// A caller is one of our DNs only if it proved to be; who comes by a trunk is outside, whatever it calls itself.
Device* caller_device(Core& core, const link::Offered& offered) {
  if (!offered.from_authenticated() || !offered.trunk().empty()) return nullptr;
  Device* device = core.state.device(Dn(offered.from()));
  return device != nullptr && device->extension() ? device : nullptr;
}

std::optional<std::uint32_t> refused_with(Core& core, const Device* caller,
                                          const Result<Destination, Refusal>& destination) {
  if (core.state.calls.size() >= core.settings().max_calls) return 503;
  if (!destination) {
    switch (destination.error().code) {
      case tlib::TERR_DEST_INV_STATE:
        return 480;
      case tlib::TERR_DN_BUSY:
        return 486;
      case tlib::TERR_ACCESS_RESTRICTED:
        return 403;
      default:
        return 404;
    }
  }
  if (destination->device == nullptr && caller == nullptr) return 404;  // no relay for strangers
  if (destination->device != nullptr && destination->device == caller) return 486;
  return std::nullopt;
}

Call& new_call(Core& core, const CtiLink& link, const link::Happening& happening, Device* caller,
               const Destination& destination) {
  const link::Offered& offered = happening.offered();
  Call& call = core.state.create_call(link.no, ConversationNo{happening.conversation()});
  call.conversation_id = offered.conversation_id();
  call.dialed = destination.name();
  call.from_display = offered.from_display();
  if (caller == nullptr) {
    call.type = tlib::CallTypeInbound;
    call.ani = offered.from();
  } else {
    call.type = destination.device != nullptr ? tlib::CallTypeInternal : tlib::CallTypeOutbound;
  }
  Party party;
  party.no = PartyNo{happening.party()};
  party.device = caller;
  party.address = caller != nullptr ? "" : offered.from().empty() ? "anonymous" : offered.from();
  party.role = tlib::RoleOrigination;
  party.state = PartyState::Dialing;
  party.leg = LegState::Offered;
  party.call_id = offered.call_id();
  core.state.add_party(call, std::move(party));
  return call;
}

void on_offered(Core& core, CtiLink& link, const link::Happening& happening) {
  const link::Offered& offered = happening.offered();
  if (happening.conversation() == 0 || happening.party() == 0) return;
  Device* caller = caller_device(core, offered);
  if (offered.replaces() != 0 || offered.conference()) {
    enter(core, link, happening, caller);
    return;
  }
  if (find_call(link, happening) != nullptr) return;
  const auto destination = find_destination(core, link.pool, offered.to(), tlib::TERR_INV_DEST_DN);
  if (const auto status = refused_with(core, caller, destination)) {
    core.log(LogLevel::Interaction, "Call-ID " + offered.call_id() + " from " + offered.from() + " to " + offered.to() +
                                        ": refused with " + std::to_string(*status));
    core.order(link, ConversationNo{happening.conversation()}, PartyNo{happening.party()},
               [&](link::Command& command) { command.mutable_reject()->set_status(*status); });
    return;
  }
  // Straight to a DN whose direct calls are not handled: connected, but nobody's business.
  const bool unreported =
      destination->device != nullptr && destination->device->extension() && !takes_over(*destination->device);
  const Destination to = unreported ? Destination{nullptr, destination->name()} : *destination;
  Call& call = new_call(core, link, happening, unreported ? nullptr : caller, to);
  call.unreported = unreported;
  order_tag(core, call);
  const Party& from = call.parties.front();
  core.tell(call, from, tlib::EventDialing);
  core.log(LogLevel::Interaction, call, from.name(),
           "calls " + call.dialed + (unreported ? ", which is not reported: direct calls are not handled there" : ""));
  if (destination->routes()) {
    queue_at(core, call, *destination->device);
    return;
  }
  if (destination->device != nullptr) core.admit(call, from, link::Admit::RINGING);
  start_attempt(core, call, {}, to);
}

}  // namespace

void register_offered(Table& table) {
  table.on(link::Happening::kOffered, on_offered);
}

}  // namespace tandem::tserver
