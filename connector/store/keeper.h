// Which of the records that may have changed did: what is written and told is what differs. Pure.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "proto/ha.pb.h"

namespace tandem::connector {

struct KeptKey {
  enum class Kind : std::uint8_t { Conversation = 1, Party = 2, Registration = 3 } kind = Kind::Conversation;
  std::uint64_t number = 0;  // of a registration: hash of its address of record
  friend auto operator<=>(const KeptKey&, const KeptKey&) = default;
};

struct KeptKeyHash {
  std::size_t operator()(const KeptKey& key) const noexcept {
    return std::hash<std::uint64_t>{}(key.number * 4 + static_cast<std::uint64_t>(key.kind));
  }
};

// A record's bytes; empty: it is gone.
struct KeptRecord {
  KeptKey key;
  std::string bytes;
};
using KeptBytes = std::vector<KeptRecord>;

class Keeper {
 public:
  // On disk from before: known from now on.
  void begin(const ha::Record& record, const std::string& bytes);

  // Appends to `out` if it differs from what was said of this record before.
  void put(const ha::Record& record, KeptBytes& out);
  void drop(const KeptKey& key, KeptBytes& out);
  // The next put of each record is a change; drop_unsaid() drops those that weren't put since, or since begin().
  void tell_again();
  void drop_unsaid(KeptBytes& out);
  std::size_t size() const { return known_.size(); }

 private:
  struct Known {
    std::uint64_t hash = 0;  // of its bytes
    bool said = false;
  };
  std::unordered_map<KeptKey, Known, KeptKeyHash> known_;
  std::string bytes_;
};

KeptKey key_of(const ha::Record& record);

}  // namespace tandem::connector
