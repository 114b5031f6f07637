#include "connector/media/payloads.h"

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <utility>

namespace tandem::connector::media {
namespace {

bool named(const Payload& payload, const char* name) {
  return boost::algorithm::iequals(payload.encoding, name);
}

bool same_format(const Payload& a, const Payload& b) {
  return boost::algorithm::iequals(a.encoding, b.encoding) && a.clock_rate == b.clock_rate && a.channels == b.channels;
}

}  // namespace

G711 g711_of(const Payload& payload) {
  if (payload.clock_rate != 8000 || payload.channels > 1) return G711::None;
  if (named(payload, "PCMU")) return G711::Pcmu;
  if (named(payload, "PCMA")) return G711::Pcma;
  return G711::None;
}

bool is_telephone_event(const Payload& payload) {
  return named(payload, "telephone-event");
}

const Payload* sending_payload(const std::vector<Payload>& payloads) {
  const auto found = std::find_if(payloads.begin(), payloads.end(),
                                  [](const Payload& p) { return !is_telephone_event(p) && !named(p, "CN"); });
  return found == payloads.end() ? nullptr : &*found;
}

const Payload* own_payload(const std::vector<Payload>& payloads) {
  const auto found =
      std::find_if(payloads.begin(), payloads.end(), [](const Payload& p) { return coding_of(p) != Coding::None; });
  return found == payloads.end() ? nullptr : &*found;
}

namespace {

PayloadRule rule_for(const Payload& in, const std::vector<Payload>& to) {
  PayloadRule rule;
  rule.event = is_telephone_event(in);
  rule.coding = coding_of(in);
  rule.voice = !rule.event && !named(in, "CN");
  rule.clock_khz = static_cast<std::uint8_t>(std::clamp<std::uint32_t>(in.clock_rate / 1000, 1, 255));
  const auto same = std::find_if(to.begin(), to.end(), [&](const Payload& out) { return same_format(in, out); });
  if (same != to.end()) {
    rule.how = Relaying::Pass;
    rule.number = same->number & 0x7f;
    return rule;
  }
  const G711 law = g711_of(in);
  const auto other = std::find_if(to.begin(), to.end(), [](const Payload& out) { return g711_of(out) != G711::None; });
  if (law == G711::None || other == to.end()) return rule;
  rule.how = law == G711::Pcmu ? Relaying::ToPcma : Relaying::ToPcmu;
  rule.number = other->number & 0x7f;
  return rule;
}

}  // namespace

PayloadRules payload_rules(const std::vector<Payload>& from, const std::vector<Payload>& to) {
  PayloadRules rules{};
  std::array<bool, 128> listed{};
  const auto list = [&](int number, const Payload& in) {
    const auto at = static_cast<std::size_t>(number & 0x7f);
    if (!std::exchange(listed[at], true)) rules[at] = rule_for(in, to);  // a number listed twice: the first one counts
  };
  for (const auto& in : from) list(in.receive_number >= 0 ? in.receive_number : in.number, in);
  // Some send with the number we send with, whatever they announced.
  for (const auto& in : from) list(in.number, in);
  return rules;
}

}  // namespace tandem::connector::media
