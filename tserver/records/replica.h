// The backup's copy of what the primary knows: records by key, as they came, never looked into before a takeover.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "proto/sync.pb.h"

namespace tandem::tserver {

class Replica {
 public:
  void put(const std::string& key, const std::string& record);
  void erase(const std::string& key);
  void apply(const sync::Delta& delta);
  void clear();

  const std::unordered_map<std::string, std::string>& records() const { return records_; }
  std::uint64_t checksum() const { return checksum_; }
  std::size_t bytes() const { return bytes_; }  // keys and records

 private:
  std::unordered_map<std::string, std::string> records_;
  std::uint64_t checksum_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace tandem::tserver
