// G.711: the conversion tables number by number, and the laws against the formulas of the Recommendation.
#include <catch2/catch.hpp>

#include "connector/media/g711.h"

#include <algorithm>
#include <cstdlib>

using namespace tandem::connector::media;

namespace {

// Table 3/G.711: A-law decoder value number for each mu-law one (numbered from 0; the result is numbered from 1).
constexpr int table_3[128] = {
    1,   1,   2,   2,   3,   3,   4,   4,   5,   5,   6,   6,   7,   7,   8,   8,   9,   10,  11,  12,  13,  14,
    15,  16,  17,  18,  19,  20,  21,  22,  23,  24,  25,  27,  29,  31,  33,  34,  35,  36,  37,  38,  39,  40,
    41,  42,  43,  44,  46,  48,  49,  50,  51,  52,  53,  54,  55,  56,  57,  58,  59,  60,  61,  62,  64,  65,
    66,  67,  68,  69,  70,  71,  72,  73,  74,  75,  76,  77,  78,  79,  80,  82,  83,  84,  85,  86,  87,  88,
    89,  90,  91,  92,  93,  94,  95,  96,  97,  98,  99,  100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110,
    111, 112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128};
// Table 4/G.711, both numbered from 0.
constexpr int table_4[128] = {
    1,   3,   5,   7,   9,   11,  13,  15,  16,  17,  18,  19,  20,  21,  22,  23,  24,  25,  26,  27,  28,  29,
    30,  31,  32,  32,  33,  33,  34,  34,  35,  35,  36,  37,  38,  39,  40,  41,  42,  43,  44,  45,  46,  47,
    48,  48,  49,  49,  50,  51,  52,  53,  54,  55,  56,  57,  58,  59,  60,  61,  62,  63,  64,  64,  65,  66,
    67,  68,  69,  70,  71,  72,  73,  74,  75,  76,  77,  78,  79,  80,  80,  81,  82,  83,  84,  85,  86,  87,
    88,  89,  90,  91,  92,  93,  94,  95,  96,  97,  98,  99,  100, 101, 102, 103, 104, 105, 106, 107, 108, 109,
    110, 111, 112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127};

}  // namespace

TEST_CASE("PCMU to PCMA is table 3 of G.711") {
  for (int n = 0; n < 128; ++n) {
    const int a = (table_3[n] - 1) ^ 0x55;
    CHECK(pcmu_to_pcma()[static_cast<std::size_t>(0xff - n)] == (0x80 | a));
    CHECK(pcmu_to_pcma()[static_cast<std::size_t>(0x7f - n)] == a);
  }
}

TEST_CASE("PCMA to PCMU is table 4 of G.711") {
  for (int n = 0; n < 128; ++n) {
    CHECK(pcma_to_pcmu()[static_cast<std::size_t>(0xd5 ^ n)] == 0xff - table_4[n]);
    CHECK(pcma_to_pcmu()[static_cast<std::size_t>(0x55 ^ n)] == 0x7f - table_4[n]);
  }
}

TEST_CASE("a converted sample stays within one step of its law") {
  for (int code = 0; code < 256; ++code) {
    const auto octet = static_cast<std::uint8_t>(code);
    const int mu = decode_pcmu(octet);
    CHECK(std::abs(decode_pcma(pcmu_to_pcma()[octet]) - mu) <= std::abs(mu) / 16 + 8);
    const int a = decode_pcma(octet);
    CHECK(std::abs(decode_pcmu(pcma_to_pcmu()[octet]) - a) <= std::abs(a) / 16 + 8);
  }
}

TEST_CASE("every code decodes and encodes to itself") {
  for (int code = 0; code < 256; ++code) {
    const auto octet = static_cast<std::uint8_t>(code);
    if (octet != 0x7f) CHECK(encode_pcmu(decode_pcmu(octet)) == octet);  // 0x7f is the other zero
    CHECK(encode_pcma(decode_pcma(octet)) == octet);
  }
  CHECK(encode_pcmu(0) == 0xff);
  CHECK(encode_pcma(0) == 0xd5);
}

TEST_CASE("no sample is further from its code than half a step of the segment") {
  for (int sample = -32768; sample <= 32767; ++sample) {
    const auto s = static_cast<std::int16_t>(sample);
    const auto mu = encode_pcmu(s);
    const int mu_half_step = 4 << ((~mu & 0x70) >> 4);
    // Beyond the last value everything is clipped.
    const int clipped = std::clamp(sample, -32635, 32635);
    REQUIRE(std::abs(decode_pcmu(mu) - clipped) <= mu_half_step);
    const auto a = encode_pcma(s);
    const int a_half_step = 8 << std::max(0, (((a ^ 0x55) & 0x70) >> 4) - 1);
    REQUIRE(std::abs(decode_pcma(a) - sample) <= a_half_step);
  }
}

TEST_CASE("the laws' extreme values") {
  CHECK(decode_pcmu(0x80) == 32124);
  CHECK(decode_pcmu(0x00) == -32124);
  CHECK(decode_pcma(0xaa) == 32256);
  CHECK(decode_pcma(0x2a) == -32256);
  CHECK(encode_pcmu(32767) == 0x80);
  CHECK(encode_pcmu(-32768) == 0x00);
  CHECK(encode_pcma(32767) == 0xaa);
  CHECK(encode_pcma(-32768) == 0x2a);
}
