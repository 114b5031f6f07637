#include "tserver/client/names.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <numeric>

namespace tandem::client {

namespace {

char folded(char c) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

// Edit distance, in one row.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t corner = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = corner + (folded(a[i]) == folded(b[j]) ? 0 : 1);
      corner = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::optional<std::string_view> message_name(int type) {
  const auto* value = tlib::MessageType_descriptor()->FindValueByNumber(type);
  if (value == nullptr) return std::nullopt;
  return value->name();
}

std::optional<tlib::MessageType> message_type(std::string_view name) {
  const auto* value = tlib::MessageType_descriptor()->FindValueByName(std::string(name));
  if (value == nullptr) return std::nullopt;
  return static_cast<tlib::MessageType>(value->number());
}

bool is_request(tlib::MessageType type) {
  return message_name(type).value_or("").starts_with("Request");
}

bool is_event(tlib::MessageType type) {
  return message_name(type).value_or("").starts_with("Event");
}

std::optional<std::string_view> error_name(int code) {
  const auto* value = tlib::TErrorCode_descriptor()->FindValueByNumber(code);
  if (value == nullptr) return std::nullopt;
  return value->name();
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
  word = word.substr(0, 64);  // no name is longer; bounds the work for a hostile one
  std::string_view best;
  std::size_t least = 0;
  for (const std::string_view candidate : candidates) {
    const std::size_t changes = distance(word, candidate);
    if (best.empty() || changes < least) {
      best = candidate;
      least = changes;
    }
  }
  return best;
}

std::vector<std::string_view> value_names(const google::protobuf::EnumDescriptor& type) {
  std::vector<std::string_view> names;
  names.reserve(static_cast<std::size_t>(type.value_count()));
  for (int i = 0; i < type.value_count(); ++i) names.emplace_back(type.value(i)->name());
  return names;
}

std::vector<std::string_view> attribute_names() {
  const auto& message = *tlib::Message::descriptor();
  std::vector<std::string_view> names;
  names.reserve(static_cast<std::size_t>(message.field_count()));
  for (int i = 0; i < message.field_count(); ++i) {
    if (message.field(i)->name() != "Type") names.emplace_back(message.field(i)->name());
  }
  return names;
}

}  // namespace tandem::client
