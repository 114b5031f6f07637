#include "connector/frontend/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>

#include "common/base/ids.h"
#include "connector/frontend/address.h"

namespace tandem::connector {
namespace {

constexpr std::size_t kStampDigits = 24;  // 16 of the time, 8 of the counter
constexpr std::size_t kNonceDigits = kStampDigits + 32;

std::string hex(const unsigned char* bytes, std::size_t size) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(size * 2);
  for (std::size_t i = 0; i < size; ++i) {
    out += kDigits[bytes[i] >> 4];
    out += kDigits[bytes[i] & 0xf];
  }
  return out;
}

std::string_view name_of(DigestAlgorithm algorithm) {
  return algorithm == DigestAlgorithm::Md5 ? "MD5" : "SHA-256";
}

std::optional<DigestAlgorithm> algorithm_of(std::string_view name) {
  const std::string folded = lower(name);
  if (folded.empty() || folded == "md5") return DigestAlgorithm::Md5;
  if (folded == "sha-256") return DigestAlgorithm::Sha256;
  return std::nullopt;
}

}  // namespace

std::string digest_hex(DigestAlgorithm algorithm, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  const EVP_MD* const type = algorithm == DigestAlgorithm::Md5 ? EVP_md5() : EVP_sha256();
  if (EVP_Digest(text.data(), text.size(), out.data(), &size, type, nullptr) != 1) {
    throw std::runtime_error("digest algorithm not available in this OpenSSL: " + std::string(name_of(algorithm)));
  }
  return hex(out.data(), size);
}

std::string digest_response(DigestAlgorithm algorithm, std::string_view password, std::string_view method,
                            const DigestCredentials& c) {
  const auto h = [algorithm](const std::string& text) { return digest_hex(algorithm, text); };
  const std::string a1 = h(c.username + ":" + c.realm + ":" + std::string(password));
  const std::string a2 = h(std::string(method) + ":" + c.uri);
  if (c.qop.empty()) return h(a1 + ":" + c.nonce + ":" + a2);
  return h(a1 + ":" + c.nonce + ":" + c.nc + ":" + c.cnonce + ":" + c.qop + ":" + a2);
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

DigestGuard::DigestGuard(Rules rules, std::string secret) : rules_(std::move(rules)), secret_(std::move(secret)) {
  if (secret_.size() < 16) throw std::invalid_argument("nonce secret shorter than 16 bytes");
}

std::string DigestGuard::signature(std::string_view text) const {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  if (!HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()),
            reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(), &size)) {
    throw std::runtime_error("HMAC-SHA256 not available in this OpenSSL");
  }
  return hex(out.data(), 16);
}

std::string DigestGuard::nonce(NonceId id) const {
  const std::string stamp = to_hex(id.first) + to_hex(id.second).substr(8);
  return stamp + signature(stamp);
}

std::optional<DigestGuard::NonceId> DigestGuard::genuine(std::string_view text) const {
  if (text.size() != kNonceDigits) return std::nullopt;
  const auto stamp = text.substr(0, kStampDigits);
  if (!equal_constant_time(text.substr(kStampDigits), signature(stamp))) return std::nullopt;
  const auto time = from_hex(stamp.substr(0, 16));
  const auto count = from_hex(stamp.substr(16));
  if (!time || !count) return std::nullopt;
  return NonceId{*time, static_cast<std::uint32_t>(*count)};
}

std::vector<std::string> DigestGuard::challenge(bool stale, Instant now) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  const std::string fresh = nonce({static_cast<std::uint64_t>(std::max<std::int64_t>(ms, 0)), ++counter_});
  std::vector<std::string> out;
  for (const DigestAlgorithm algorithm : rules_.algorithms) {
    out.push_back("Digest realm=\"" + rules_.realm + "\", nonce=\"" + fresh + "\"" + (stale ? ", stale=true" : "") +
                  ", algorithm=" + std::string(name_of(algorithm)) + ", qop=\"auth\"");
  }
  return out;
}

const DigestCredentials* DigestGuard::ours(const std::vector<DigestCredentials>& all) const {
  for (const DigestCredentials& one : all) {
    const auto algorithm = algorithm_of(one.algorithm);
    if (one.realm == rules_.realm && algorithm &&
        std::find(rules_.algorithms.begin(), rules_.algorithms.end(), *algorithm) != rules_.algorithms.end()) {
      return &one;
    }
  }
  return nullptr;
}

DigestGuard::Verdict DigestGuard::check(const DigestCredentials& c, std::string_view password, std::string_view method,
                                        Instant now) {
  const auto algorithm = algorithm_of(c.algorithm);
  if (!algorithm || (!c.qop.empty() && lower(c.qop) != "auth")) return Verdict::Wrong;
  const std::string expected = digest_response(*algorithm, password, method, c);
  if (!equal_constant_time(lower(c.response), expected) || password.empty()) return Verdict::Wrong;

  const auto id = genuine(c.nonce);
  if (!id) return Verdict::Stale;
  // Without qop there is no count: such a nonce is good for one request.
  const auto count = c.qop.empty() ? std::optional<std::uint64_t>(1) : from_hex(c.nc);
  if (!count || *count == 0) return Verdict::Wrong;
  return use(*id, *count, now) ? Verdict::Good : Verdict::Stale;
}

bool DigestGuard::use(NonceId id, std::uint64_t count, Instant now) {
  const auto now_ms = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  const auto lifetime = static_cast<std::uint64_t>(std::chrono::milliseconds(rules_.lifetime).count());
  if (id.first > now_ms || now_ms - id.first > lifetime) return false;

  while (!used_.empty() && now_ms - used_.begin()->first.first > lifetime) used_.erase(used_.begin());
  auto it = used_.find(id);
  if (it == used_.end()) {
    if (id <= forgotten_) return false;
    if (used_.size() >= std::max<std::size_t>(rules_.tracked, 1)) {
      forgotten_ = std::max(forgotten_, used_.begin()->first);
      used_.erase(used_.begin());
      if (id <= forgotten_) return false;
    }
    it = used_.emplace(id, Used{}).first;
  }
  Used& used = it->second;
  if (count > used.highest) {
    const auto ahead = count - used.highest;
    used.window = ahead >= 64 ? 1 : (used.window << ahead) | 1;
    used.highest = count;
    return true;
  }
  // Requests may overtake each other on UDP: a count not seen yet, a little behind, is no replay.
  const auto behind = used.highest - count;
  if (behind >= 64 || (used.window >> behind) & 1) return false;
  used.window |= std::uint64_t{1} << behind;
  return true;
}

}  // namespace tandem::connector
