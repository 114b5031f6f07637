#include "connector/sip/room.h"

#include <algorithm>
#include <charconv>

#include "connector/sip/library_log.h"
#include "connector/sip/room_impl.h"
#include "connector/sip/text.h"

namespace tandem::connector {
namespace {

constexpr std::size_t kLetBeMax = 1000;  // callers whose CANCEL is told; the oldest are long gone

}  // namespace

SipRoomImpl::~SipRoomImpl() {
  if (tport_t* const any = nta ? nta_agent_tports(nta.get()) : nullptr; any != nullptr)
    closed_connections.watch(any, {});
  legs.clear();
  let_be.clear();
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
  sure_from = loop.now().steady + wanted.unsure_for;
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
  if (const auto it = legs.find(leg); it != legs.end()) {
    bury(std::move(it->second));
    legs.erase(it);
    return;
  }
  const auto it = std::find_if(let_be.begin(), let_be.end(), [leg](const auto& one) { return one->id() == leg; });
  if (it == let_be.end()) return;
  bury(std::move(*it));
  let_be.erase(it);
}

void SipRoomImpl::bury(std::unique_ptr<SipLeg> leg) {
  leg->close();
  graveyard.push_back(std::move(leg));
}

sofia::Incoming SipRoomImpl::invite_let_be(const std::string& call_id, std::string_view branch) {
  const auto it =
      std::find_if(let_be.begin(), let_be.end(), [&](const auto& one) { return one->is_let_be(call_id, branch); });
  if (it == let_be.end()) return {};
  auto invite = (*it)->take_invite();
  retire((*it)->id());
  return invite;
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
void SipRoom::perform(const TakeCancel& action) {
  if (auto* leg = impl_->find(action.leg)) leg->take_cancel(action);
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
  if (auto* leg = impl_->find(action.leg)) leg->turn(action.flow, action.route);
}
void SipRoom::perform(const DropLeg& action) {
  const auto it = impl_->legs.find(action.leg);
  if (it == impl_->legs.end() || !it->second->let_be()) return impl_->retire(action.leg);
  if (impl_->let_be.size() >= kLetBeMax) impl_->retire(impl_->let_be.front()->id());
  impl_->let_be.push_back(std::move(it->second));
  impl_->legs.erase(it);
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
