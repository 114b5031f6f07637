// Which payload of one leg becomes which payload of another, worked out once per scene so that a packet needs one
// look-up. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "connector/core/media_port.h"
#include "connector/media/codec.h"

namespace tandem::connector::media {

enum class G711 : std::uint8_t { None, Pcmu, Pcma };
G711 g711_of(const Payload& payload);
bool is_telephone_event(const Payload& payload);

// The first payload that isn't telephone-event or comfort noise: what is expected to come, and to be sent.
const Payload* sending_payload(const std::vector<Payload>& payloads);

// The first that we can encode: what we send of our own. None: we can't say anything to this party.
const Payload* own_payload(const std::vector<Payload>& payloads);

enum class Relaying : std::uint8_t { Drop, Pass, ToPcma, ToPcmu };
struct PayloadRule {
  Relaying how = Relaying::Drop;
  std::uint8_t number = 0;       // on the leg it is sent to
  bool event = false;            // telephone-event, as this party numbers it
  bool voice = false;            // agreed, and neither telephone-event nor comfort noise
  Coding coding = Coding::None;  // of what comes, if we can decode it
  std::uint8_t clock_khz = 8;    // of what comes; 11025 Hz and its like are rounded down
  std::uint32_t clock_rate() const { return clock_khz * 1000u; }
};
using PayloadRules = std::array<PayloadRule, 128>;

// From packets as `from` numbers them to packets as `to` does; nothing in `to`: all are dropped. PCMU and PCMA are
// converted only where `to` hasn't the one that comes.
PayloadRules payload_rules(const std::vector<Payload>& from, const std::vector<Payload>& to);

}  // namespace tandem::connector::media
