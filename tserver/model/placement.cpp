#include "tserver/model/placement.h"

#include <algorithm>

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

}  // namespace

std::optional<LinkNo> place(const State& state, const Device& device) {
  std::optional<LinkNo> best;
  std::uint64_t best_weight = 0;
  for (const CtiLink& link : state.links) {
    if (link.draining || !state.serves(link, device)) continue;
    const std::uint64_t w = weight(device.dn.str(), link.name);
    if (!best || w > best_weight) {
      best = link.no;
      best_weight = w;
    }
  }
  return best;
}

}  // namespace tandem::tserver
