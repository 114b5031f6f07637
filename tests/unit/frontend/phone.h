// A phone as the front end sees it: builds requests and answers challenges.
#pragma once

#include <string>

#include "connector/frontend/digest.h"
#include "connector/frontend/front_end.h"

namespace tandem::connector::test {

inline Now at(std::chrono::nanoseconds since_start) {
  return {Instant{1000s} + since_start, std::chrono::microseconds{1'700'000'000'000'000}};
}

inline FrontEndSettings settings() {
  FrontEndSettings s;
  s.application = "Connector_1";
  s.domains = {"tandem.test", "other.test"};
  s.own_addresses = {"192.0.2.1:5060"};
  s.dns[Dn{"sip:alice@tandem.test"}] = {true, "alice-secret", ""};
  s.dns[Dn{"sip:bob@tandem.test"}] = {true, "bob-secret", ""};
  s.dns[Dn{"sip:mute@tandem.test"}] = {true, "", ""};
  s.dns[Dn{"sip:support@tandem.test"}] = {false, "", ""};
  s.dns[Dn{"sip:erp1@tandem.test"}] = {false, "", "14155551212"};
  s.trunks = {{"pstn", "sip:198.51.100.9:5080", "+", {}},
              {"mobile", "sip:198.51.100.10:5070;transport=tcp", "+4477", {"198.51.100.11"}}};
  return s;
}

inline const char* const kSecret = "0123456789abcdef0123456789abcdef";

inline std::string header(const Reply& reply, const std::string& name) {
  for (const SipHeader& h : reply.headers) {
    if (h.name == name) return h.value;
  }
  return {};
}

inline std::vector<std::string> headers(const Reply& reply, const std::string& name) {
  std::vector<std::string> out;
  for (const SipHeader& h : reply.headers) {
    if (h.name == name) out.push_back(h.value);
  }
  return out;
}

inline std::string quoted(const std::string& text, const std::string& name) {
  const auto begin = text.find(name + "=\"");
  if (begin == std::string::npos) return {};
  const auto from = begin + name.size() + 2;
  return text.substr(from, text.find('"', from) - from);
}

struct Phone {
  std::string user, password;
  Origin origin;
  std::string domain = "tandem.test";
  std::string call_id = "reg-" + user;
  std::uint32_t cseq = 0;
  DigestAlgorithm algorithm = DigestAlgorithm::Md5;

  std::string aor() const { return "sip:" + user + "@" + domain; }

  DigestCredentials credentials(const Reply& challenge, const std::string& method, std::uint32_t count = 1) const {
    DigestCredentials c;
    for (const std::string& offer : headers(challenge, "WWW-Authenticate")) {
      const bool sha = offer.find("algorithm=SHA-256") != std::string::npos;
      if (sha != (algorithm == DigestAlgorithm::Sha256)) continue;
      c.username = user;
      c.realm = quoted(offer, "realm");
      c.nonce = quoted(offer, "nonce");
      c.uri = "sip:" + domain;
      c.algorithm = sha ? "SHA-256" : "MD5";
      c.cnonce = "c1";
      c.qop = "auth";
      c.nc = to_hex(count).substr(8);
      c.response = digest_response(algorithm, password, method, c);
    }
    return c;
  }

  RegisterAsked ask(std::vector<ContactAsked> contacts, std::optional<std::uint32_t> expires = 300) {
    RegisterAsked asked;
    asked.facts.method = "REGISTER";
    asked.facts.request_uri = "sip:" + domain;
    asked.facts.from_uri = asked.facts.to_uri = aor();
    asked.facts.call_id = call_id;
    asked.facts.cseq = ++cseq;
    asked.facts.origin = origin;
    asked.contacts = std::move(contacts);
    asked.expires_s = expires;
    return asked;
  }
  // Asks, answers the challenge, returns the final reply.
  Reply send(FrontEnd& front, RegisterAsked asked, Now now) {
    const Reply first = front.registered(asked, now);
    if (first.status != 401) return first;
    asked.facts.credentials = {credentials(first, "REGISTER")};
    asked.facts.cseq = ++cseq;
    return front.registered(asked, now);
  }
  Reply enrol(FrontEnd& front, const std::string& contact, Now now, std::uint32_t expires = 300) {
    return send(front, ask({{contact, std::nullopt, std::nullopt, "", 0}}, expires), now);
  }

  RequestFacts call(const std::string& to) const {
    RequestFacts facts;
    facts.method = "INVITE";
    facts.request_uri = facts.to_uri = to;
    facts.from_uri = aor();
    facts.call_id = "call-" + user;
    facts.origin = origin;
    facts.max_forwards = 70;
    return facts;
  }
  std::variant<Caller, Reply> dial(FrontEnd& front, const std::string& to, Now now) const {
    RequestFacts facts = call(to);
    auto first = front.invited(facts, now);
    const auto* challenge = std::get_if<Reply>(&first);
    if (!challenge || challenge->status != 401) return first;
    facts.credentials = {credentials(*challenge, "INVITE")};
    return front.invited(facts, now);
  }
};

inline Origin udp(const std::string& ip, std::uint16_t port) {
  return {ip, port, "udp", "192.0.2.1", 5060, {}};
}
inline Origin tcp(const std::string& ip, std::uint16_t port) {
  return {ip, port, "tcp", "192.0.2.1", 5060, {}};
}

inline int status(const std::variant<Caller, Reply>& verdict) {
  const auto* reply = std::get_if<Reply>(&verdict);
  return reply ? reply->status : 200;
}

inline std::vector<std::string> uris(const std::vector<Target>& targets) {
  std::vector<std::string> out;
  for (const Target& t : targets) out.push_back(t.request_uri);
  return out;
}

}  // namespace tandem::connector::test
