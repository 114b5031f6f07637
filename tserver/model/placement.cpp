#include "tserver/model/placement.h"

#include <algorithm>
#include <utility>

namespace tandem::tserver {
namespace {

// FNV-1a over both names with a final mix; the same on every host, unlike std::hash.
std::uint64_t weight(const std::string& dn, const std::string& link) {
  std::uint64_t h = 0xcbf29ce484222325ULL;
  const auto add = [&h](const std::string& text) {
    for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    h = (h ^ 0xff) * 0x100000001b3ULL;
  };
  add(dn);
  add(link);
  h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdULL;
  return h ^ (h >> 33);
}

// Has this DN come back to a Connector that was lost?
bool is_back(const State& state, const CtiLink& link, const Device& device, Instant now) {
  const auto all = std::chrono::duration_cast<std::chrono::milliseconds>(state.settings->dn_return_time).count();
  if (!link.returned || all <= 0) return true;
  const auto turn = weight(device.dn.str(), link.name + " is back") % static_cast<std::uint64_t>(all);
  return now - *link.returned >= std::chrono::milliseconds(turn);
}

}  // namespace

std::optional<LinkNo> place(const State& state, const Device& device, Instant now) {
  std::optional<LinkNo> best;
  std::pair<bool, std::uint64_t> best_weight;  // one that it has not come back to yet counts where there is no other
  for (const CtiLink& link : state.links) {
    if (link.draining || !state.serves(link, device)) continue;
    const std::pair w(is_back(state, link, device, now), weight(device.dn.str(), link.name));
    if (!best || w > best_weight) {
      best = link.no;
      best_weight = w;
    }
  }
  return best;
}

}  // namespace tandem::tserver
