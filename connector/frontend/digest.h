// Digest authentication of SIP requests (RFC 3261 section 22, RFC 7616, RFC 8760): MD5 and SHA-256 with qop=auth.
//
// Nonces are stateless: time and counter, signed with a secret, so that strangers cost no memory. What is remembered is
// which nonce counts of a nonce were used, for nonces that were used with the right password; when that memory is full
// the oldest nonces are forgotten and become stale, never usable again.
//
// The uri of the credentials is not compared with the Request-URI: phones and proxies write it in too many ways.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/time.h"
#include "connector/core/admission.h"
#include "connector/frontend/settings.h"

namespace tandem::connector {

// Lower-case hexadecimal digest of the text.
std::string digest_hex(DigestAlgorithm algorithm, std::string_view text);

// The value `response` must have (RFC 7616 section 3.4.1); with an empty qop the older form of RFC 2069.
std::string digest_response(DigestAlgorithm algorithm, std::string_view password, std::string_view method,
                            const DigestCredentials& credentials);

// Takes the same time wherever the two differ.
bool equal_constant_time(std::string_view a, std::string_view b);

class DigestGuard {
 public:
  struct Rules {
    std::string realm;
    std::vector<DigestAlgorithm> algorithms;
    std::chrono::seconds lifetime{300};
    std::size_t tracked = 50000;
  };
  enum class Verdict {
    Good,
    Stale,  // the password was right, the nonce is no longer: challenge again
    Wrong
  };

  DigestGuard(Rules rules, std::string secret);
  void configure(Rules rules) { rules_ = std::move(rules); }

  // Values of one WWW-Authenticate header each, in the order of preference.
  std::vector<std::string> challenge(bool stale, Instant now);
  // The credentials meant for us, if any.
  const DigestCredentials* ours(const std::vector<DigestCredentials>& all) const;
  Verdict check(const DigestCredentials& credentials, std::string_view password, std::string_view method, Instant now);
  std::size_t tracked() const { return used_.size(); }

 private:
  using NonceId = std::pair<std::uint64_t, std::uint32_t>;  // issue time in ms, counter
  struct Used {
    std::uint64_t highest = 0;
    std::uint64_t window = 0;  // bit n: highest - n was used
  };
  std::string nonce(NonceId id) const;
  std::string signature(std::string_view text) const;
  std::optional<NonceId> genuine(std::string_view nonce) const;
  bool use(NonceId id, std::uint64_t count, Instant now);

  Rules rules_;
  std::string secret_;
  std::uint32_t counter_ = 0;
  std::map<NonceId, Used> used_;
  NonceId forgotten_{0, 0};  // nonces up to here are stale unless remembered
};

}  // namespace tandem::connector
