// A sum over a table of records that both sides keep while the table changes: each record adds one number made of its
// key and its bytes, modulo 2^64, in whatever order. Not against forgery: the session is authenticated.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace tandem::tserver {

// Reads 8 bytes at a time, little endian.
inline std::uint64_t hash_of(std::string_view bytes, std::uint64_t seed = 0) {
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15ULL;
  const auto mix = [](std::uint64_t x) {
    x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ULL;
    return x ^ (x >> 29);
  };
  std::uint64_t hash = mix(seed ^ (bytes.size() * kOdd));
  while (bytes.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), 8);
    hash = mix(hash ^ word) + kOdd;
    bytes.remove_prefix(8);
  }
  std::uint64_t rest = 0;
  std::memcpy(&rest, bytes.data(), bytes.size());
  return mix(mix(hash ^ rest) + kOdd);
}

inline std::uint64_t record_sum(std::string_view key, std::string_view record) {
  return hash_of(record, hash_of(key));
}

}  // namespace tandem::tserver
