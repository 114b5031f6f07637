// UTF-8 (RFC 3629 section 4): no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tandem {

// Bytes of the character that begins `text`; 0 if none does, or `text` is empty.
std::size_t utf8_length(std::string_view text);
bool is_utf8(std::string_view text);
// `text` with `mark` in the place of each byte that is no part of UTF-8.
std::string mended_utf8(std::string_view text, std::string_view mark);

}  // namespace tandem
