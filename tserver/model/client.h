// One T-Library client: what it registered and which events it wants.
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <vector>

#include "proto/tlib.pb.h"
#include "tserver/model/machine.h"

namespace tandem::tserver {

struct Device;

inline constexpr std::size_t kMaskBits = 512;

struct Client {
  SessionId session;
  std::string peer;
  std::string certificate;  // common name of the one it showed, checked; empty: none
  std::string application;
  bool open = false;  // RequestRegisterClient was accepted
  std::bitset<kMaskBits> mask = std::bitset<kMaskBits>().set();
  std::vector<Device*> devices;          // registered on
  std::uint32_t outstanding = 0;         // requests accepted and not answered yet
  std::vector<std::int32_t> unanswered;  // their ReferenceIDs
  bool monitors_locations = false;
  std::vector<std::int32_t> subscriptions;  // to transactions between sites
  std::int32_t last_subscription = 0;

  bool wants(tlib::MessageType type) const {
    const auto bit = static_cast<std::size_t>(type);
    return bit >= kMaskBits || mask[bit];
  }
};

}  // namespace tandem::tserver
