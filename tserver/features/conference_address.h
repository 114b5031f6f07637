// Conferences that can be entered by calling them: their address, and who may enter (MMC-229, OCS-41, OCS-52).
#pragma once

#include <optional>

#include "proto/link.pb.h"
#include "proto/tlib.pb.h"
#include "tserver/features/core.h"

namespace tandem::tserver {

// Orders an address for a call that has become a conference, once, if its pool has any.
void offer_conference_address(Core& core, Call& call);

// Merged: the address leads to `to` from now on, unless that has its own.
void move_conference_address(Call& from, Call& to);

// The Connector is back: what it has for the call counts.
void recover_conference_address(Core& core, Call& call, const link::Conversation& conversation);

// The order for an address failed; false if it was another one.
bool conference_address_failed(Core& core, const Call& call, const link::Happening& happening);

// RequestSetCallInfo with Extensions ConferenceLocked or ConferenceLobby, 0 or 1; with a lobby, who calls waits there.
// 53 for other values, 496 for a call without an address.
bool asks_for_conference(const tlib::Message& message);
std::optional<Refusal> change_conference(Core& core, Call& call, const tlib::Message& message);

// As shown to clients: ConferenceLocked, ConferenceLobby, ConferenceWaiting.
tlib::KVList conference_policy(const Call& call);

}  // namespace tandem::tserver
