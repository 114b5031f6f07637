#include "tserver/features/direct_calls.h"

#include "tserver/model/kv.h"

namespace tandem::tserver {

bool takes_over(const Device& device) {
  if (device.direct_override) return *device.direct_override;
  const DnSettings& settings = device.settings;
  if (!settings.direct_audio) return false;
  return settings.direct_calls == DirectCalls::Yes ||
         (settings.direct_calls == DirectCalls::OnLogin && device.agent != nullptr);
}

void override_direct_calls(Core& core, const Client& client, Device& device, const tlib::KVList& extensions) {
  const auto wanted = kv_flag(extensions, "handle-direct-calls");
  if (!wanted || !device.extension()) return;
  device.direct_override = wanted;
  device.direct_override_by = client.session;
  core.log(LogLevel::Interaction, device.dn.str() + ": direct calls are " + (*wanted ? "" : "not ") +
                                      "handled while client " + std::to_string(client.session.value) +
                                      " is registered");
}

void add_direct_calls(tlib::KVList& extensions, const Device& device) {
  if (!device.extension()) return;
  const DnSettings& settings = device.settings;
  const char* value = settings.direct_calls == DirectCalls::Yes  ? "true"
                      : settings.direct_calls == DirectCalls::No ? "false"
                                                                 : "on-login";
  if (device.direct_override) value = *device.direct_override ? "true" : "false";
  kv_add(extensions, "handle-direct-calls", value);
  kv_add(extensions, "handle-direct-calls-media",
         settings.direct_audio ? (settings.direct_messages ? "all" : "av") : "im");
}

}  // namespace tandem::tserver
