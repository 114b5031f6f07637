#include "tserver/features/destination.h"

#include <algorithm>

#include "tserver/features/calling.h"

namespace tandem::tserver {
namespace {

constexpr std::size_t kMaxAddress = 255;

bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c > ' ' && c < 0x7f && c != '<' && c != '>' && c != '"'; });
}

// A number that is the Association of an External Routing Point is that point, however it is written (MMC-64).
Device* find_device(const Core& core, std::string_view text) {
  if (Device* device = core.state.device(Dn(text))) return device;
  const Settings& settings = core.settings();
  if (settings.associations.empty()) return nullptr;
  if (const auto colon = text.find(':'); colon != std::string_view::npos) text.remove_prefix(colon + 1);
  text = text.substr(0, text.find(';'));
  if (const auto at = text.find('@'); at != std::string_view::npos) {
    const auto& domains = settings.domains;
    if (std::find(domains.begin(), domains.end(), text.substr(at + 1)) == domains.end()) return nullptr;
    text = text.substr(0, at);
  }
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto it = settings.associations.find(std::string(text));
  return it == settings.associations.end() ? nullptr : core.state.device(it->second);
}

}  // namespace

bool is_address(std::string_view text) {
  return !text.empty() && text.size() <= kMaxAddress && printable(text);
}

Result<Destination, Refusal> find_destination(Core& core, std::string_view pool, std::string_view text,
                                              tlib::TErrorCode invalid) {
  if (text.empty()) return refusal(invalid, "no destination is given");
  if (!is_address(text)) return refusal(invalid, "the destination is not an address");
  if (const auto why = barred(core, pool, text)) return *why;
  Device* device = find_device(core, text);
  if (device == nullptr) return Destination{nullptr, std::string(text)};
  if (!device->extension() && !device->routes()) return refusal(invalid, "the destination takes no calls");
  if (!device->in_service) return refusal(tlib::TERR_DEST_INV_STATE, "the destination is out of service");
  if (device->dnd) return refusal(tlib::TERR_DN_BUSY, "the destination must not be disturbed");
  return Destination{device, {}};
}

std::string_view bare_address(std::string_view contact) {
  if (const auto open = contact.find('<'); open != std::string_view::npos) {
    contact.remove_prefix(open + 1);
    contact = contact.substr(0, contact.find('>'));
  }
  return contact.substr(0, contact.find_first_of(";?"));
}

std::string as_uri(const Settings& settings, const std::string& address) {
  if (address.find(':') != std::string::npos || settings.domains.empty()) return address;
  return "sip:" + address + "@" + settings.domains.front();
}

}  // namespace tandem::tserver
