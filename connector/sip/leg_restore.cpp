// Dialogs that outlive the process: what has to be known of one, and one made of it.
#include <arpa/inet.h>
#include <sofia-sip/su_tag_class.h>

#include "connector/sip/leg.h"
#include "connector/sip/text.h"

namespace tandem::connector {
namespace {

// The record may be older than our last request, and a number used twice is refused (RFC 3261 section 12.2.2). Gaps are
// allowed; and whoever had the dialog before us can't end it any more.
constexpr std::uint32_t kSequenceGap = 1000;
constexpr std::uint32_t kSequenceMax = 0x7fffffff;
constexpr std::size_t kRequestMax = 32768;

std::string tagged(const std::string& address, const std::string& tag) {
  return address + ";tag=" + tag;
}

}  // namespace

std::optional<ha::Dialog> SipLeg::dialog() const {
  const bool waits = state_ == State::Offered;
  if ((state_ != State::Confirmed && !waits) || forgotten_ || !dialog_ || local_.empty() || remote_.empty())
    return std::nullopt;
  ha::Dialog record;
  record.set_call_id(call_id_);
  record.set_local(local_);
  record.set_local_tag(std::string(text::view(nta_leg_get_tag(dialog_.get()))));
  record.set_remote(remote_);
  record.set_remote_tag(std::string(text::view(nta_leg_get_rtag(dialog_.get()))));
  record.set_local_cseq(nta_leg_get_seq(dialog_.get()));
  record.set_remote_cseq(nta_leg_get_rseq(dialog_.get()));
  const sip_route_t* route = nullptr;
  const sip_contact_t* target = nullptr;
  nta_leg_get_route(dialog_.get(), &route, &target);
  const sofia::Home home;
  for (; route != nullptr; route = route->r_next) {
    sip_route_t one = *route;
    one.r_next = nullptr;
    if (const char* value = sip_header_as_string(home.get(), reinterpret_cast<const sip_header_t*>(&one)))
      record.add_route(value);
  }
  if (target != nullptr) record.set_target(text::uri(target->m_url));
  record.set_flow(flow_);
  record.set_incoming(incoming_);
  record.set_updates(peer_updates_);
  record.set_peer_dn(peer_.dn);
  record.set_peer_authenticated(peer_.authenticated);
  record.set_peer_trunk(peer_.trunk);
  if (!waits) return record;

  // Over a connection there would be no way back to whoever waits at its other end.
  if (source_ip_.empty()) return std::nullopt;
  if (!invite_in_) return std::nullopt;
  const sofia::Message request(nta_incoming_getrequest(invite_in_.get()));
  size_t size = 0;
  const char* bytes = request ? msg_as_string(home.get(), request.get(), nullptr, 0, &size) : nullptr;
  if (bytes == nullptr || size > kRequestMax) return std::nullopt;
  record.set_request(bytes, size);
  record.set_source_ip(source_ip_);
  record.set_source_port(source_port_);
  record.set_local_port(local_port_);
  return record;
}

void SipLeg::came_from(const Origin& origin) {
  if (origin.transport != "udp") return;
  source_ip_ = origin.ip;
  source_port_ = origin.port;
  local_port_ = origin.local_port;
}

bool SipLeg::restore(const ha::Dialog& record) {
  call_id_ = record.call_id();
  local_ = record.local();
  remote_ = record.remote();
  incoming_ = record.incoming();
  flow_ = record.flow();
  peer_updates_ = record.updates();
  peer_ = Caller{record.peer_dn(), record.peer_authenticated(), record.peer_trunk()};
  routed_ = record.route_size() > 0;
  const sofia::Home home;
  sip_route_t* route = nullptr;
  for (auto one = record.route().rbegin(); one != record.route().rend(); ++one) {
    sip_route_t* hop = sip_route_make(home.get(), one->c_str());
    if (hop == nullptr || hop->r_next != nullptr) return false;
    hop->r_next = route;
    route = hop;
  }
  if (!text::sane(record.target()) || !text::sane(call_id_)) return false;
  const sip_contact_t* target = sip_contact_make(home.get(), ("<" + record.target() + ">").c_str());
  if (target == nullptr) return false;
  const std::string from = tagged(local_, record.local_tag());
  const std::string to = record.remote_tag().empty() ? remote_ : tagged(remote_, record.remote_tag());
  const bool used = record.local_cseq() != 0 && record.local_cseq() < kSequenceMax - kSequenceGap;
  const std::string sequence = std::to_string(record.local_cseq() + kSequenceGap) + " INVITE";
  dialog_.reset(nta_leg_tcreate(
      host_.agent(), &SipLeg::on_request, this, SIPTAG_CALL_ID_STR(call_id_.c_str()), SIPTAG_FROM_STR(from.c_str()),
      SIPTAG_TO_STR(to.c_str()), TAG_IF(route != nullptr, SIPTAG_ROUTE(route)), NTATAG_TARGET(target),
      NTATAG_REMOTE_CSEQ(record.remote_cseq()), TAG_IF(used, SIPTAG_CSEQ_STR(sequence.c_str())), TAG_END()));
  if (!dialog_) return false;
  // Else a loose route is taken for a strict one.
  if (route != nullptr) nta_leg_client_reroute(dialog_.get(), nullptr, target, 0);
  state_ = State::Confirmed;
  if (!record.request().empty()) {
    state_ = State::Offered;
    unanswered_ = std::make_unique<const ha::Dialog>(record);
    source_ip_ = record.source_ip();
    source_port_ = static_cast<std::uint16_t>(record.source_port());
    local_port_ = static_cast<std::uint16_t>(record.local_port());
  }
  return true;
}

void SipLeg::ports_open() {
  if (!dialog_) return;
  turn(flow_);
  if (unanswered_ && !continue_invite()) {
    state_ = State::Ended;
    host_.emit_later(LegLost{id_, "the call can't be answered any more"});
  }
  unanswered_.reset();
}

void SipLeg::turn(const std::string& flow) {
  flow_ = flow;
  const sip_route_t* route = nullptr;
  const sip_contact_t* target = nullptr;
  nta_leg_get_route(dialog_.get(), &route, &target);
  std::string towards = flow_;
  if (routed_ && route != nullptr) {
    towards = text::uri(route->r_url);
  } else if (towards.empty() && target != nullptr) {
    towards = text::uri(target->m_url);
  }
  contact_ = host_.contact_towards(towards);
}

// The caller's transaction as it was: its INVITE as if it had just come, so that our responses go the same way.
bool SipLeg::continue_invite() {
  tport_t* const port = host_.udp_port(local_port_);
  const auto& bytes = unanswered_->request();
  msg_t* const request =
      port == nullptr ? nullptr : msg_make(sip_default_mclass(), 0, bytes.data(), static_cast<ssize_t>(bytes.size()));
  if (request == nullptr) return false;
  su_sockaddr_t from{};
  const bool ipv6 = source_ip_.find(':') != std::string::npos;
  from.su_family = static_cast<sa_family_t>(ipv6 ? AF_INET6 : AF_INET);
  from.su_port = htons(source_port_);
  const sip_t* sip = sip_object(request);
  if (inet_pton(from.su_family, source_ip_.c_str(), SU_ADDR(&from)) != 1 || sip == nullptr ||
      sip->sip_request == nullptr || sip->sip_request->rq_method != sip_method_invite || sip->sip_via == nullptr ||
      sip->sip_cseq == nullptr || sip->sip_call_id == nullptr || sip->sip_from == nullptr || sip->sip_to == nullptr) {
    msg_destroy(request);
    return false;
  }
  msg_set_address(request, &from, ipv6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in));
  invite_in_.reset(
      nta_incoming_create(host_.agent(), dialog_.get(), request, sip_object(request), NTATAG_TPORT(port), TAG_END()));
  if (!invite_in_) return false;
  nta_incoming_bind(invite_in_.get(), &SipLeg::on_invite_ack, this);
  return true;
}

}  // namespace tandem::connector
