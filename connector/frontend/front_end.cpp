#include "connector/frontend/front_end.h"

#include <algorithm>

#include "connector/frontend/parts.h"

namespace tandem::connector {
namespace {

constexpr std::size_t kMaxLog = 1000;  // lines kept until taken

std::string where(const Origin& origin) {
  return flow_text(origin);
}

}  // namespace

Reply refusal(int status, std::string reason) {
  return {status, std::move(reason), {}};
}

bool graphic(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > ' ' && c < 0x7f; });
}

SourceRules source_rules(const FrontEndSettings& s) {
  return {static_cast<double>(s.calls_per_second), static_cast<double>(s.calls_burst), s.failed_auths, s.ban,
          s.sources_tracked};
}

DigestGuard::Rules digest_rules(const FrontEndSettings& s) {
  std::string realm = !s.realm.empty() ? s.realm : s.domains.empty() ? "tandem" : lower(s.domains.front());
  return {std::move(realm), s.algorithms, s.nonce_lifetime, s.nonces_tracked};
}

void FrontEnd::Parts::note(LogLevel level, std::string text) {
  if (log.size() < kMaxLog) log.push_back({level, std::move(text)});
}

Reply FrontEnd::Parts::challenge(bool stale, Now now) {
  Reply reply{401, {}, {}};
  for (std::string& value : digest.challenge(stale, now.steady)) {
    reply.headers.push_back({"WWW-Authenticate", std::move(value)});
  }
  return reply;
}

std::variant<Dn, Reply> FrontEnd::Parts::prove(const RequestFacts& facts, const Uri& claimed, Now now) {
  const DigestCredentials* const credentials = digest.ours(facts.credentials);
  if (!credentials) return challenge(false, now);

  // The user name is the user part of a DN or the whole of it without the scheme. An unknown one is checked all the
  // same against nothing, so that neither answer nor time tells which names exist.
  const std::string& name = credentials->username;
  const auto at = name.find('@');
  const std::string host =
      claimed.host.empty() ? lower(settings->domains.empty() ? "" : settings->domains.front()) : claimed.host;
  const Meaning meant = name.size() > kMaxUri     ? Meaning{}
                        : at == std::string::npos ? plan.meaning("sip:" + name + "@" + host_port(host, claimed.port))
                                                  : plan.meaning("sip:" + name);
  const bool known = meant.kind == Meaning::Kind::LocalDn && meant.local->extension && !meant.local->password.empty();
  const std::string password = known ? meant.local->password : std::string();
  switch (digest.check(*credentials, password, facts.method, now.steady)) {
    case DigestGuard::Verdict::Good:
      limits.proved(facts.origin.ip);
      return meant.dn;
    case DigestGuard::Verdict::Stale:
      return challenge(true, now);
    case DigestGuard::Verdict::Wrong:
      break;
  }
  note(LogLevel::Standard, "front end: wrong password for " + (known ? meant.dn.str() : "unknown user") + " in " +
                               facts.method + " from " + where(facts.origin) + ", Call-ID " + facts.call_id);
  if (limits.failed(facts.origin.ip, now.steady)) {
    note(LogLevel::Standard, "front end: " + facts.origin.ip + " is ignored for " +
                                 std::to_string(settings->ban.count()) + " s: too many wrong passwords");
  }
  return refusal(403, "Wrong user name or password");
}

FrontEnd::FrontEnd(FrontEndSettings settings, std::string secret) {
  auto shared = std::make_shared<const FrontEndSettings>(std::move(settings));
  FlowTokens flows(secret);
  parts_ = std::make_unique<Parts>(Parts{shared,
                                         DialPlan(shared),
                                         Location(),
                                         DigestGuard(digest_rules(*shared), std::move(secret)),
                                         SourceLimits(source_rules(*shared)),
                                         std::move(flows),
                                         {}});
}

FrontEnd::~FrontEnd() = default;

void FrontEnd::configure(FrontEndSettings settings) {
  auto shared = std::make_shared<const FrontEndSettings>(std::move(settings));
  parts_->settings = shared;
  parts_->plan = DialPlan(shared);
  parts_->digest.configure(digest_rules(*shared));
  parts_->limits.configure(source_rules(*shared));
  for (const Dn& aor : parts_->location.aors()) {
    const auto it = shared->dns.find(aor);
    if (it == shared->dns.end() || !it->second.extension) parts_->location.forget(aor);
  }
}

bool FrontEnd::welcome(const Origin& origin, Now now) {
  return !parts_->limits.banned(origin.ip, now.steady) || parts_->plan.trunk_from(origin) ||
         parts_->plan.from_proxy(origin);
}

void FrontEnd::connection_closed(const Origin& origin) {
  parts_->location.connection_closed(origin);
}

std::variant<Caller, Reply> FrontEnd::invited(const RequestFacts& facts, Now now) {
  Parts& p = *parts_;
  const FrontEndSettings& settings = *p.settings;
  const Trunk* const trunk = p.plan.trunk_from(facts.origin);
  const bool proxy = p.plan.from_proxy(facts.origin);

  if (!trunk && !proxy) {
    if (p.limits.banned(facts.origin.ip, now.steady)) return refusal(0, {});
    if (!p.limits.call(facts.origin.ip, now.steady)) {
      Reply reply = refusal(503, "Too many calls from your address");
      reply.headers.push_back({"Retry-After", "1"});
      return reply;
    }
  }
  if (const Trunk* const unproved = p.plan.trunk_unproved(facts.origin)) {
    const std::string shown = facts.origin.tls_names.empty() ? "none that is good" : facts.origin.tls_names.front();
    p.note(LogLevel::Standard, "front end: trunk " + unproved->name + " at " + where(facts.origin) +
                                   " must show its certificate, shows " + shown + ", Call-ID " + facts.call_id +
                                   ": 403");
    return refusal(403, "Certificate of the trunk is missing or of another");
  }
  if (facts.max_forwards == 0u) return refusal(483, {});
  if (std::any_of(facts.via.begin(), facts.via.end(), [&](const std::string& via) { return p.plan.ours(via); })) {
    p.note(LogLevel::Standard, "front end: " + facts.request_uri + " came back to us from " + where(facts.origin) +
                                   ", Call-ID " + facts.call_id + ": 482");
    return refusal(482, {});
  }
  if (!graphic(facts.call_id)) return refusal(400, "Call-ID is no word");
  const auto from = parse_uri(facts.from_uri);
  if (!from) return refusal(400, "From is no SIP or tel URI");
  const Meaning to = p.plan.meaning(facts.request_uri);
  if (to.kind == Meaning::Kind::Malformed && !facts.replacing) return refusal(416, {});

  // Who a believed peer says is calling.
  const auto told = [&](std::string trunk_name) {
    const std::string& who = facts.asserted.empty() ? facts.from_uri : facts.asserted.front();
    const Meaning meant = p.plan.meaning(who);
    return Caller{meant.kind == Meaning::Kind::LocalDn ? meant.dn.str() : who, true, std::move(trunk_name)};
  };
  if (settings.mode == FrontEndMode::External) {
    if (!proxy) {
      p.note(LogLevel::Trace, "front end: call from " + where(facts.origin) + " isn't from the proxy, Call-ID " +
                                  facts.call_id + ": 403");
      return refusal(403, "Call through the front end");
    }
    return told({});
  }
  const auto local_only = [&](const char* whom) -> std::optional<Reply> {
    if (facts.replacing) return std::nullopt;
    if (to.kind == Meaning::Kind::LocalDn) return std::nullopt;
    if (to.kind == Meaning::Kind::Nobody) return refusal(404, {});
    p.note(LogLevel::Standard, "front end: " + std::string(whom) + " at " + where(facts.origin) + " may not call " +
                                   facts.request_uri + ", Call-ID " + facts.call_id + ": 403");
    return refusal(403, "No relaying");
  };

  if (trunk) {
    if (auto no = local_only("trunk")) return *no;
    return told(trunk->name);
  }

  const Meaning claimed = p.plan.meaning(facts.from_uri);
  const bool one_of_us = claimed.kind != Meaning::Kind::Foreign && !from->host.empty();
  if (!one_of_us) {
    if (!settings.accept_strangers) return refusal(403, "Strangers can't call here");
    if (auto no = local_only("stranger")) return *no;
    return Caller{facts.from_uri, false, {}};
  }

  const bool flow = settings.trust_registered_flow && claimed.kind == Meaning::Kind::LocalDn &&
                    p.location.flow_proved(claimed.dn, facts.origin);
  if (!flow) {
    auto proved = p.prove(facts, *from, now);
    if (auto* reply = std::get_if<Reply>(&proved)) return std::move(*reply);
    if (std::get<Dn>(proved) != claimed.dn) return refusal(403, "From isn't yours");
  }
  if (!facts.replacing)
    if (auto no = p.may_not_call(to)) return *no;
  return Caller{claimed.dn.str(), true, {}, p.location.phone_at(claimed.dn, facts.origin)};
}

// Where phones of ours may not call.
std::optional<Reply> FrontEnd::Parts::may_not_call(const Meaning& to) const {
  switch (to.kind) {
    case Meaning::Kind::LocalDn:
      return std::nullopt;
    case Meaning::Kind::Number:
      if (plan.trunk_of(to.number)) return std::nullopt;
      return refusal(404, "No trunk serves this number");
    case Meaning::Kind::Foreign:
      if (settings->foreign_domains) return std::nullopt;
      return refusal(403, "Other domains can't be called");
    case Meaning::Kind::Nobody:
    case Meaning::Kind::Malformed:
      break;
  }
  return refusal(404, {});
}

std::optional<Reply> FrontEnd::referred(const Caller& by, const std::string& to) {
  Parts& p = *parts_;
  if (p.settings->mode == FrontEndMode::External) return std::nullopt;  // the proxy decides
  const Meaning meant = p.plan.meaning(to);
  if (meant.kind == Meaning::Kind::LocalDn) return std::nullopt;
  // Whoever is no phone of ours gets no farther by a call of ours than by one of its own.
  const auto known = p.settings->dns.find(Dn{by.dn});
  if (by.trunk.empty() && by.authenticated && known != p.settings->dns.end() && known->second.extension)
    return p.may_not_call(meant);
  p.note(LogLevel::Standard, "front end: " + (by.trunk.empty() ? "stranger " + by.dn : "trunk " + by.trunk) +
                                 " may not have " + to + " called: 403");
  return refusal(403, "No relaying");
}

bool FrontEnd::believed(const Origin& origin) const {
  return parts_->plan.trunk_from(origin) != nullptr || parts_->plan.from_proxy(origin);
}

std::string FrontEnd::called(const RequestFacts& facts) const {
  const Meaning to = parts_->plan.meaning(facts.request_uri);
  if (to.kind == Meaning::Kind::LocalDn) return to.dn.str();
  if (to.kind == Meaning::Kind::Number) return to.number;
  return facts.request_uri;
}

std::optional<Forwarding> FrontEnd::forward(const RouteAsked& asked) const {
  const auto ends = parts_->flows.read(asked.token);
  if (!ends) return std::nullopt;
  const auto at = [](const std::optional<Uri>& uri) {
    return uri ? host_port(uri->host, uri->port == 0 ? 5060 : uri->port) : std::string();
  };
  // Inside a dialog the Request-URI tells the direction: it is the Contact of the other end.
  const auto back = parse_uri(ends->back);
  if (back && at(parse_uri(asked.request_uri)) == at(back)) return Forwarding{ends->back, false, {}};
  Forwarding out{
      "sip:" + ends->flow.substr(0, ends->flow.find(';')) + ";transport=" + ends->flow.substr(ends->flow.find(';') + 1),
      true,
      {}};
  // Requests of the phone go back to who called, and to nobody else.
  const auto contact = parse_uri(asked.contact);
  if (!back && contact && contact->host == asked.origin.ip)
    out.record = parts_->flows.write(
        {ends->flow, "sip:" + at(contact) + ";transport=" + (contact->transport.empty() ? "udp" : contact->transport)});
  return out;
}

link::Registration FrontEnd::Parts::shared(const Dn& aor, Now now) const {
  link::Registration out = location.registration(aor, settings->application, now);
  if (settings->reached_at.empty()) return out;
  for (link::Contact& contact : *out.mutable_contacts()) {
    const auto flow = flow_from(contact.path());
    if (!flow || flow->transport == "udp" || !location.connected(aor, *flow)) continue;
    const std::vector<std::string> behind(contact.route().begin(), contact.route().end());
    contact.clear_route();
    contact.add_route("sip:" + flows.write({contact.path(), {}}) + "@" + settings->reached_at + ";lr");
    for (const std::string& route : behind) contact.add_route(route);
  }
  return out;
}

void FrontEnd::learn(const link::Registration& registration, Now now) {
  Parts& p = *parts_;
  const auto it = p.settings->dns.find(Dn{registration.aor()});
  if (registration.connector() == p.settings->application || it == p.settings->dns.end()) return;
  const auto more = static_cast<std::size_t>(registration.contacts_size());
  if (p.location.contacts() + more > p.settings->registrations_max) return;
  p.location.learn(registration, now);
}

void FrontEnd::restore(link::Registration registration, std::chrono::seconds ago, Now now) {
  Parts& p = *parts_;
  if (!p.settings->dns.contains(Dn{registration.aor()})) return;
  link::Registration left;
  left.set_aor(registration.aor());
  for (auto& contact : *registration.mutable_contacts()) {
    if (ago.count() < 0 || contact.expires_s() <= ago.count()) continue;
    contact.set_expires_s(contact.expires_s() - static_cast<std::uint32_t>(ago.count()));
    left.add_contacts()->Swap(&contact);
  }
  if (p.location.contacts() + static_cast<std::size_t>(left.contacts_size()) > p.settings->registrations_max) return;
  if (left.contacts_size() > 0) p.location.restore(left, now, p.settings->contacts_per_aor);
}

std::optional<Instant> FrontEnd::next_expiry() const {
  return parts_->location.next_expiry();
}

std::size_t FrontEnd::contacts() const {
  return parts_->location.contacts();
}

void FrontEnd::expire(Now now) {
  parts_->location.expire(now.steady);
}

std::vector<link::Registration> FrontEnd::take_changed(Now now) {
  std::vector<link::Registration> out;
  for (const Dn& aor : parts_->location.take_changed()) {
    out.push_back(parts_->shared(aor, now));
  }
  return out;
}

std::vector<CoreLog> FrontEnd::take_log() {
  return std::exchange(parts_->log, {});
}

std::vector<link::Registration> FrontEnd::registrations(Now now) const {
  std::vector<link::Registration> out;
  for (const Dn& aor : parts_->location.registered_here()) {
    out.push_back(parts_->shared(aor, now));
  }
  return out;
}

std::vector<Target> FrontEnd::resolve(const std::string& to, Unreachable& why) const {
  const Parts& p = *parts_;
  const FrontEndSettings& settings = *p.settings;
  const Meaning meant = p.plan.meaning(to);
  if (meant.kind == Meaning::Kind::Malformed) {
    why = {404, to + " is no address"};
    return {};
  }
  const std::string domain = settings.domains.empty() ? std::string("localhost") : settings.domains.front();

  if (settings.mode == FrontEndMode::External) {
    if (settings.server_address.empty()) {
      why = {503, "front-end server-address is not set"};
      return {};
    }
    Target target;
    if (meant.kind == Meaning::Kind::LocalDn) {
      target.request_uri = meant.dn.str();
    } else if (meant.kind == Meaning::Kind::Number) {
      target.request_uri = "sip:" + meant.number + "@" + domain + ";user=phone";
    } else {
      target.request_uri = parse_uri(to) ? to : "sip:" + to + "@" + domain;
    }
    target.next_hop = "sip:" + host_port(settings.server_address, settings.server_port);
    if (settings.server_transport != "udp") target.next_hop += ";transport=" + settings.server_transport;
    return {target};
  }

  switch (meant.kind) {
    case Meaning::Kind::LocalDn: {
      if (!meant.local->extension) {
        why = {404, meant.dn.str() + " is not a phone"};
        return {};
      }
      auto targets = p.location.targets(meant.dn);
      if (targets.empty()) why = {480, meant.dn.str() + " is not registered"};
      for (Target& target : targets) target.dn = meant.dn.str();
      return targets;
    }
    case Meaning::Kind::Number: {
      const Trunk* const trunk = p.plan.trunk_of(meant.number);
      const auto contact = trunk ? parse_uri(trunk->contact) : std::nullopt;
      if (!contact) {
        why = {404, trunk ? "trunk " + trunk->name + " has no usable contact" : "no trunk serves " + meant.number};
        return {};
      }
      Target target;
      target.request_uri = "sip:" + meant.number + "@" +
                           (contact->port ? host_port(contact->host, contact->port) : bracketed(contact->host)) +
                           (contact->transport.empty() ? "" : ";transport=" + contact->transport);
      target.next_hop = trunk->contact;
      target.trunk = trunk->name;
      return {target};
    }
    case Meaning::Kind::Foreign:
      if (settings.foreign_domains) {
        Target target;
        target.request_uri = to;
        return {target};
      }
      why = {404, to + " is in no domain of ours (option foreign-domains)"};
      return {};
    case Meaning::Kind::Nobody:
    case Meaning::Kind::Malformed:
      break;
  }
  why = {404, "there is no " + to};
  return {};
}

}  // namespace tandem::connector
