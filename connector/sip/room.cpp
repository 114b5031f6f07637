#include "connector/sip/room.h"

#include <algorithm>
#include <charconv>
#include <cstdarg>
#include <cstdio>
#include <unordered_map>

#include "connector/sip/forwarder.h"
#include "connector/sip/gate.h"
#include "connector/sip/leg.h"
#include "connector/sip/library.h"
#include "connector/sip/names.h"
#include "connector/sip/ports.h"
#include "connector/sip/sofia.h"
#include "connector/sip/subscriptions.h"
#include "connector/sip/text.h"
#include "connector/sip/tls_files.h"

extern "C" {
extern su_log_t nta_log[];
extern su_log_t tport_log[];
}

namespace tandem::connector {

struct SipRoomImpl final : SipLegHost {
  SipRoomImpl(SipLoop& sip_loop, SipSettings given, Admission& front_end, Logger& logger, SipRoom::Sink to,
              SipResolver resolver)
      : loop(sip_loop),
        wanted(std::move(given)),
        admission_(front_end),
        logs(logger),
        sink(std::move(to)),
        common(wanted),
        gate(wanted),
        subscriptions(sip_loop, *this),
        forwarder(ports, front_end, logger),
        names(std::move(resolver), [this](std::function<void()> result) {
          loop.post([alive = std::weak_ptr<int>(life), result = std::move(result)] {
            if (!alive.expired()) result();
          });
        }) {}
  ~SipRoomImpl() override;

  // SipLegHost
  nta_agent_t* agent() override { return nta.get(); }
  const SipCommonHeaders& headers() const override { return common; }
  const SipSettings& settings() const override { return wanted; }
  Logger& log() override { return logs; }
  const sip_contact_t* contact_towards(const std::string& uri) override { return ports.contact_towards(uri); }
  Admission& admission() override { return admission_; }
  Origin origin(nta_incoming_t* request) override;
  SipLeg* named(const DialogName& name) override;
  void emit(Input input) override { sink(std::move(input)); }
  void emit_later(Input input) override {
    loop.post([this, alive = std::weak_ptr<int>(life), shared = std::make_shared<Input>(std::move(input))] {
      if (!alive.expired()) sink(std::move(*shared));
    });
  }
  sofia::Timer make_timer() override { return sofia::Timer(su_timer_create(su_root_task(loop.root()), 0)); }
  void hop_failed(const std::string& hop) override;
  void prefer_answering(std::vector<std::string>& hops) override;
  void retire(LegId leg) override;
  void enter() override { graveyard.clear(); }

  tport_t* connection(const std::string& uri) override { return ports.connection(nta.get(), sip_host(uri)); }
  Origin origin_of(msg_t* message) override { return ports.origin(nta.get(), message); }
  tport_t* port(const std::string& transport, bool ipv6, std::uint16_t number) override {
    return ports.port(transport, ipv6, number);
  }

  Result<void, Failure> prepare();
  Result<void, Failure> open();
  SipLeg* find(LegId leg);
  int on_message(msg_t* msg, sip_t* sip);
  void on_invite(msg_t* msg, sip_t* sip);
  int replaced(const sip_t* sip, LegId& leg);
  void on_subscribe(msg_t* msg, sip_t* sip);
  void on_register(msg_t* msg, sip_t* sip);
  void refuse(msg_t* msg, int status, const char* reason, const std::string& lines = {});
  void refuse(msg_t* msg, const Reply& reply);
  void turned_away(const Origin& origin, const char* why);
  void tls_failed(std::string line);
  void watch_connections();
  void configure(SipSettings settings);

  SipLoop& loop;
  SipSettings wanted;
  Admission& admission_;
  Logger& logs;
  SipRoom::Sink sink;
  SipCommonHeaders common;
  SipGate gate;
  SipSubscriptions subscriptions;
  SipPorts ports;
  SipForwarder forwarder;
  std::optional<SipTlsFolder> tls;
  const SipTlsContext::Told tls_told{[this](std::string line) { tls_failed(std::move(line)); }};
  library::ClosedConnections closed_connections;
  sofia::Agent nta;
  std::unordered_map<LegId, std::unique_ptr<SipLeg>> legs;
  std::vector<std::unique_ptr<SipLeg>> graveyard;        // retired, perhaps still on the call stack
  std::unordered_map<std::string, Instant> silent_hops;  // until when each is tried last
  std::uint64_t last_leg = 0;
  bool open_ = false;
  bool refusing = false;
  std::uint64_t refused = 0;
  std::uint64_t refused_told = 0;
  Instant told_at{0};
  int tls_lines = 0;
  std::uint64_t tls_untold = 0;
  Instant tls_told_at{0};
  std::shared_ptr<int> life = std::make_shared<int>(0);
  SipNames names;
};

namespace {

// The library's own log lines. `stream` is the Logger.
void library_log(void* stream, char const* format, va_list arguments) {
  auto* logger = static_cast<Logger*>(stream);
  if (logger == nullptr || !logger->enabled(LogLevel::Debug)) return;
  std::array<char, 512> line;
  const int size = std::vsnprintf(line.data(), line.size(), format, arguments);
  if (size <= 0) return;
  std::string_view text(line.data(), std::min(static_cast<std::size_t>(size), line.size() - 1));
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  logger->write(LogLevel::Debug, "sip library: " + std::string(text));
}

void redirect_library_log(Logger* to) {
  su_log_redirect(su_log_default, library_log, to);
  su_log_redirect(nta_log, library_log, to);
  su_log_redirect(tport_log, library_log, to);
}

// Where requests in a dialog go when the peer sits behind a NAT or on a connection it made (RFC 5626 in spirit): back
// to where its INVITE came from. Empty: its Contact can be trusted.
std::string flow_of(const sip_t* sip, const Origin& origin) {
  if (sip->sip_record_route != nullptr || origin.transport.empty()) return {};
  const bool stream = origin.transport != "udp";
  const auto* contact = sip->sip_contact;
  const auto* via = sip->sip_via;
  const bool moved = via->v_received != nullptr && contact != nullptr &&
                     text::view(contact->m_url->url_host) == text::view(via->v_host);
  if (!stream && !moved) return {};
  return text::way_to(origin.ip, origin.port, origin.transport);
}

}  // namespace

SipRoomImpl::~SipRoomImpl() {
  if (tport_t* const any = nta ? nta_agent_tports(nta.get()) : nullptr; any != nullptr)
    closed_connections.watch(any, {});
  legs.clear();
  graveyard.clear();
  subscriptions.clear();
  nta.reset();
  redirect_library_log(nullptr);
}

Result<void, Failure> SipRoomImpl::prepare() {
  if (nta) return {};
  redirect_library_log(&logs);
  const bool with_tls = std::any_of(wanted.listen.begin(), wanted.listen.end(),
                                    [](const SipListen& l) { return l.transport == SipTransport::Tls; });
  if (with_tls && !library::patched()) {
    if (const auto floor = set_tls_floor(wanted.tls_policy.require_1_3); !floor) return floor.error();
    auto folder = SipTlsFolder::make(wanted.tls);
    if (!folder) return folder.error();
    tls.emplace(std::move(*folder));
  }
  const auto ms = [](std::chrono::milliseconds t) { return static_cast<unsigned>(t.count()); };
  // No default leg: requests that begin something come to on_message() before the library has made a transaction of
  // them.
  nta.reset(nta_agent_create(
      loop.root(), reinterpret_cast<const url_string_t*>(-1),
      [](nta_agent_magic_t* self, nta_agent_t*, msg_t* msg, sip_t* sip) { return self->on_message(msg, sip); }, this,
      NTATAG_UA(1), NTATAG_MAXSIZE(static_cast<usize_t>(wanted.message_bytes_max)),
      NTATAG_MAX_PROCEEDING(static_cast<usize_t>(wanted.unanswered_max)), NTATAG_UDP_MTU(wanted.udp_mtu),
      NTATAG_USE_NAPTR(1), NTATAG_USE_SRV(1), NTATAG_MERGE_482(1), NTATAG_CLIENT_RPORT(1), NTATAG_SERVER_RPORT(1),
      NTATAG_EXTRA_100(1), NTATAG_SIP_T1(ms(wanted.t1)), NTATAG_SIP_T2(ms(wanted.t2)), NTATAG_SIP_T4(ms(wanted.t4)),
      NTATAG_SIP_T1X64(ms(wanted.t1x64)), TAG_END()));
  if (!nta) return Failure{"the SIP agent can't be made"};
  return {};
}

Result<void, Failure> SipRoomImpl::open() {
  if (auto prepared = prepare(); !prepared) return prepared;
  auto opened = ports.open(nta.get(), wanted, tls ? tls->path() : std::string(), &tls_told);
  if (!opened) {
    legs.clear();
    nta.reset();
    return opened;
  }
  watch_connections();
  logs.write(LogLevel::Standard, "SIP library: " + library::name());
  open_ = true;
  for (const auto& [id, leg] : legs) leg->ports_open();
  for (const auto& port : ports.opened())
    logs.write(LogLevel::Standard,
               "SIP port open: " + port.address + " " + std::to_string(port.port) + "/" + to_string(port.transport));
  return {};
}

SipLeg* SipRoomImpl::find(LegId leg) {
  const auto it = legs.find(leg);
  return it == legs.end() ? nullptr : it->second.get();
}

Origin SipRoomImpl::origin(nta_incoming_t* request) {
  const sofia::Message message(nta_incoming_getrequest(request));
  return message ? ports.origin(nta.get(), message.get()) : Origin{};
}

SipLeg* SipRoomImpl::named(const DialogName& name) {
  const sofia::Home home;
  sip_replaces_t* const wanted_dialog = sip_replaces_format(
      home.get(), "%s;to-tag=%s;from-tag=%s", name.call_id.c_str(), name.our_tag.c_str(), name.their_tag.c_str());
  if (wanted_dialog == nullptr) return nullptr;
  // An early dialog of our own INVITE is known to the library by its Call-ID alone.
  for (const nta_leg_t* found :
       {nta_leg_by_replaces(nta.get(), wanted_dialog), nta_leg_by_call_id(nta.get(), name.call_id.c_str())})
    if (SipLeg* const leg = SipLeg::of(found); leg != nullptr && leg->is(name)) return leg;
  return nullptr;
}

// The leg that an INVITE wants to take the place of, or the status that refuses it (RFC 3891 section 3).
int SipRoomImpl::replaced(const sip_t* sip, LegId& leg) {
  const sip_replaces_t* const header = sip->sip_replaces;
  const auto name = header->rp_next == nullptr ? read_replaces(header) : std::nullopt;
  if (!name) return 400;
  const SipLeg* const found = named(*name);
  if (found == nullptr || found->waiting()) return 481;  // an early dialog that the other side began can't be replaced
  if (!found->up() && !found->ringing()) return 603;
  if (found->up() && name->early_only) return 486;
  leg = found->id();
  return 0;
}

void SipRoomImpl::hop_failed(const std::string& hop) {
  if (hop.empty()) return;
  const Instant now = loop.now().steady;
  if (silent_hops.size() >= 1000) std::erase_if(silent_hops, [now](const auto& entry) { return entry.second <= now; });
  if (silent_hops.size() >= 1000) silent_hops.clear();
  logs.write(LogLevel::Standard, "no answer from " + hop + ": other addresses of its name go first for half a minute");
  silent_hops[hop] = now + 30s;
}

void SipRoomImpl::prefer_answering(std::vector<std::string>& hops) {
  const Instant now = loop.now().steady;
  std::stable_partition(hops.begin(), hops.end(), [&](const std::string& hop) {
    const auto it = silent_hops.find(hop);
    return it == silent_hops.end() || it->second <= now;
  });
}

void SipRoomImpl::retire(LegId leg) {
  const auto it = legs.find(leg);
  if (it == legs.end()) return;
  it->second->close();
  graveyard.push_back(std::move(it->second));
  legs.erase(it);
}

int SipRoomImpl::on_message(msg_t* msg, sip_t* sip) {
  enter();
  if (sip != nullptr && sip->sip_status != nullptr) {
    forwarder.response(nta.get(), msg, sip);
    return 0;
  }
  if (sip == nullptr || sip->sip_request == nullptr || sip->sip_from == nullptr || sip->sip_to == nullptr ||
      sip->sip_call_id == nullptr || sip->sip_cseq == nullptr || sip->sip_via == nullptr) {
    nta_msg_discard(nta.get(), msg);
    return 0;
  }
  if (sip->sip_route != nullptr) {
    int refusal = 0;
    if (forwarder.request(nta.get(), msg, sip, ports.origin(nta.get(), msg), refusal)) {
      if (refusal == 0) return 0;
      if (sip->sip_request->rq_method == sip_method_ack) {
        nta_msg_discard(nta.get(), msg);
      } else {
        refuse(msg, refusal, refusal == 430 ? "Flow Failed" : nullptr);
      }
      return 0;
    }
  }
  switch (sip->sip_request->rq_method) {
    case sip_method_ack:
      nta_msg_discard(nta.get(), msg);
      return 0;
    case sip_method_invite:
      on_invite(msg, sip);
      return 0;
    case sip_method_register:
      on_register(msg, sip);
      return 0;
    case sip_method_subscribe:
      on_subscribe(msg, sip);
      return 0;
    default:
      break;
  }
  if (!admission_.welcome(ports.origin(nta.get(), msg), loop.now())) {
    nta_msg_discard(nta.get(), msg);
    return 0;
  }
  if (sip->sip_request->rq_method == sip_method_cancel || sip->sip_to->a_tag != nullptr) {
    refuse(msg, 481, nullptr);
  } else if (const auto unknown = text::unsupported(sip); !unknown.empty()) {
    refuse(msg, 420, nullptr, "Unsupported: " + unknown + "\r\n");
  } else if (sip->sip_request->rq_method == sip_method_options && refusing) {
    // Who asks before he sends calls, a balancing proxy say, sends them elsewhere.
    refuse(msg, 503, nullptr, "Retry-After: " + std::to_string(wanted.retry_after.count()) + "\r\n");
  } else if (sip->sip_request->rq_method == sip_method_options) {
    nta_msg_treply(nta.get(), msg, SIP_200_OK, SIPTAG_SERVER(common.server), SIPTAG_ALLOW(common.allow),
                   SIPTAG_ACCEPT(common.accept), SIPTAG_SUPPORTED(common.supported),
                   SIPTAG_ALLOW_EVENTS(common.allow_events), TAG_END());
  } else {
    refuse(msg, sip->sip_request->rq_method == sip_method_unknown ? 501 : 405, nullptr);
  }
  return 0;
}

// Without a transaction: nothing is kept of the request, nothing is sent again, its ACK is dropped.
void SipRoomImpl::refuse(msg_t* msg, int status, const char* reason, const std::string& lines) {
  nta_msg_treply(nta.get(), msg, status, reason, SIPTAG_SERVER(common.server),
                 TAG_IF(status == 405 || status == 501, SIPTAG_ALLOW(common.allow)),
                 TAG_IF(!lines.empty(), SIPTAG_HEADER_STR(lines.c_str())), TAG_END());
}

void SipRoomImpl::refuse(msg_t* msg, const Reply& reply) {
  if (reply.status == 0) {
    nta_msg_discard(nta.get(), msg);
    return;
  }
  refuse(msg, reply.status, reply.reason.empty() ? nullptr : reply.reason.c_str(), text::header_lines(reply.headers));
}

void SipRoomImpl::turned_away(const Origin& origin, const char* why) {
  ++refused;
  const Instant now = loop.now().steady;
  if (now - told_at < 1s) return;
  logs.write(LogLevel::Standard, "INVITE from " + origin.ip + ":" + std::to_string(origin.port) +
                                     " refused with 503: " + why + " (" + std::to_string(refused - refused_told) +
                                     " since the last such line)");
  told_at = now;
  refused_told = refused;
}

// As many lines a second as one can read; the rest are counted.
void SipRoomImpl::tls_failed(std::string line) {
  constexpr int kLines = 10;
  const Instant now = loop.now().steady;
  if (now - tls_told_at >= 1s) {
    tls_told_at = now;
    tls_lines = 0;
  }
  if (++tls_lines > kLines) {
    ++tls_untold;
    return;
  }
  if (tls_untold > 0) line += "; " + std::to_string(tls_untold) + " before it untold";
  tls_untold = 0;
  logs.write(LogLevel::Standard, line);
}

// Told in the middle of the library's work, so the front end hears of it in the next turn.
void SipRoomImpl::watch_connections() {
  tport_t* const any = nta_agent_tports(nta.get());
  if (any == nullptr) return;
  closed_connections.watch(any, [this](const char* ip, const char* port, const char* transport) {
    Origin origin;
    origin.ip = text::view(ip);
    if (origin.ip.starts_with("[")) origin.ip = origin.ip.substr(1, origin.ip.size() - 2);
    const auto number = text::view(port);
    std::from_chars(number.data(), number.data() + number.size(), origin.port);
    origin.transport = text::view(transport);
    loop.post([this, alive = std::weak_ptr<int>(life), origin = std::move(origin)] {
      if (!alive.expired()) admission_.connection_closed(origin);
    });
  });
}

void SipRoomImpl::configure(SipSettings settings) {
  auto listen = std::move(settings.listen);
  settings.listen = wanted.listen;
  wanted = settings;
  if (!library::patched() || !nta) return;
  settings.listen = std::move(listen);
  const auto certificate = ports.renew_tls(settings, &tls_told);
  if (!certificate) {
    logs.write(LogLevel::Standard, "SIP over TLS stays as it was: " + certificate.error().text);
  } else if (!certificate->empty()) {
    logs.write(LogLevel::Standard, "SIP over TLS: new connections get " + *certificate);
  }
}

void SipRoomImpl::on_invite(msg_t* msg, sip_t* sip) {
  if (sip->sip_to->a_tag != nullptr) return refuse(msg, 481, nullptr);
  Origin origin = ports.origin(nta.get(), msg);
  const Now now = loop.now();
  const std::string later = "Retry-After: " + std::to_string(wanted.retry_after.count()) + "\r\n";
  if (refusing) return refuse(msg, 503, nullptr, later);
  if (const auto verdict = gate.check(origin.ip, now.steady); verdict != SipGate::Verdict::Pass) {
    turned_away(origin, to_string(verdict));
    return refuse(msg, 503, nullptr, later);
  }
  if (legs.size() >= wanted.legs_max) {
    turned_away(origin, "too many calls at once");
    return refuse(msg, 503, nullptr, later);
  }
  if (const auto unknown = text::unsupported(sip); !unknown.empty())
    return refuse(msg, 420, nullptr, "Unsupported: " + unknown + "\r\n");
  const auto scheme = sip->sip_request->rq_url->url_type;
  if (scheme != url_sip && scheme != url_sips && scheme != url_tel) return refuse(msg, 416, nullptr);
  auto sdp = text::sdp(sip);
  if (sip->sip_content_encoding != nullptr || (sip->sip_payload != nullptr && sip->sip_payload->pl_len > 0 && !sdp))
    return refuse(msg, 415, nullptr, "Accept: application/sdp\r\n");
  if (sip->sip_contact == nullptr) return refuse(msg, 400, "Contact is missing");

  RequestFacts facts = text::facts(sip, std::move(origin));
  facts.replacing = sip->sip_replaces != nullptr;
  auto verdict = admission_.invited(facts, now);
  if (const auto* reply = std::get_if<Reply>(&verdict)) return refuse(msg, *reply);
  if (!std::get<Caller>(verdict).authenticated) {
    if (const auto stranger = gate.check_stranger(facts.origin.ip); stranger != SipGate::Verdict::Pass) {
      turned_away(facts.origin, to_string(stranger));
      return refuse(msg, 503, nullptr, later);
    }
  }

  Invited invited;
  if (facts.replacing) {
    if (!std::get<Caller>(verdict).authenticated) return refuse(msg, 403, nullptr);
    if (const int status = replaced(sip, invited.replaces); status != 0) return refuse(msg, status, nullptr);
  }
  invited.leg = LegId{++last_leg};
  invited.caller = std::move(std::get<Caller>(verdict));
  invited.request_uri = admission_.called(facts);
  invited.conversation_id = text::header(sip, text::kConversationHeader);
  invited.source = facts.origin.ip + ":" + std::to_string(facts.origin.port);
  invited.local_ip = facts.origin.local_ip;
  invited.sdp = std::move(sdp);
  invited.timer = text::timer(sip);
  invited.max_forwards = facts.max_forwards.value_or(70);
  for (const auto& name : wanted.report_headers)
    if (auto value = text::header(sip, name); !value.empty()) invited.headers.push_back({name, std::move(value)});
  invited.from_uri = std::move(facts.from_uri);
  invited.from_display = std::move(facts.from_display);
  invited.to_uri = std::move(facts.to_uri);
  invited.call_id = std::move(facts.call_id);

  const sip_contact_t* contact = ports.contact_at(facts.origin);
  std::string flow = flow_of(sip, facts.origin);
  sofia::Incoming request(nta_incoming_create(nta.get(), nullptr, msg, sip, TAG_END()));
  if (!request || contact == nullptr) return;
  auto leg = std::make_unique<SipLeg>(*this, invited.leg);
  if (!leg->accept_invite(std::move(request), sip, invited.caller, contact, std::move(flow),
                          gate.ticket(facts.origin.ip)))
    return;
  leg->came_from(facts.origin);
  legs.emplace(invited.leg, std::move(leg));
  sink(std::move(invited));
}

void SipRoomImpl::on_subscribe(msg_t* msg, sip_t* sip) {
  Origin origin = ports.origin(nta.get(), msg);
  const Now now = loop.now();
  if (!admission_.welcome(origin, now)) {
    nta_msg_discard(nta.get(), msg);
    return;
  }
  if (sip->sip_to->a_tag != nullptr) return refuse(msg, 481, nullptr);
  if (refusing) return refuse(msg, 503, nullptr, "Retry-After: " + std::to_string(wanted.retry_after.count()) + "\r\n");
  if (const auto unknown = text::unsupported(sip); !unknown.empty())
    return refuse(msg, 420, nullptr, "Unsupported: " + unknown + "\r\n");
  if (const auto wrong = subscriptions.check(sip, origin.ip); wrong.status != 0)
    return refuse(msg, wrong.status, nullptr, wrong.lines);
  const RequestFacts facts = text::facts(sip, std::move(origin));
  auto verdict = admission_.invited(facts, now);
  if (const auto* reply = std::get_if<Reply>(&verdict)) return refuse(msg, *reply);
  const Caller& who = std::get<Caller>(verdict);
  if (!who.authenticated) return refuse(msg, 403, nullptr);  // who is in a conference isn't for strangers
  std::string uri = admission_.called(facts);
  const sip_contact_t* contact = ports.contact_at(facts.origin);
  std::string flow = flow_of(sip, facts.origin);
  sofia::Incoming request(nta_incoming_create(nta.get(), nullptr, msg, sip, TAG_END()));
  if (!request || contact == nullptr) return;
  subscriptions.begin(std::move(request), sip, std::move(uri), who.dn, facts.origin.ip, contact, std::move(flow));
}

void SipRoomImpl::on_register(msg_t* msg, sip_t* sip) {
  if (const auto unknown = text::unsupported(sip); !unknown.empty())
    return refuse(msg, 420, nullptr, "Unsupported: " + unknown + "\r\n");
  const Reply reply = admission_.registered(text::registration(sip, ports.origin(nta.get(), msg)), loop.now());
  if (reply.status < 200 || reply.status >= 300) return refuse(msg, reply);
  // A transaction repeats the answer if the request is repeated; the registrar would take that for a replay.
  const std::string lines = text::header_lines(reply.headers);
  const sofia::Incoming request(nta_incoming_create(nta.get(), nullptr, msg, sip, TAG_END()));
  if (!request) return;
  nta_incoming_treply(request.get(), reply.status, reply.reason.empty() ? nullptr : reply.reason.c_str(),
                      SIPTAG_SERVER(common.server), TAG_IF(!lines.empty(), SIPTAG_HEADER_STR(lines.c_str())),
                      TAG_END());
}

SipRoom::SipRoom(SipLoop& loop, SipSettings settings, Admission& admission, Logger& log, Sink sink,
                 SipResolver resolver)
    : impl_(std::make_unique<SipRoomImpl>(loop, std::move(settings), admission, log, std::move(sink),
                                          std::move(resolver))) {}
SipRoom::~SipRoom() = default;

Result<void, Failure> SipRoom::open() {
  return impl_->open();
}
Result<void, Failure> SipRoom::prepare() {
  return impl_->prepare();
}
bool SipRoom::is_open() const {
  return impl_->open_;
}
std::vector<SipListen> SipRoom::ports() const {
  return impl_->ports.opened();
}

void SipRoom::perform(const SendInvite& action) {
  if (!impl_->nta || impl_->legs.contains(action.leg)) return;
  auto& leg = impl_->legs[action.leg];
  leg = std::make_unique<SipLeg>(*impl_, action.leg);
  const Target& target = action.target;
  auto to = sip_host(!target.route.empty()     ? target.route.front()
                     : target.next_hop.empty() ? target.request_uri
                                               : target.next_hop);
  if (!to.name || !text::sane(to.host)) return leg->invite(action);
  leg->invite_named(action);
  const bool asked =
      impl_->names.ask(std::move(to), [impl = impl_.get(), id = action.leg](std::vector<std::string> hops) {
        if (auto* waiting = impl->find(id)) waiting->resolved(std::move(hops));
      });
  if (!asked) leg->resolved({});
}

void SipRoom::perform(const Answer& action) {
  if (auto* leg = impl_->find(action.leg)) leg->answer(action);
}
void SipRoom::perform(const SendCancel& action) {
  if (auto* leg = impl_->find(action.leg)) leg->cancel(action.reason);
}
void SipRoom::perform(const SendBye& action) {
  if (auto* leg = impl_->find(action.leg)) leg->bye(action.reason);
}
void SipRoom::perform(const SendReinvite& action) {
  if (auto* leg = impl_->find(action.leg)) leg->reinvite(action);
}
void SipRoom::perform(const AnswerReinvite& action) {
  if (auto* leg = impl_->find(action.leg)) leg->answer_reinvite(action);
}
void SipRoom::perform(const AnswerRefer& action) {
  if (auto* leg = impl_->find(action.leg)) leg->answer_refer(action);
}
void SipRoom::perform(const NotifyRefer& action) {
  if (auto* leg = impl_->find(action.leg)) leg->notify_refer(action);
}
void SipRoom::perform(const SendTalk& action) {
  if (auto* leg = impl_->find(action.leg)) leg->talk();
}
void SipRoom::perform(const AnswerSubscription& action) {
  impl_->subscriptions.answer(action);
}
void SipRoom::perform(const NotifyConference& action) {
  impl_->subscriptions.notify(action);
}
void SipRoom::perform(const ForgetLeg& action) {
  if (auto* leg = impl_->find(action.leg)) leg->forget();
}

void SipRoom::perform(const RestoreLeg& action) {
  if (!impl_->nta || impl_->legs.contains(action.leg)) return;
  auto leg = std::make_unique<SipLeg>(*impl_, action.leg);
  auto& there = *impl_->legs.emplace(action.leg, std::move(leg)).first->second;
  if (!there.restore(action.dialog)) return impl_->emit_later(LegLost{action.leg, "the dialog can't be restored"});
  if (impl_->open_) there.ports_open();
}
void SipRoom::perform(const TurnLeg& action) {
  if (auto* leg = impl_->find(action.leg)) leg->turn(action.flow);
}
void SipRoom::perform(const DropLeg& action) {
  impl_->retire(action.leg);
}
std::optional<ha::Dialog> SipRoom::dialog(LegId leg) const {
  const auto* found = impl_->find(leg);
  return found == nullptr ? std::nullopt : found->dialog();
}

void SipRoom::refuse_new(bool refuse) {
  impl_->refusing = refuse;
  if (refuse) impl_->subscriptions.end_all();
}

void SipRoom::configure(SipSettings settings) {
  impl_->configure(std::move(settings));
}

SipCounts SipRoom::counts() const {
  SipCounts counts{impl_->legs.size(), impl_->gate.unanswered(), impl_->gate.unacknowledged(), impl_->refused,
                   impl_->subscriptions.count()};
  if (!impl_->nta) return counts;
  usize_t in = 0, out = 0, bad = 0, requests = 0, responses = 0, late_in = 0, late_out = 0, servers = 0, clients = 0;
  nta_agent_get_stats(impl_->nta.get(), NTATAG_S_RECV_MSG_REF(in), NTATAG_S_SENT_MSG_REF(out),
                      NTATAG_S_BAD_MESSAGE_REF(bad), NTATAG_S_RETRY_REQUEST_REF(requests),
                      NTATAG_S_RETRY_RESPONSE_REF(responses), NTATAG_S_TOUT_REQUEST_REF(late_out),
                      NTATAG_S_TOUT_RESPONSE_REF(late_in), NTATAG_S_IRQ_HASH_USED_REF(servers),
                      NTATAG_S_ORQ_HASH_USED_REF(clients), TAG_END());
  counts.messages_in = in;
  counts.messages_out = out;
  counts.bad_messages = bad;
  counts.retransmissions = requests + responses;
  counts.timeouts = late_in + late_out;
  counts.server_transactions = servers;
  counts.client_transactions = clients;
  return counts;
}

}  // namespace tandem::connector
