// Who hears what, worked out from a scene once whenever it changes, so that packets need no thinking. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "connector/core/media_port.h"

namespace tandem::connector::media {

// One member as the planner sees it: what the core ordered, and what the leg settled.
struct SceneParty {
  const MediaMember* member = nullptr;
  const std::vector<Payload>* payloads = nullptr;  // none: nothing agreed yet, it neither talks nor listens
  bool speaks = false;                             // the leg's direction lets it
  // The payload number its voice comes with now; -1: nothing came yet, taken to be the first one agreed.
  int comes_with = -1;
};

struct Hearing {
  enum class How : std::uint8_t {
    Nothing,  // a packet of comfort now and then
    Sound,    // the member's sound
    Relay,    // the one talker, packet by packet
    Mix,      // talkers decoded, summed, encoded
  } how = How::Nothing;
  std::vector<std::size_t> talkers;  // places in the scene
};

// For each party in its place. A talker whose packets the listener can't take as they are (or converted between both
// laws of G.711) has to be mixed even when it is the only one.
std::vector<Hearing> plan_scene(const std::vector<SceneParty>& parties);

// Does what comes from `from` reach `to` packet by packet?
bool relay_fits(const SceneParty& from, const std::vector<Payload>& to);

}  // namespace tandem::connector::media
