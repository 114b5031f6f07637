// Strong types for what the system names by number or by address.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tandem {

// A number that can't be mistaken for another kind of number. 0 is "none".
template <class Tag>
struct Id {
  std::uint64_t value = 0;
  constexpr explicit operator bool() const { return value != 0; }
  friend constexpr auto operator<=>(Id, Id) = default;
};

using ConnId = Id<struct ConnIdTag>;                  // T-Library connection id: one per call
using ConversationNo = Id<struct ConversationNoTag>;  // conversation of a Connector, unique on the CTI link
using PartyNo = Id<struct PartyNoTag>;                // party of a conversation, unique on the CTI link

// 16 lower-case hexadecimal digits, the written form of ConnIDs and of our other 64-bit ids.
std::string to_hex(std::uint64_t value);
std::optional<std::uint64_t> from_hex(std::string_view text);
template <class Tag>
std::string to_string(Id<Tag> id) {
  return to_hex(id.value);
}

// Name of a DN: an address folded to lower case, as the T-Library side knows it (MMC-59).
class Dn {
 public:
  Dn() = default;
  explicit Dn(std::string_view name);
  const std::string& str() const { return name_; }
  bool empty() const { return name_.empty(); }
  friend auto operator<=>(const Dn&, const Dn&) = default;

 private:
  std::string name_;
};

}  // namespace tandem

template <class Tag>
struct std::hash<tandem::Id<Tag>> {
  std::size_t operator()(tandem::Id<Tag> id) const noexcept { return std::hash<std::uint64_t>{}(id.value * 0x9e3779b97f4a7c15ULL); }
};
template <>
struct std::hash<tandem::Dn> {
  std::size_t operator()(const tandem::Dn& dn) const noexcept { return std::hash<std::string>{}(dn.str()); }
};
