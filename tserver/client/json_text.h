// JSON text to a value, within limits, and the texts inside JSON strings. Stricter than JSON: a key given twice in one
// object is an error, since one of the two would be lost without a word.
#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace tandem::client {

struct JsonLimits {
  std::size_t text = 256 * 1024;  // bytes
  std::size_t depth = 24;         // objects and arrays within each other
};

Result<boost::json::value, Failure> parse_json(std::string_view text, const JsonLimits& limits = {});

// `bytes` with every byte that is not UTF-8 replaced by U+FFFD.
std::string as_utf8(std::string_view bytes);

std::string to_base64(std::string_view bytes);
// RFC 4648 section 4, padding required.
std::optional<std::string> from_base64(std::string_view text);

std::string to_hex_bytes(std::string_view bytes);
std::optional<std::string> from_hex_bytes(std::string_view text);

// What a value is, for messages: "a string", "an object" ...
std::string_view kind_of(const boost::json::value& value);

}  // namespace tandem::client
