// Keys of records: one letter for the kind, then what the thing is known by. Numbers are 8 bytes, big endian.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tandem::tserver {

enum class RecordKind : char {
  Counters = '0',
  Link = 'L',
  Device = 'D',
  Agent = 'A',
  Client = 'S',
  Call = 'C',
  Awaited = 'W',
  Reservation = 'R',
  Ended = 'E',
};

inline std::string record_key(RecordKind kind, std::string_view name = {}) {
  std::string key;
  key.reserve(1 + name.size());
  key.push_back(static_cast<char>(kind));
  key.append(name);
  return key;
}

inline std::string record_key(RecordKind kind, std::uint64_t number) {
  char digits[8];
  for (int i = 0; i < 8; ++i) digits[i] = static_cast<char>(number >> (56 - 8 * i));
  return record_key(kind, std::string_view(digits, sizeof digits));
}

inline RecordKind kind_of(std::string_view key) {
  return key.empty() ? RecordKind{} : static_cast<RecordKind>(key.front());
}

}  // namespace tandem::tserver
