// From the environment file to what each room is told. Pure: no file is read here.
#pragma once

#include <optional>

#include "common/config/environment.h"
#include "common/http/server.h"
#include "connector/core/settings.h"
#include "connector/frontend/settings.h"
#include "connector/link/room.h"
#include "connector/media/settings.h"
#include "connector/sip/settings.h"
#include "connector/store/store.h"

namespace tandem::connector {

// Calls that outlive the process.
struct KeepSettings {
  StoreSettings store;                  // folder empty: nothing is written
  std::chrono::milliseconds window{0};  // calls of a run that ended longer ago are forgotten
  // So long after its end nobody else has taken its calls: they go on without a T-Server's word.
  std::chrono::milliseconds ours{0};
};

SipSettings sip_settings(const config::Environment& environment, const config::Application& application);
LinkSettings link_settings(const config::Environment& environment, const config::Application& application);
MediaSettings media_settings(const config::Environment& environment, const config::Application& application);
FrontEndSettings front_end_settings(const config::Environment& environment, const config::Application& application);
// Nothing: there is no port http.
std::optional<http::ServerOptions> http_settings(const config::Environment& environment,
                                                 const config::Application& application);
std::chrono::seconds drain_timeout(const config::Environment& environment, const config::Application& application);
KeepSettings keep_settings(const config::Environment& environment, const config::Application& application);
CoreSettings core_settings(const config::Environment& environment, const config::Application& application);

}  // namespace tandem::connector
