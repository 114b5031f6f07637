// The checks that requests share, in the order in which they are made.
#pragma once

#include "tserver/features/table.h"

namespace tandem::tserver {

using Check = std::optional<Refusal>;

Refusal refusal(tlib::TErrorCode code, std::string text);

// 111 for one more request of this client that is answered later, beyond `max_requests_per_client`.
Check too_many_outstanding(const Core& core, const Request& request);

// A DN that may be asked to do something: a link is up (54), ThisDN is given (53), configured (59), registered by this
// client for more than monitoring (41), in service (58).
// `with_conn_id`: ConnID is given, too (53).
Result<Device*, Refusal> check_device(Core& core, const Request& request, bool with_conn_id = false);

struct OnCall {
  Device* device;
  Call* call;
  Party* party;  // ThisDN's; null if `third_party` was allowed and it is not in the call
};
// check_device, with ConnID given (53 together with ThisDN), then: the ConnID is known (56) and its Connector there
// (54), ThisDN is a party of the call (470) unless a third party may ask.
Result<OnCall, Refusal> check_call(Core& core, const Request& request, bool third_party = false);
// The same for what the T-Server does alone: the call's Connector may be away.
Result<OnCall, Refusal> check_known_call(Core& core, const Request& request, bool third_party = false);

}  // namespace tandem::tserver
