#include "tserver/records/replica.h"

#include "tserver/records/checksum.h"

namespace tandem::tserver {

void Replica::put(const std::string& key, const std::string& record) {
  const auto [it, is_new] = records_.try_emplace(key);
  if (is_new) {
    bytes_ += key.size();
  } else {
    checksum_ -= record_sum(key, it->second);
    bytes_ -= it->second.size();
  }
  it->second = record;
  checksum_ += record_sum(key, record);
  bytes_ += record.size();
}

void Replica::erase(const std::string& key) {
  const auto it = records_.find(key);
  if (it == records_.end()) return;
  checksum_ -= record_sum(key, it->second);
  bytes_ -= key.size() + it->second.size();
  records_.erase(it);
}

void Replica::apply(const sync::Delta& delta) {
  for (const sync::Put& put : delta.put()) this->put(put.key(), put.record());
  for (const std::string& key : delta.deleted()) erase(key);
}

void Replica::clear() {
  *this = {};
}

}  // namespace tandem::tserver
