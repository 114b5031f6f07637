#include "connector/frontend/location.h"

#include <algorithm>
#include <chrono>

#include "connector/frontend/address.h"

namespace tandem::connector {
namespace {

bool is_connection(const Origin& origin) {
  return origin.transport != "udp";
}

bool same_flow(const Origin& a, const Origin& b) {
  return a.port == b.port && a.transport == b.transport && a.ip == b.ip;
}

const std::string& phone_of(const Binding& binding) {
  return binding.instance.empty() ? binding.call_id : binding.instance;
}

Target target_of(const Binding& binding) {
  Target target;
  target.request_uri = binding.uri;
  target.next_hop = binding.next_hop;
  target.q_milli = binding.q_milli;
  target.route = binding.path;
  target.connector = binding.connector;
  target.phone = phone_of(binding);
  target.local_ip = binding.origin.local_ip;
  return target;
}

std::uint32_t seconds_left(Instant expires, Instant now) {
  if (expires <= now) return 0;
  return static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::seconds>(expires - now).count());
}

}  // namespace

std::string next_hop_of(const std::string& contact, const Origin& origin) {
  const std::string source = "sip:" + host_port(origin.ip, origin.port);
  if (origin.transport != "udp") return source + ";transport=" + origin.transport;
  const auto uri = parse_uri(contact);
  if (!uri) return source;
  if (!is_ip(uri->host)) return uri->host.ends_with(".invalid") || uri->host == "localhost" ? source : std::string();
  return uri->host != origin.ip && is_unroutable(uri->host) ? source : std::string();
}

std::string flow_text(const Origin& origin) {
  return host_port(origin.ip, origin.port) + ";" + origin.transport;
}

std::optional<Origin> flow_from(const std::string& text) {
  const auto semicolon = text.find(';');
  const HostPort where = split_host_port(std::string_view(text).substr(0, semicolon));
  if (!is_ip(where.host)) return std::nullopt;
  Origin origin;
  origin.ip = where.host;
  origin.port = where.port;
  origin.transport = semicolon == std::string::npos ? "udp" : text.substr(semicolon + 1);
  return origin;
}

const std::vector<Binding>* Location::local(const Dn& aor) const {
  const auto it = entries_.find(aor);
  return it == entries_.end() || it->second.here.empty() ? nullptr : &it->second.here;
}

template <class Matches>
std::size_t Location::drop(std::vector<Binding>& here, const Matches& matches) {
  return std::erase_if(here, [&](const Binding& b) {
    if (!matches(b)) return false;
    if (is_connection(b.origin)) {
      if (const auto it = connections_.find(flow_text(b.origin)); it != connections_.end()) connections_.erase(it);
    }
    return true;
  });
}

std::size_t Location::count(const Entry& entry) {
  std::size_t n = entry.here.size();
  for (const auto& [connector, bindings] : entry.elsewhere) n += bindings.size();
  return n;
}

void Location::apply(const Dn& aor, const Change& change, std::size_t limit) {
  Entry& entry = entries_[aor];
  const std::size_t before = count(entry);
  auto& here = entry.here;
  if (change.remove_all) drop(here, [](const Binding&) { return true; });
  for (const std::string& uri : change.remove) drop(here, [&](const Binding& b) { return b.uri == uri; });
  for (const Binding& fresh : change.set) {
    const auto same = [&](const Binding& b) {
      return b.uri == fresh.uri || (!b.instance.empty() && b.instance == fresh.instance);
    };
    drop(here, same);
    here.push_back(fresh);
    here.back().order = ++order_;
    if (is_connection(fresh.origin)) connections_.insert(flow_text(fresh.origin));
    // The same contact known from another Connector: the phone has moved here.
    for (auto& [connector, bindings] : entry.elsewhere) std::erase_if(bindings, same);
  }
  while (here.size() > std::max<std::size_t>(limit, 1)) {
    const auto oldest = std::min_element(here.begin(), here.end(),
                                         [](const Binding& a, const Binding& b) { return a.order < b.order; });
    drop(here, [order = oldest->order](const Binding& b) { return b.order == order; });
  }
  changed_.insert(aor);
  settle(aor, before);
}

namespace {

Binding binding_of(const link::Contact& contact, Now now) {
  Binding binding;
  binding.uri = contact.uri();
  binding.instance = contact.instance();
  binding.call_id = contact.call_id();
  binding.cseq = contact.cseq();
  binding.q_milli = static_cast<std::uint16_t>(std::min(contact.q_milli(), 1000u));
  binding.expires = now.steady + std::chrono::seconds(contact.expires_s());
  binding.path.assign(contact.route().begin(), contact.route().end());
  // A connection is another process's: here only the contact itself can be tried.
  if (const auto flow = flow_from(contact.path()); flow && flow->transport == "udp") {
    binding.origin = *flow;
    binding.next_hop = next_hop_of(binding.uri, *flow);
  }
  return binding;
}

}  // namespace

void Location::restore(const link::Registration& registration, Now now, std::size_t limit) {
  Change change;
  for (const link::Contact& contact : registration.contacts()) change.set.push_back(binding_of(contact, now));
  apply(Dn{registration.aor()}, change, limit);
}

void Location::learn(const link::Registration& registration, Now now) {
  const Dn aor{registration.aor()};
  Entry& entry = entries_[aor];
  const std::size_t before = count(entry);
  auto& bindings = entry.elsewhere[registration.connector()];
  bindings.clear();
  for (const link::Contact& contact : registration.contacts()) {
    Binding binding = binding_of(contact, now);
    binding.order = ++order_;
    binding.connector = registration.connector();
    // Registered there after here, by the same phone: ours is out of date.
    const auto moved = [&](const Binding& b) {
      const bool same = b.uri == binding.uri || (!b.instance.empty() && b.instance == binding.instance);
      return same && b.call_id == binding.call_id && b.cseq < binding.cseq;
    };
    if (drop(entry.here, moved) > 0) changed_.insert(aor);
    bindings.push_back(std::move(binding));
  }
  if (bindings.empty()) entry.elsewhere.erase(registration.connector());
  settle(aor, before);
}

void Location::forget(const Dn& aor) {
  const auto it = entries_.find(aor);
  if (it == entries_.end()) return;
  const std::size_t before = count(it->second);
  if (!it->second.here.empty()) changed_.insert(aor);
  drop(it->second.here, [](const Binding&) { return true; });
  it->second.elsewhere.clear();
  settle(aor, before);
}

void Location::connection_closed(const Origin& origin) {
  if (!connections_.contains(flow_text(origin))) return;
  for (auto& [aor, entry] : entries_) {
    for (Binding& b : entry.here) {
      if (!same_flow(b.origin, origin)) continue;
      b.next_hop.clear();
      b.by_digest = false;
      changed_.insert(aor);
    }
  }
}

// Brings the counters and the due time of one address of record in line with its bindings; drops it when nothing is
// left.
void Location::settle(const Dn& aor, std::size_t contacts_before) {
  const auto it = entries_.find(aor);
  Entry& entry = it->second;
  contacts_ = contacts_ - contacts_before + count(entry);
  std::erase_if(entry.elsewhere, [](const auto& one) { return one.second.empty(); });

  std::optional<Instant> due;
  const auto earlier = [&due](const std::vector<Binding>& bindings) {
    for (const Binding& b : bindings) due = due ? std::min(*due, b.expires) : b.expires;
  };
  earlier(entry.here);
  for (const auto& [connector, bindings] : entry.elsewhere) earlier(bindings);
  if (entry.due != due) {
    if (entry.due) due_.erase({*entry.due, aor});
    if (due) due_.emplace(*due, aor);
    entry.due = due;
  }
  if (!due) entries_.erase(it);
}

std::optional<Instant> Location::next_expiry() const {
  if (due_.empty()) return std::nullopt;
  return due_.begin()->first;
}

void Location::expire(Instant now) {
  while (!due_.empty() && due_.begin()->first <= now) {
    const Dn aor = due_.begin()->second;
    Entry& entry = entries_.at(aor);
    const std::size_t before = count(entry);
    const auto over = [&](const Binding& b) { return b.expires <= now; };
    if (drop(entry.here, over) > 0) changed_.insert(aor);
    for (auto& [connector, bindings] : entry.elsewhere) std::erase_if(bindings, over);
    settle(aor, before);
  }
}

std::vector<Target> Location::targets(const Dn& aor) const {
  const auto it = entries_.find(aor);
  if (it == entries_.end()) return {};
  std::vector<const Binding*> all;
  for (const Binding& b : it->second.here) all.push_back(&b);
  for (const auto& [connector, bindings] : it->second.elsewhere) {
    for (const Binding& b : bindings) all.push_back(&b);
  }
  std::sort(all.begin(), all.end(), [](const Binding* a, const Binding* b) {
    return a->q_milli != b->q_milli ? a->q_milli > b->q_milli : a->order > b->order;
  });
  std::vector<Target> out;
  for (const Binding* b : all) {
    const auto same = [&](const Target& t) { return t.request_uri == b->uri; };
    if (std::none_of(out.begin(), out.end(), same)) out.push_back(target_of(*b));
  }
  return out;
}

bool Location::flow_proved(const Dn& aor, const Origin& origin) const {
  if (origin.transport == "udp") return false;
  const auto* bindings = local(aor);
  return bindings && std::any_of(bindings->begin(), bindings->end(),
                                 [&](const Binding& b) { return b.by_digest && same_flow(b.origin, origin); });
}

std::string Location::phone_at(const Dn& aor, const Origin& flow) const {
  const auto* bindings = local(aor);
  if (!bindings || !is_connection(flow)) return {};
  const auto at =
      std::find_if(bindings->begin(), bindings->end(), [&](const Binding& b) { return same_flow(b.origin, flow); });
  return at == bindings->end() ? std::string() : phone_of(*at);
}

bool Location::connected(const Dn& aor, const Origin& flow) const {
  const auto* bindings = local(aor);
  return bindings && std::any_of(bindings->begin(), bindings->end(),
                                 [&](const Binding& b) { return !b.next_hop.empty() && same_flow(b.origin, flow); });
}

std::vector<Dn> Location::aors() const {
  std::vector<Dn> out;
  out.reserve(entries_.size());
  for (const auto& [aor, entry] : entries_) out.push_back(aor);
  return out;
}

link::Registration Location::registration(const Dn& aor, const std::string& connector, Now now) const {
  link::Registration out;
  out.set_aor(aor.str());
  out.set_connector(connector);
  const auto* bindings = local(aor);
  if (!bindings) return out;
  for (const Binding& b : *bindings) {
    link::Contact* contact = out.add_contacts();
    contact->set_uri(b.uri);
    contact->set_expires_s(seconds_left(b.expires, now.steady));
    contact->set_path(flow_text(b.origin));
    contact->set_instance(b.instance);
    contact->set_call_id(b.call_id);
    contact->set_cseq(b.cseq);
    contact->set_q_milli(b.q_milli);
    for (const std::string& route : b.path) contact->add_route(route);
  }
  return out;
}

std::vector<Dn> Location::registered_here() const {
  std::vector<Dn> out;
  for (const auto& [aor, entry] : entries_) {
    if (!entry.here.empty()) out.push_back(aor);
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<Dn> Location::take_changed() {
  std::vector<Dn> out(changed_.begin(), changed_.end());
  changed_.clear();
  return out;
}

}  // namespace tandem::connector
