// Client sessions.
#pragma once

#include <string_view>

#include "tserver/features/core.h"

namespace tandem::tserver {

inline constexpr int kProtocolMajor = 4;
inline constexpr std::string_view kProtocolVersion = "tserver protocol 4.2";

void client_opened(Core& core, const ClientOpened& opened);
void client_closed(Core& core, const ClientClosed& closed);

// EventLinkConnected or EventLinkDisconnected, whichever is true now, to every client.
void tell_link_status(Core& core);
// The role is about to be `role`, with no Connector in reach as far as clients are concerned.
void tell_disconnected(Core& core, tlib::TServerRole role);
// What ServerRole, and the Extensions of EventServerInfo, say.
tlib::TServerRole server_role(const Core& core);

}  // namespace tandem::tserver
