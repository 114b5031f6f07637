#include "connector/media/g711.h"

#include <algorithm>
#include <bit>

namespace tandem::connector::media {
namespace {

using Table = std::array<std::uint8_t, 256>;

// Table 3/G.711: decoder value number of the mu-law character -> of the A-law character (counted from 1).
constexpr int mu_to_a(int n) {
  if (n < 16) return n / 2 + 1;
  if (n < 33) return n - 7;
  if (n < 36) return 2 * n - 39;
  if (n < 48) return n - 3;
  if (n < 49) return n - 2;
  if (n < 64) return n - 1;
  if (n < 81) return n;
  return n + 1;
}

// Table 4/G.711, numbers counted from 0 on both sides.
constexpr int a_to_mu(int n) {
  if (n < 8) return 2 * n + 1;
  if (n < 24) return n + 8;
  if (n < 32) return n / 2 + 20;
  if (n < 44) return n + 4;
  if (n < 48) return n / 2 + 26;
  if (n < 63) return n + 2;
  if (n < 80) return n + 1;
  return n;
}

// On the wire mu-law is inverted, A-law has every other bit inverted; the top bit is the sign (set: positive).
constexpr Table make_pcmu_to_pcma() {
  Table table{};
  for (int code = 0; code < 256; ++code) {
    const int number = ~code & 0x7f;
    table[static_cast<std::size_t>(code)] = static_cast<std::uint8_t>((code & 0x80) | ((mu_to_a(number) - 1) ^ 0x55));
  }
  return table;
}
constexpr Table make_pcma_to_pcmu() {
  Table table{};
  for (int code = 0; code < 256; ++code) {
    const int number = (code ^ 0x55) & 0x7f;
    table[static_cast<std::size_t>(code)] = static_cast<std::uint8_t>((code & 0x80) | (~a_to_mu(number) & 0x7f));
  }
  return table;
}
constexpr Table to_pcma = make_pcmu_to_pcma();
constexpr Table to_pcmu = make_pcma_to_pcmu();

constexpr int mu_bias = 0x84;
constexpr int mu_clip = 32635;

// Position of the highest bit set, as segment number 0 to 7; bit 7 and below are segment 0.
int segment_of(int magnitude) {
  return std::max(0, static_cast<int>(std::bit_width(static_cast<unsigned>(magnitude))) - 8);
}

std::array<std::int16_t, 256> linear(std::int16_t (*decode)(std::uint8_t)) {
  std::array<std::int16_t, 256> table{};
  for (std::size_t code = 0; code < table.size(); ++code) table[code] = decode(static_cast<std::uint8_t>(code));
  return table;
}

}  // namespace

std::uint8_t encode_pcmu(std::int16_t sample) {
  const int sign = sample < 0 ? 0 : 0x80;
  const int magnitude = std::min<int>(sample < 0 ? -static_cast<int>(sample) : sample, mu_clip) + mu_bias;
  const int segment = segment_of(magnitude);
  const int step = (magnitude >> (segment + 3)) & 0x0f;
  return static_cast<std::uint8_t>(sign | (~(segment << 4 | step) & 0x7f));
}

std::uint8_t encode_pcma(std::int16_t sample) {
  const int sign = sample < 0 ? 0 : 0x80;
  const int magnitude = sample < 0 ? -static_cast<int>(sample) - 1 : sample;
  const int segment = segment_of(magnitude);
  const int step = (magnitude >> (segment == 0 ? 4 : segment + 3)) & 0x0f;
  return static_cast<std::uint8_t>(sign | ((segment << 4 | step) ^ 0x55));
}

std::int16_t decode_pcmu(std::uint8_t code) {
  const int bits = ~code & 0x7f;
  const int magnitude = (((bits & 0x0f) << 3 | mu_bias) << (bits >> 4)) - mu_bias;
  return static_cast<std::int16_t>((code & 0x80) != 0 ? magnitude : -magnitude);
}

std::int16_t decode_pcma(std::uint8_t code) {
  const int bits = (code ^ 0x55) & 0x7f;
  const int segment = bits >> 4;
  const int step = (bits & 0x0f) << 4;
  const int magnitude = segment == 0 ? step + 8 : (step + 0x108) << (segment - 1);
  return static_cast<std::int16_t>((code & 0x80) != 0 ? magnitude : -magnitude);
}

const std::array<std::int16_t, 256>& pcmu_to_linear() {
  static const auto table = linear(decode_pcmu);
  return table;
}
const std::array<std::int16_t, 256>& pcma_to_linear() {
  static const auto table = linear(decode_pcma);
  return table;
}

const Table& pcmu_to_pcma() {
  return to_pcma;
}
const Table& pcma_to_pcmu() {
  return to_pcmu;
}

void convert(std::span<std::uint8_t> payload, const Table& table) {
  for (auto& octet : payload) octet = table[octet];
}

}  // namespace tandem::connector::media
