#include "tserver/clients/encoding.h"

#include "proto/tlib.pb.h"

namespace tandem::tserver {
namespace {

constexpr std::uint64_t varint_tag(int field) {
  return static_cast<std::uint64_t>(field) << 3;
}

}  // namespace

ClientFields::ClientFields(std::uint64_t stream_number, std::int32_t reference_id) {
  varint(varint_tag(tlib::Message::kStreamNumberFieldNumber));
  varint(stream_number);
  if (reference_id == 0) return;
  varint(varint_tag(tlib::Message::kReferenceIDFieldNumber));
  varint(static_cast<std::uint64_t>(static_cast<std::int64_t>(reference_id)));  // int32 is sign-extended on the wire
}

void ClientFields::varint(std::uint64_t value) {
  while (value >= 0x80) {
    bytes_[size_++] = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  bytes_[size_++] = static_cast<char>(value);
}

}  // namespace tandem::tserver
