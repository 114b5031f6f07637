// KVLists as the T-Library has them: ordered, keys may repeat, keys compare case-sensitively.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "proto/tlib.pb.h"

namespace tandem::tserver {

void kv_add(tlib::KVList& list, std::string_view key, std::string_view text);
void kv_add(tlib::KVList& list, std::string_view key, std::int32_t number);

const tlib::KVPair* kv_find(const tlib::KVList& list, std::string_view key);
// Integer value of the first pair with this key, given as a number or as decimal text.
std::optional<std::int32_t> kv_integer(const tlib::KVList& list, std::string_view key);
// "true"/"1"/1 and "false"/"0"/0; anything else is nothing.
std::optional<bool> kv_flag(const tlib::KVList& list, std::string_view key);

// Appends all pairs; a key may then stand twice.
void kv_attach(tlib::KVList& list, const tlib::KVList& more);
// Each pair replaces the value of the first pair with its key, or is appended.
void kv_update(tlib::KVList& list, const tlib::KVList& more);
// Removes every pair with this key.
void kv_delete(tlib::KVList& list, std::string_view key);
// What user-data-limit measures: bytes of the packed list.
std::size_t kv_bytes(const tlib::KVList& list);

}  // namespace tandem::tserver
