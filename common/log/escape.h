// Text of others made safe for a log line.
#pragma once

#include <string>
#include <string_view>

namespace tandem {

// Longest text of one line; what is beyond is cut and counted.
inline constexpr std::size_t kLongestLogText = 64 * 1024;

// Appends `text` with control characters (also those of Unicode that end lines or turn directions) and bytes that
// aren't UTF-8 as \n, \r, \t, \xHH, \uHHHH. Everything else stays as it is.
void append_escaped(std::string& out, std::string_view text);
std::string escaped(std::string_view text);

}  // namespace tandem
