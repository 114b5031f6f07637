// G.711: both laws to and from linear samples, and to each other by table. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace tandem::connector::media {

// 16-bit linear samples, full scale 32124 (mu-law) and 32256 (A-law).
std::uint8_t encode_pcmu(std::int16_t sample);
std::uint8_t encode_pcma(std::int16_t sample);
std::int16_t decode_pcmu(std::uint8_t code);
std::int16_t decode_pcma(std::uint8_t code);

// The same as tables.
const std::array<std::int16_t, 256>& pcmu_to_linear();
const std::array<std::int16_t, 256>& pcma_to_linear();

// Tables 3 and 4 of G.711, for all 256 codes.
const std::array<std::uint8_t, 256>& pcmu_to_pcma();
const std::array<std::uint8_t, 256>& pcma_to_pcmu();

void convert(std::span<std::uint8_t> payload, const std::array<std::uint8_t, 256>& table);

}  // namespace tandem::connector::media
