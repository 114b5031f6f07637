#include "common/log/escape.h"

#include <algorithm>
#include <cstdint>

namespace tandem {
namespace {

constexpr char kHex[] = "0123456789abcdef";

bool plain(unsigned char c) {
  return c >= 0x20 && c < 0x7f;
}

void append_byte(std::string& out, unsigned char c) {
  switch (c) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += {'\\', 'x', kHex[c >> 4], kHex[c & 15]};
  }
}

// Length of the UTF-8 sequence at the start of `text`, its code point in `code`; 0 if it is none.
std::size_t decode(std::string_view text, std::uint32_t& code) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  code = first & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3fu);
  }
  constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kLeast[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return 0;
  return length;
}

// Code points above ASCII that would end a line or change how it reads.
bool deceptive(std::uint32_t code) {
  return (code >= 0x80 && code < 0xa0) || code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

}  // namespace

void append_escaped(std::string& out, std::string_view text) {
  const std::size_t beyond = text.size() > kLongestLogText ? text.size() - kLongestLogText : 0;
  text.remove_suffix(beyond);
  while (!text.empty()) {
    const auto stop =
        std::find_if_not(text.begin(), text.end(), [](char c) { return plain(static_cast<unsigned char>(c)); });
    const auto run = static_cast<std::size_t>(stop - text.begin());
    out.append(text.data(), run);
    text.remove_prefix(run);
    if (text.empty()) break;
    std::uint32_t code = 0;
    const auto first = static_cast<unsigned char>(text.front());
    const std::size_t length = first < 0x80 ? 0 : decode(text, code);
    if (length == 0) {
      append_byte(out, first);
      text.remove_prefix(1);
      continue;
    }
    if (deceptive(code))
      out += {'\\', 'u', kHex[code >> 12 & 15], kHex[code >> 8 & 15], kHex[code >> 4 & 15], kHex[code & 15]};
    else
      out.append(text.data(), length);
    text.remove_prefix(length);
  }
  if (beyond > 0) out += "... (" + std::to_string(beyond) + " more bytes)";
}

std::string escaped(std::string_view text) {
  std::string out;
  append_escaped(out, text);
  return out;
}

}  // namespace tandem
