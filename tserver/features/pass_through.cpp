#include "tserver/features/pass_through.h"

#include <algorithm>

#include "tserver/features/ending.h"

namespace tandem::tserver {
namespace {

// A user of our domains, as opposed to a number that only looks like one.
bool is_own_user(const Settings& settings, std::string_view address) {
  std::string_view uri = bare_address(address);
  const auto colon = uri.find(':');
  const auto at = uri.find('@');
  if (colon == std::string_view::npos || at == std::string_view::npos || at < colon) return false;
  const std::string_view user = uri.substr(colon + 1, at - colon - 1);
  std::string_view host = uri.substr(at + 1);
  host = host.substr(0, host.find(':'));
  if (user.find_first_not_of("+0123456789*#") == std::string_view::npos) return false;
  return std::find(settings.domains.begin(), settings.domains.end(), Dn(host).str()) != settings.domains.end();
}

bool is_external(const Core& core, const std::string& address) {
  if (core.state.device(Dn(address)) != nullptr) return false;
  return core.settings().unmonitored_external || !is_own_user(core.settings(), address);
}

bool allowed(PassThrough value) {
  return value == PassThrough::All;
}

Refusal refused(tlib::TErrorCode code) {
  return refusal(code, "all parties of the call would be external");
}

bool all_external(const Core& core, const Call& call, const Party* leaver, const Device* leaving) {
  return std::all_of(call.parties.begin(), call.parties.end(), [&](const Party& party) {
    const bool leaves = &party == leaver || (leaving != nullptr && party.device == leaving);
    return leaves || is_external(core, party);
  });
}

}  // namespace

bool is_external(const Core& core, const Party& party) {
  return party.device == nullptr && is_external(core, party.address);
}

Check pass_through_refused(const Core& core, const Call& call, const Device& by, const Party* leaver,
                           const Destination* newcomer, tlib::TErrorCode code) {
  if (allowed(by.settings.pass_through)) return std::nullopt;
  if (newcomer != nullptr && (newcomer->device != nullptr || !is_external(core, newcomer->address)))
    return std::nullopt;
  if (!all_external(core, call, leaver, nullptr)) return std::nullopt;
  return refused(code);
}

Check pass_through_refused(const Core& core, const Call& a, const Call& b, const Device& by, tlib::TErrorCode code) {
  if (allowed(by.settings.pass_through)) return std::nullopt;
  if (!all_external(core, a, nullptr, &by) || !all_external(core, b, nullptr, &by)) return std::nullopt;
  return refused(code);
}

bool release_pass_through(Core& core, Call& call) {
  if (call.unreported || allowed(call.pass_through) || !all_external(core, call, nullptr, nullptr)) return false;
  core.log(LogLevel::Interaction, call, "", "released: all parties are external");
  end_call(core, call, {});
  return true;
}

}  // namespace tandem::tserver
