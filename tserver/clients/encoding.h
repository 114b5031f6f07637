// How one event becomes the frames of many clients: its body is serialised once, the attributes that differ per client
// go in front of it. Protobuf takes fields in any order.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace tandem::tserver {

// StreamNumber, and ReferenceID unless that is 0.
class ClientFields {
 public:
  ClientFields(std::uint64_t stream_number, std::int32_t reference_id);
  std::string_view bytes() const { return {bytes_.data(), size_}; }

 private:
  void varint(std::uint64_t value);
  std::array<char, 24> bytes_;  // two tags of at most 2 bytes, two varints of at most 10
  std::size_t size_ = 0;
};

}  // namespace tandem::tserver
