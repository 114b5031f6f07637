#include "connector/frontend/digest.h"

#include <catch2/catch.hpp>

#include "phone.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;
using Verdict = DigestGuard::Verdict;

TEST_CASE("Digest responses are those of the RFCs' examples") {
  DigestCredentials c;
  c.username = "Mufasa";
  c.uri = "/dir/index.html";
  c.nc = "00000001";
  c.qop = "auth";
  SECTION("RFC 2617 section 3.5") {
    c.realm = "testrealm@host.com";
    c.nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
    c.cnonce = "0a4f113b";
    CHECK(digest_response(DigestAlgorithm::Md5, "Circle Of Life", "GET", c) == "6629fae49393a05397450978507c4ef1");
  }
  SECTION("RFC 7616 section 3.9.1, both algorithms") {
    c.realm = "http-auth@example.org";
    c.nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
    c.cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
    CHECK(digest_response(DigestAlgorithm::Md5, "Circle of Life", "GET", c) == "8ca523f5e9506fed4657c9700eebdbec");
    CHECK(digest_response(DigestAlgorithm::Sha256, "Circle of Life", "GET", c) ==
          "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
  }
  SECTION("RFC 2069 form, without qop") {
    c.realm = "testrealm@host.com";
    c.nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
    c.qop.clear();
    CHECK(digest_response(DigestAlgorithm::Md5, "CircleOfLife", "GET", c) == "1949323746fe6a43ef61f9606e7febea");
  }
}

namespace {

DigestGuard guard(std::size_t tracked = 100) {
  return DigestGuard({"tandem.test", {DigestAlgorithm::Sha256, DigestAlgorithm::Md5}, 300s, tracked}, kSecret);
}

DigestCredentials answer(const std::vector<std::string>& challenge, std::uint32_t count,
                         const std::string& password = "secret", DigestAlgorithm algorithm = DigestAlgorithm::Md5) {
  Reply reply;
  for (const auto& value : challenge) reply.headers.push_back({"WWW-Authenticate", value});
  Phone phone{"alice", password, udp("192.0.2.50", 5060)};
  phone.algorithm = algorithm;
  return phone.credentials(reply, "INVITE", count);
}

}  // namespace

TEST_CASE("A challenge names realm, nonce, algorithm and qop, once for each algorithm in order") {
  auto g = guard();
  const auto values = g.challenge(false, Instant{1s});
  REQUIRE(values.size() == 2);
  const std::string nonce = quoted(values[0], "nonce");
  CHECK(nonce.size() == 56);
  CHECK(values[0] == "Digest realm=\"tandem.test\", nonce=\"" + nonce + "\", algorithm=SHA-256, qop=\"auth\"");
  CHECK(values[1] == "Digest realm=\"tandem.test\", nonce=\"" + nonce + "\", algorithm=MD5, qop=\"auth\"");
  CHECK(quoted(g.challenge(true, Instant{1s})[0], "nonce") != nonce);
  CHECK(g.challenge(true, Instant{1s})[0].find("stale=true") != std::string::npos);
}

TEST_CASE("Right and wrong passwords, both algorithms") {
  auto g = guard();
  const auto values = g.challenge(false, Instant{1s});
  CHECK(g.check(answer(values, 1), "secret", "INVITE", Instant{2s}) == Verdict::Good);
  CHECK(g.check(answer(values, 2, "secret", DigestAlgorithm::Sha256), "secret", "INVITE", Instant{2s}) ==
        Verdict::Good);
  CHECK(g.check(answer(values, 3, "guess"), "secret", "INVITE", Instant{2s}) == Verdict::Wrong);
  CHECK(g.check(answer(values, 3), "secret", "REGISTER", Instant{2s}) == Verdict::Wrong);
  CHECK(g.check(answer(values, 3, ""), "", "INVITE", Instant{2s}) == Verdict::Wrong);  // no password is no password
  auto odd = answer(values, 3);
  odd.qop = "auth-int";
  CHECK(g.check(odd, "secret", "INVITE", Instant{2s}) == Verdict::Wrong);
  odd = answer(values, 3);
  odd.nc = "nonsense";
  CHECK(g.check(odd, "secret", "INVITE", Instant{2s}) == Verdict::Wrong);
}

TEST_CASE("A count is good once, whatever the order they come in") {
  auto g = guard();
  const auto values = g.challenge(false, Instant{1s});
  const auto check = [&](std::uint32_t count) {
    return g.check(answer(values, count), "secret", "INVITE", Instant{2s});
  };
  CHECK(check(1) == Verdict::Good);
  CHECK(check(1) == Verdict::Stale);
  CHECK(check(3) == Verdict::Good);
  CHECK(check(2) == Verdict::Good);  // overtaken on the way
  CHECK(check(2) == Verdict::Stale);
  CHECK(check(3) == Verdict::Stale);
  CHECK(check(500) == Verdict::Good);
  CHECK(check(400) == Verdict::Stale);  // too far behind to tell
  CHECK(check(501) == Verdict::Good);
}

TEST_CASE("A nonce without qop is good for one request") {
  auto g = guard();
  auto c = answer(g.challenge(false, Instant{1s}), 1);
  c.qop.clear();
  c.response = digest_response(DigestAlgorithm::Md5, "secret", "INVITE", c);
  CHECK(g.check(c, "secret", "INVITE", Instant{2s}) == Verdict::Good);
  CHECK(g.check(c, "secret", "INVITE", Instant{2s}) == Verdict::Stale);
}

TEST_CASE("Old, foreign and tampered nonces are stale, never good") {
  auto g = guard();
  const auto values = g.challenge(false, Instant{1s});
  CHECK(g.check(answer(values, 1), "secret", "INVITE", Instant{302s}) == Verdict::Stale);
  CHECK(g.check(answer(values, 1), "secret", "INVITE", Instant{0s}) == Verdict::Stale);  // from the future

  DigestGuard other({"tandem.test", {DigestAlgorithm::Md5}, 300s, 100}, "another secret of 16 bytes");
  CHECK(g.check(answer(other.challenge(false, Instant{1s}), 1), "secret", "INVITE", Instant{2s}) == Verdict::Stale);

  auto tampered = answer(values, 1);
  tampered.nonce[15] = tampered.nonce[15] == '0' ? '1' : '0';
  tampered.response = digest_response(DigestAlgorithm::Md5, "secret", "INVITE", tampered);
  CHECK(g.check(tampered, "secret", "INVITE", Instant{2s}) == Verdict::Stale);
}

TEST_CASE("The replay memory is bounded and forgetting makes nonces unusable, not fresh") {
  auto g = guard(3);
  std::vector<DigestCredentials> used;
  for (int i = 0; i < 6; ++i) {
    used.push_back(answer(g.challenge(false, Instant{1s} + i * 1ms), 1));
    CHECK(g.check(used.back(), "secret", "INVITE", Instant{2s}) == Verdict::Good);
    CHECK(g.tracked() <= 3);
  }
  for (const auto& c : used) CHECK(g.check(c, "secret", "INVITE", Instant{2s}) == Verdict::Stale);
  // Strangers with wrong passwords take no memory at all.
  auto h = guard(3);
  for (int i = 0; i < 10; ++i) {
    CHECK(h.check(answer(h.challenge(false, Instant{1s}), 1, "guess"), "secret", "INVITE", Instant{2s}) ==
          Verdict::Wrong);
  }
  CHECK(h.tracked() == 0);
}

TEST_CASE("Credentials for another realm or an algorithm not offered are not ours") {
  DigestGuard g({"tandem.test", {DigestAlgorithm::Md5}, 300s, 100}, kSecret);
  auto c = answer(g.challenge(false, Instant{1s}), 1);
  CHECK(g.ours({c}) != nullptr);
  auto other = c;
  other.realm = "elsewhere";
  CHECK(g.ours({other}) == nullptr);
  other = c;
  other.algorithm = "SHA-256";
  CHECK(g.ours({other}) == nullptr);
  const std::vector<DigestCredentials> both{other, c};
  CHECK(g.ours(both) == &both[1]);
}

TEST_CASE("A secret too short to sign with is a programming error") {
  CHECK_THROWS(DigestGuard({"r", {DigestAlgorithm::Md5}, 300s, 1}, "short"));
}
