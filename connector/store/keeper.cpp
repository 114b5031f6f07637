#include "connector/store/keeper.h"

namespace tandem::connector {
namespace {

constexpr std::uint64_t kUnlike = 0;  // no bytes have this hash

std::uint64_t hash_of(const std::string& bytes) {
  const auto hash = static_cast<std::uint64_t>(std::hash<std::string>{}(bytes));
  return hash == kUnlike ? 1 : hash;
}

}  // namespace

KeptKey key_of(const ha::Record& record) {
  if (record.has_registration()) {
    std::uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a: the same in every build
    for (const char c : record.registration().bindings().aor())
      hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    return {KeptKey::Kind::Registration, hash};
  }
  if (record.has_party()) return {KeptKey::Kind::Party, record.party().party()};
  return {KeptKey::Kind::Conversation, record.conversation().conversation()};
}

void Keeper::begin(const ha::Record& record, const std::string& bytes) {
  known_[key_of(record)] = Known{hash_of(bytes), false};
}

void Keeper::put(const ha::Record& record, KeptBytes& out) {
  bytes_.clear();
  record.SerializeToString(&bytes_);
  const auto key = key_of(record);
  const auto hash = hash_of(bytes_);
  auto& known = known_[key];
  known.said = true;
  if (known.hash == hash) return;
  known.hash = hash;
  out.push_back({key, bytes_});
}

void Keeper::drop(const KeptKey& key, KeptBytes& out) {
  if (known_.erase(key)) out.push_back({key, {}});
}

void Keeper::tell_again() {
  for (auto& [key, known] : known_) known = Known{kUnlike, false};
}

void Keeper::drop_unsaid(KeptBytes& out) {
  for (auto one = known_.begin(); one != known_.end();) {
    if (!one->second.said) out.push_back({one->first, {}});
    one = one->second.said ? std::next(one) : known_.erase(one);
  }
}

}  // namespace tandem::connector
