// Questions about DNs and calls (MMC-406, MMC-407, LTB-29).
#include "tserver/features/checks.h"
#include "tserver/features/features.h"
#include "tserver/features/virtual_queue.h"
#include "tserver/model/kv.h"

namespace tandem::tserver {
namespace {

std::optional<Refusal> query_address(Core& core, Request& request) {
  const tlib::Message& message = request.message;
  const std::string& name = message.thisdn().empty() ? message.thisqueue() : message.thisdn();
  if (name.empty()) return refusal(tlib::TERR_INVALID_ATTR, "ThisDN is missing");
  if (message.infotype() != tlib::AddressInfoDNStatus) return refusal(tlib::TERR_UNSUP_OPER, "only DNStatus is served");
  const Device* device = core.state.device(Dn(name));
  if (device == nullptr) return refusal(tlib::TERR_NOT_CONFIGURED, "ThisDN is not configured");
  Event event = new_event(core.now, tlib::EventAddressInfo);
  event->set_thisdn(device->dn.str());
  event->set_addresstype(address_type(device->settings.type));
  event->set_infotype(tlib::AddressInfoDNStatus);
  event->set_infostatus(static_cast<std::int32_t>(device->calls.size()));
  add_snapshot(*event, *device);
  if (device->virtual_queue()) add_virtual_snapshot(core, *event, *device);
  core.answer(request.asker(), std::move(event));
  return std::nullopt;
}

void add_status(tlib::KVList& extensions, const Call& call, const Party& party) {
  kv_add(extensions, "conn-0", to_string(call.id));
  kv_add(extensions, "ps-0", party_bits(party));
  kv_add(extensions, "ct-0", static_cast<std::int32_t>(call.type));
  kv_add(extensions, "mt-0", static_cast<std::int32_t>(call.media));
}

// Who is in the call, the asker included: name, role and state of each.
void add_parties(tlib::KVList& extensions, const Call& call) {
  int n = 0;
  for (const Party& party : call.parties) {
    const std::string suffix = std::to_string(n++);
    kv_add(extensions, "party-" + suffix, party.name());
    kv_add(extensions, "role-" + suffix, static_cast<std::int32_t>(party.role));
    kv_add(extensions, "ps-" + suffix, party_bits(party));
  }
}

std::optional<Refusal> query_call(Core& core, Request& request) {
  const tlib::TCallInfoType type = request.message.callinfotype();
  if (!tlib::TCallInfoType_IsValid(type)) return refusal(tlib::TERR_UNSUP_OPER, "the kind of query is not served");
  const auto on = check_known_call(core, request);
  if (!on) return on.error();
  Event event = new_party_event(core.now, tlib::EventPartyInfo, *on->call, *on->party, {});
  event->set_callinfotype(type);
  if (type == tlib::CallInfoStatusQuery) {
    add_status(*event->mutable_extensions(), *on->call, *on->party);
  } else {
    add_parties(*event->mutable_extensions(), *on->call);
  }
  core.answer(request.asker(), std::move(event));
  return std::nullopt;
}

}  // namespace

void register_queries(Table& table) {
  table.serve(tlib::RequestQueryAddress, query_address);
  table.serve(tlib::RequestQueryCall, query_call);
  table.serves_only("InfoType", {"AddressInfoDNStatus"});
  table.serves_only("CallInfoType", {"CallInfoPartiesQuery", "CallInfoStatusQuery"});
  table.makes({tlib::EventAddressInfo, tlib::EventPartyInfo});
}

}  // namespace tandem::tserver
