#include "tserver/features/checks.h"

namespace tandem::tserver {

Refusal refusal(tlib::TErrorCode code, std::string text) {
  return Refusal{code, std::move(text)};
}

Check too_many_outstanding(const Core& core, const Request& request) {
  if (request.client.outstanding < core.settings().max_requests_per_client) return std::nullopt;
  return refusal(tlib::TERR_TOO_MANY_REQ, "too many requests of this client are outstanding");
}

namespace {

// What is asked of a Virtual Queue needs no Connector.
bool needs_connector(const Core& core, const tlib::Message& message) {
  const Device* device = core.state.device(Dn(message.thisdn()));
  return device == nullptr || !device->virtual_queue();
}

Result<Device*, Refusal> check_dn(Core& core, const Request& request, bool with_conn_id) {
  if (core.state.links_up == 0 && needs_connector(core, request.message))
    return refusal(tlib::TERR_NO_SWITCH, "no Connector is connected");
  if (request.message.thisdn().empty()) return refusal(tlib::TERR_INVALID_ATTR, "ThisDN is missing");
  if (with_conn_id && request.message.connid() == 0) return refusal(tlib::TERR_INVALID_ATTR, "ConnID is missing");
  Device* device = core.state.device(Dn(request.message.thisdn()));
  if (device == nullptr) return refusal(tlib::TERR_NOT_CONFIGURED, "ThisDN is not configured");
  const Registration* registration = device->registration(request.client);
  if (registration == nullptr) return refusal(tlib::TERR_NOT_REGISTERED, "not registered on ThisDN");
  if (registration->mode == tlib::RegisterModeMonitor) {
    return refusal(tlib::TERR_NOT_REGISTERED, "registered on ThisDN for monitoring only");
  }
  if (!device->in_service) return refusal(tlib::TERR_OUT_OF_SERVICE, "ThisDN is out of service");
  return device;
}

Result<OnCall, Refusal> find_call(Core& core, const Request& request, bool third_party, bool by_connector) {
  const auto device = check_dn(core, request, true);
  if (!device) return device.error();
  Call* call = core.state.call(ConnId{request.message.connid()});
  if (call == nullptr) return refusal(tlib::TERR_INV_CONNID, "ConnID is not that of a call");
  if (by_connector && !core.state.link_of(*call).up)
    return refusal(tlib::TERR_NO_SWITCH, "the call's Connector is not connected");
  Party* party = call->party(*device);
  if (party == nullptr && !third_party)
    return refusal(tlib::TERR_PARTY_NOT_ON_CALL, "ThisDN is not a party of the call");
  return OnCall{*device, call, party};
}

}  // namespace

Result<Device*, Refusal> check_device(Core& core, const Request& request, bool with_conn_id) {
  return check_dn(core, request, with_conn_id);
}

Result<OnCall, Refusal> check_call(Core& core, const Request& request, bool third_party) {
  return find_call(core, request, third_party, true);
}

Result<OnCall, Refusal> check_known_call(Core& core, const Request& request, bool third_party) {
  return find_call(core, request, third_party, false);
}

}  // namespace tandem::tserver
