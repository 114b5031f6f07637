#include "connector/sip/names.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>
#include <strings.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace tandem::connector {

namespace {

std::uint16_t number(std::string_view text) {
  std::uint16_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// Records of one type; `read` takes the data of each, with the message that names in it are expanded by.
template <class Read>
void ask_records(const std::string& name, ns_type type, const Read& read) {
  struct __res_state state {};
  if (res_ninit(&state) != 0) return;
  std::array<unsigned char, 8192> answer;
  const int size = res_nquery(&state, name.c_str(), ns_c_in, type, answer.data(), static_cast<int>(answer.size()));
  ns_msg message;
  if (size > 0 && ns_initparse(answer.data(), std::min(size, static_cast<int>(answer.size())), &message) == 0) {
    for (int i = 0; i < std::min<int>(ns_msg_count(message, ns_s_an), 64); ++i) {
      ns_rr record;
      if (ns_parserr(&message, ns_s_an, i, &record) == 0 && ns_rr_type(record) == type)
        read(message, ns_rr_rdata(record), ns_rr_rdata(record) + ns_rr_rdlen(record));
    }
  }
  res_nclose(&state);
}

std::optional<std::string> expanded(const ns_msg& message, const unsigned char* at) {
  std::array<char, NS_MAXDNAME> name;
  if (dn_expand(ns_msg_base(message), ns_msg_end(message), at, name.data(), static_cast<int>(name.size())) < 0)
    return std::nullopt;
  return name.data();
}

std::uint16_t word(const unsigned char* at) {
  return static_cast<std::uint16_t>(at[0] << 8 | at[1]);
}

std::vector<SrvRecord> ask_srv(const std::string& name) {
  std::vector<SrvRecord> out;
  ask_records(name, ns_t_srv, [&](const ns_msg& message, const unsigned char* data, const unsigned char* end) {
    if (end - data < 7) return;
    if (auto target = expanded(message, data + 6))
      out.push_back({word(data), word(data + 2), word(data + 4), std::move(*target)});
  });
  return out;
}

std::vector<NaptrRecord> ask_naptr(const std::string& domain) {
  std::vector<NaptrRecord> out;
  ask_records(domain, ns_t_naptr, [&](const ns_msg& message, const unsigned char* data, const unsigned char* end) {
    if (end - data < 8) return;
    const unsigned char* at = data + 4;
    std::array<std::string, 3> texts;  // flags, service, regular expression
    for (auto& text : texts) {
      if (at >= end || at + 1 + *at > end) return;
      text.assign(reinterpret_cast<const char*>(at) + 1, *at);
      at += 1 + *at;
    }
    if (at >= end || !same(texts[0], "s")) return;
    if (auto replacement = expanded(message, at))
      out.push_back({word(data), word(data + 2), std::move(texts[1]), std::move(*replacement)});
  });
  return out;
}

std::vector<std::string> ask_addresses(const std::string& host) {
  std::vector<std::string> out;
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return out;
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  for (const addrinfo* a = found; a != nullptr && out.size() < 64; a = a->ai_next) {
    std::array<char, NI_MAXHOST> text;
    if (getnameinfo(a->ai_addr, a->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) == 0)
      out.emplace_back(text.data());
  }
  return out;
}

}  // namespace

SipHost sip_host(std::string_view uri) {
  SipHost out;
  out.secure = uri.starts_with("sips:");
  auto rest = uri.substr(std::min(uri.find(':') + 1, uri.size()));
  if (const auto at = rest.find('@'); at != std::string_view::npos) rest.remove_prefix(at + 1);
  const auto end = rest.find_first_of(";?");
  auto parameters = end == std::string_view::npos ? std::string_view() : rest.substr(end);
  rest = rest.substr(0, end);
  if (rest.starts_with("[")) {
    const auto close = rest.find(']');
    out.host = rest.substr(1, close == std::string_view::npos ? close : close - 1);
    rest = close == std::string_view::npos ? std::string_view() : rest.substr(close + 1);
  } else {
    const auto colon = rest.find(':');
    out.host = rest.substr(0, colon);
    out.name = out.host.find_first_not_of("0123456789.") != std::string::npos;
    rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon);
  }
  if (rest.starts_with(":")) out.port = number(rest.substr(1));
  while (!parameters.empty() && parameters.front() == ';') {
    parameters.remove_prefix(1);
    const auto one = parameters.substr(0, parameters.find_first_of(";?"));
    if (one.size() > 10 && same(one.substr(0, 10), "transport=")) {
      for (const auto* known : {"udp", "tcp", "tls"})
        if (same(one.substr(10), known)) out.transport = known;
    }
    if (one.size() > 6 && same(one.substr(0, 6), "maddr=")) {
      out.host = one.substr(6);
      if (out.host.starts_with("[") && out.host.ends_with("]")) out.host = out.host.substr(1, out.host.size() - 2);
      out.name =
          out.host.find(':') == std::string::npos && out.host.find_first_not_of("0123456789.") != std::string::npos;
    }
    parameters.remove_prefix(one.size());
  }
  if (out.secure) out.transport = "tls";
  return out;
}

std::vector<SrvRecord> srv_order(std::vector<SrvRecord> records, std::mt19937& chance) {
  std::shuffle(records.begin(), records.end(), chance);
  // Of equal priority those without weight come first in the draw, as RFC 2782 asks: they have a small chance.
  std::stable_sort(records.begin(), records.end(), [](const SrvRecord& a, const SrvRecord& b) {
    return std::pair(a.priority, a.weight > 0) < std::pair(b.priority, b.weight > 0);
  });
  for (auto first = records.begin(); first != records.end(); ++first) {
    const auto last =
        std::find_if(first, records.end(), [&](const SrvRecord& r) { return r.priority != first->priority; });
    unsigned sum = 0;
    for (auto it = first; it != last; ++it) sum += it->weight;
    unsigned drawn = std::uniform_int_distribution<unsigned>(0, sum)(chance);
    auto chosen = first;
    while (chosen + 1 != last && drawn > chosen->weight) drawn -= (chosen++)->weight;
    std::rotate(first, chosen, chosen + 1);
  }
  return records;
}

SipResolver SipResolver::system() {
  return {ask_srv, ask_addresses, ask_naptr};
}

std::vector<std::string> resolve(const SipHost& to, const SipResolver& resolver, std::mt19937& chance) {
  std::vector<std::string> out;
  const auto add = [&](const std::string& host, std::uint16_t port, const std::string& transport) {
    auto found = resolver.addresses(host);
    std::shuffle(found.begin(), found.end(), chance);
    for (const auto& ip : found) {
      const std::string written = ip.find(':') != std::string::npos ? "[" + ip + "]" : ip;
      const bool tls = transport == "tls";
      std::string hop = "sip:" + (tls ? to.host : written) + ":" + std::to_string(port) + ";transport=" + transport;
      if (tls) hop += ";maddr=" + written;
      if (out.size() < 16) out.push_back(std::move(hop));
    }
  };
  if (to.port != 0) {
    add(to.host, to.port, to.transport.empty() ? "udp" : to.transport);
    return out;
  }
  const auto serve = [&](const std::string& name, const std::string& transport) {
    for (const auto& record : srv_order(resolver.srv(name), chance)) add(record.target, record.port, transport);
  };
  const auto wanted = [&](const std::string& transport) { return to.transport.empty() || to.transport == transport; };
  // What the domain says it speaks, else what may be found by the usual names (RFC 3263 section 4.1).
  static constexpr std::array<std::array<const char*, 3>, 3> kServices{
      {{"SIP+D2U", "udp", "_sip._udp."}, {"SIP+D2T", "tcp", "_sip._tcp."}, {"SIPS+D2T", "tls", "_sips._tcp."}}};
  if (to.transport.empty() && resolver.naptr) {
    auto records = resolver.naptr(to.host);
    std::stable_sort(records.begin(), records.end(), [](const NaptrRecord& a, const NaptrRecord& b) {
      return std::pair(a.order, a.preference) < std::pair(b.order, b.preference);
    });
    for (const auto& record : records)
      for (const auto& service : kServices)
        if (same(record.service, service[0])) serve(record.replacement, service[1]);
  }
  if (out.empty())
    for (const auto& service : kServices)
      if (wanted(service[1])) serve(service[2] + to.host, service[1]);
  if (out.empty()) {
    const std::string transport = to.transport.empty() ? "udp" : to.transport;
    add(to.host, transport == "tls" ? 5061 : 5060, transport);
  }
  return out;
}

// Belongs to the thread and to the asker alike, so that neither waits for the other's end.
struct SipNames::Shared {
  struct Question {
    SipHost to;
    Done done;
  };
  SipResolver resolver;
  std::mt19937 chance{std::random_device{}()};
  std::mutex mutex;
  std::condition_variable wake;
  Deliver deliver;  // from here on under the mutex
  std::vector<Question> questions;
  bool ending = false;
};

SipNames::SipNames(SipResolver resolver, Deliver deliver) : shared_(std::make_shared<Shared>()) {
  shared_->resolver = std::move(resolver);
  shared_->deliver = std::move(deliver);
}

SipNames::~SipNames() {
  const std::lock_guard guard(shared_->mutex);
  shared_->ending = true;
  shared_->questions.clear();
  shared_->wake.notify_one();
}

bool SipNames::ask(SipHost to, Done done) {
  const std::lock_guard guard(shared_->mutex);
  if (shared_->questions.size() >= kWaitingMax) return false;
  shared_->questions.push_back({std::move(to), std::move(done)});
  if (!begun_) {
    begun_ = true;
    std::thread([shared = shared_] { run(shared); }).detach();
  }
  shared_->wake.notify_one();
  return true;
}

void SipNames::run(const std::shared_ptr<Shared>& shared) {
  for (;;) {
    std::vector<Shared::Question> taken;
    {
      std::unique_lock lock(shared->mutex);
      shared->wake.wait(lock, [&] { return shared->ending || !shared->questions.empty(); });
      if (shared->ending) return;
      taken.swap(shared->questions);
    }
    // One answer serves everybody who asked for the same name meanwhile; each gets an order of its own.
    std::map<std::string, std::vector<std::string>> known;
    std::map<std::string, std::vector<SrvRecord>> services;
    const auto once = [](auto& memory, const std::string& key, const auto& question) {
      const auto it = memory.find(key);
      return it != memory.end() ? it->second : memory[key] = question(key);
    };
    std::map<std::string, std::vector<NaptrRecord>> domains;
    const SipResolver remembering{
        [&](const std::string& name) { return once(services, name, shared->resolver.srv); },
        [&](const std::string& host) { return once(known, host, shared->resolver.addresses); },
        [&](const std::string& domain) {
          return shared->resolver.naptr ? once(domains, domain, shared->resolver.naptr) : std::vector<NaptrRecord>{};
        }};
    for (auto& question : taken) {
      auto hops = resolve(question.to, remembering, shared->chance);
      const std::lock_guard guard(shared->mutex);
      if (shared->ending) return;
      shared->deliver([done = std::move(question.done), hops = std::move(hops)]() mutable { done(std::move(hops)); });
    }
  }
}

}  // namespace tandem::connector
