// REGISTER: RFC 3261 section 10.3, with Path (RFC 3327) and instances (RFC 5626 section 6, one binding an instance).
#include <algorithm>
#include <cstdio>
#include <limits>

#include "connector/frontend/parts.h"

namespace tandem::connector {
namespace {

constexpr std::size_t kMaxPath = 8;

bool overtaken(const Binding& binding, const RequestFacts& facts) {
  return binding.call_id == facts.call_id && facts.cseq <= binding.cseq;
}

std::string q_text(std::uint16_t q_milli) {
  char text[8];
  std::snprintf(text, sizeof text, "%u.%03u", q_milli / 1000u, q_milli % 1000u);
  return text;
}

}  // namespace

Reply FrontEnd::registered(const RegisterAsked& asked, Now now) {
  Parts& p = *parts_;
  const FrontEndSettings& settings = *p.settings;
  const RequestFacts& facts = asked.facts;

  // --- May it? ---
  if (settings.mode == FrontEndMode::External) return refusal(403, "Register with the front end");
  if (p.limits.banned(facts.origin.ip, now.steady)) return refusal(0, {});
  if (!p.limits.call(facts.origin.ip, now.steady)) {
    Reply reply = refusal(503, "Too many requests from your address");
    reply.headers.push_back({"Retry-After", "1"});
    return reply;
  }
  const auto to = parse_uri(facts.to_uri);
  if (!to || to->scheme == "tel" || !p.plan.local_host(*to)) return refusal(404, "Not a domain of ours");
  auto proved = p.prove(facts, *to, now);
  if (auto* reply = std::get_if<Reply>(&proved)) return std::move(*reply);
  const Dn& aor = std::get<Dn>(proved);
  const Meaning meant = p.plan.meaning(facts.to_uri);
  if (meant.kind != Meaning::Kind::LocalDn) return refusal(404, {});
  if (meant.dn != aor) return refusal(403, "Not your address of record");

  // --- Is it sound? Nothing changes unless all of it is (section 10.3, step 7). ---
  if (!graphic(facts.call_id)) return refusal(400, "Call-ID is no word");
  if (asked.path.size() > kMaxPath) return refusal(400, "Too many Path values");
  if (!std::all_of(asked.path.begin(), asked.path.end(), graphic)) return refusal(400, "Path is no URI");
  const std::vector<Binding> none;
  const auto* const have = p.location.local(aor) ? p.location.local(aor) : &none;
  Location::Change change;
  bool gone = false;
  if (asked.star) {
    if (!asked.contacts.empty() || asked.expires_s != 0u) return refusal(400, "Contact * is for Expires: 0 alone");
    if (std::any_of(have->begin(), have->end(), [&](const Binding& b) { return overtaken(b, facts); })) {
      return refusal(400, "CSeq out of order");
    }
    change.remove_all = gone = true;
  }
  const auto seconds = [](std::chrono::seconds s) { return static_cast<std::uint32_t>(s.count()); };
  for (const ContactAsked& contact : asked.contacts) {
    const auto uri = parse_uri(contact.uri);
    if (!uri || uri->scheme == "tel") return refusal(400, "Contact is no SIP URI");
    if (!contact.instance.empty() && !graphic(contact.instance)) return refusal(400, "+sip.instance is no URN");
    if (p.plan.infrastructure(*uri)) return refusal(403, "Contact is no phone");
    for (const Binding& b : *have) {
      if (b.uri == contact.uri && overtaken(b, facts)) return refusal(400, "CSeq out of order");
    }
    std::uint32_t expires = contact.expires_s.value_or(asked.expires_s.value_or(seconds(settings.expires_default)));
    if (expires == 0) {
      change.remove.push_back(contact.uri);
      gone = true;
      continue;
    }
    if (expires < seconds(settings.expires_min)) {
      Reply reply = refusal(423, {});
      reply.headers.push_back({"Min-Expires", std::to_string(seconds(settings.expires_min))});
      return reply;
    }
    expires = std::min(expires, seconds(settings.expires_max));
    Binding binding;
    binding.uri = contact.uri;
    binding.instance = contact.instance;
    binding.call_id = facts.call_id;
    binding.cseq = facts.cseq;
    binding.q_milli = std::min<std::uint16_t>(contact.q_milli.value_or(1000), 1000);
    binding.expires = now.steady + std::chrono::seconds(expires);
    binding.origin = facts.origin;
    binding.path = asked.path;
    binding.by_digest = true;
    if (asked.path.empty()) binding.next_hop = next_hop_of(contact.uri, facts.origin);
    change.set.push_back(std::move(binding));
  }
  if (change.set.size() > settings.contacts_per_aor) return refusal(403, "Too many contacts");
  if (p.location.contacts() + change.set.size() > settings.registrations_max) {
    Reply reply = refusal(503, "Registrar is full");
    reply.headers.push_back({"Retry-After", "60"});
    return reply;
  }

  // --- Do it. A query changes nothing. ---
  const bool was_there = !have->empty();
  if (asked.star || !asked.contacts.empty()) p.location.apply(aor, change, settings.contacts_per_aor);

  Reply reply{200, {}, {}};
  const auto* const now_there = p.location.local(aor);
  if (now_there) {
    for (const Binding& b : *now_there) {
      const auto left = std::chrono::ceil<std::chrono::seconds>(b.expires - now.steady).count();
      std::string value = "<" + b.uri + ">;expires=" + std::to_string(std::max<std::int64_t>(left, 0));
      if (b.q_milli != 1000) value += ";q=" + q_text(b.q_milli);
      if (!b.instance.empty()) value += ";+sip.instance=\"" + b.instance + "\"";
      reply.headers.push_back({"Contact", std::move(value)});
    }
  }
  for (const std::string& path : asked.path) reply.headers.push_back({"Path", "<" + path + ">"});
  if (!was_there && now_there) {
    p.note(LogLevel::Standard,
           "front end: " + aor.str() + " registered from " + flow_text(facts.origin) + ", Call-ID " + facts.call_id);
  } else if (was_there && !now_there && gone) {
    p.note(LogLevel::Standard, "front end: " + aor.str() + " unregistered, Call-ID " + facts.call_id);
  }
  return reply;
}

}  // namespace tandem::connector
