#include "tserver/model/kv.h"

#include <algorithm>
#include <charconv>

namespace tandem::tserver {
namespace {

template <class List>
auto* find_pair(List& list, std::string_view key) {
  auto& pairs = *list.mutable_pairs();
  const auto it = std::find_if(pairs.begin(), pairs.end(), [&](const tlib::KVPair& pair) { return pair.key() == key; });
  return it == pairs.end() ? nullptr : &*it;
}

std::string_view text_of(const tlib::KVPair& pair) {
  if (pair.Value_case() == tlib::KVPair::kUnicode) return pair.unicode();
  return pair.str();  // empty for other kinds
}

}  // namespace

void kv_add(tlib::KVList& list, std::string_view key, std::string_view text) {
  tlib::KVPair& pair = *list.add_pairs();
  pair.set_key(key.data(), key.size());
  pair.set_str(text.data(), text.size());
}

void kv_add(tlib::KVList& list, std::string_view key, std::int32_t number) {
  tlib::KVPair& pair = *list.add_pairs();
  pair.set_key(key.data(), key.size());
  pair.set_int_(number);
}

const tlib::KVPair* kv_find(const tlib::KVList& list, std::string_view key) {
  for (const tlib::KVPair& pair : list.pairs()) {
    if (pair.key() == key) return &pair;
  }
  return nullptr;
}

std::optional<std::int32_t> kv_integer(const tlib::KVList& list, std::string_view key) {
  const tlib::KVPair* pair = kv_find(list, key);
  if (pair == nullptr) return std::nullopt;
  if (pair->Value_case() == tlib::KVPair::kInt) return pair->int_();
  const std::string_view text = text_of(*pair);
  std::int32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<bool> kv_flag(const tlib::KVList& list, std::string_view key) {
  const tlib::KVPair* pair = kv_find(list, key);
  if (pair == nullptr) return std::nullopt;
  if (pair->Value_case() == tlib::KVPair::kInt) return pair->int_() != 0;
  const std::string_view text = text_of(*pair);
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return std::nullopt;
}

void kv_attach(tlib::KVList& list, const tlib::KVList& more) {
  list.mutable_pairs()->MergeFrom(more.pairs());
}

void kv_update(tlib::KVList& list, const tlib::KVList& more) {
  for (const tlib::KVPair& pair : more.pairs()) {
    if (tlib::KVPair* old = find_pair(list, pair.key())) {
      *old = pair;
    } else {
      *list.add_pairs() = pair;
    }
  }
}

void kv_delete(tlib::KVList& list, std::string_view key) {
  auto& pairs = *list.mutable_pairs();
  pairs.erase(std::remove_if(pairs.begin(), pairs.end(), [&](const tlib::KVPair& pair) { return pair.key() == key; }),
              pairs.end());
}

std::size_t kv_bytes(const tlib::KVList& list) {
  return list.ByteSizeLong();
}

}  // namespace tandem::tserver
