#include "tserver/model/identity.h"

#include <algorithm>
#include <limits>

namespace tandem::tserver {
namespace {

constexpr std::int64_t kEpoch2024Ms = 1704067200000;
constexpr std::uint64_t kConnMask = (std::uint64_t{1} << 50) - 1;
constexpr std::uint64_t kTopBit = std::uint64_t{1} << 63;
constexpr std::uint64_t kUntoldConns = 1 << 14, kUntoldLinks = 1 << 24;

std::uint64_t mix(std::uint64_t x) {  // splitmix64 finaliser
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

}  // namespace

Identity::Identity(std::uint32_t server_id, Now start)
    : start_ms_(static_cast<std::uint64_t>(start.wall.count() / 1000)), server_id_(server_id & 0x3fff) {
  const auto since = static_cast<std::uint64_t>(std::max<std::int64_t>(start.wall.count() / 1000 - kEpoch2024Ms, 1));
  conn_ = first_conn_ = (since << 9) & kConnMask;
  link_ = first_link_ = (since << 20) & ~kTopBit;
}

ConnId Identity::next_conn_id() {
  conn_ = (conn_ + 1) & kConnMask;
  if (conn_ == 0) conn_ = 1;
  return ConnId{(std::uint64_t{server_id_} << 50) | conn_};
}

std::int32_t Identity::next_call_id() {
  call_ = call_ == std::numeric_limits<std::int32_t>::max() ? 1 : call_ + 1;
  return call_;
}

std::uint64_t Identity::next_link_id() {
  return kTopBit | ++link_;
}

std::vector<Identity::Range> Identity::ranges() const {
  std::vector<Range> all = former_;
  all.push_back({first_conn_, conn_, first_link_, link_});
  return all;
}

void Identity::follow(std::vector<Range> former, std::int32_t last_call_id) {
  constexpr std::size_t kRemembered = 16;
  former_ = std::move(former);
  std::erase_if(former_, [](const Range& r) { return r.first_conn == r.last_conn && r.first_link == r.last_link; });
  if (former_.size() > kRemembered)
    former_.erase(former_.begin(), former_.end() - static_cast<std::ptrdiff_t>(kRemembered));
  call_ = std::max(call_, last_call_id);
  // Should we have started before them, or our clock be behind. What they gave out in their last moment may be untold.
  for (const Range& range : former_) {
    if (range.last_conn + kUntoldConns > conn_) first_conn_ = conn_ = (range.last_conn + kUntoldConns) & kConnMask;
    if (range.last_link + kUntoldLinks > link_) first_link_ = link_ = range.last_link + kUntoldLinks;
  }
}

bool Identity::made(ConnId id) const {
  const std::uint64_t number = id.value & kConnMask;
  return (number > first_conn_ && number <= conn_) || std::any_of(former_.begin(), former_.end(), [&](const Range& r) {
           return number > r.first_conn && number <= r.last_conn;
         });
}

bool Identity::made_link_id(std::uint64_t id) const {
  const std::uint64_t number = id & ~kTopBit;
  if ((id & kTopBit) == 0) return false;
  return (number > first_link_ && number <= link_) || std::any_of(former_.begin(), former_.end(), [&](const Range& r) {
           return number > r.first_link && number <= r.last_link;
         });
}

std::string call_uuid(ConnId id) {
  std::string uuid = to_hex(mix(id.value)) + to_hex(id.value);
  for (char& c : uuid) {
    if (c >= 'a') c = static_cast<char>(c - 'a' + 'A');
  }
  return uuid;
}

}  // namespace tandem::tserver
