// Dialogs that outlive the process: what has to be known of one, and one made of it.
#include <sofia-sip/su_tag_class.h>

#include "connector/sip/leg.h"
#include "connector/sip/text.h"

namespace tandem::connector {
namespace {

// The record may be older than our last request, and a number used twice is refused (RFC 3261 section 12.2.2). Gaps are
// allowed; and whoever had the dialog before us can't end it any more.
constexpr std::uint32_t kSequenceGap = 1000;
constexpr std::uint32_t kOvertakeGap = 100000;  // above however many such gaps of another Connector
constexpr std::uint32_t kSequenceMax = 0x7fffffff;
constexpr std::size_t kRequestMax = 32768;

std::string tagged(const std::string& address, const std::string& tag) {
  return address + ";tag=" + tag;
}

bool put(msg_t* message, std::string& to) {
  const sofia::Home home;
  size_t size = 0;
  const char* bytes = message == nullptr ? nullptr : msg_as_string(home.get(), message, nullptr, 0, &size);
  if (bytes == nullptr || size > kRequestMax) return false;
  to.assign(bytes, size);
  return true;
}

}  // namespace

std::optional<ha::Dialog> SipLeg::dialog() const {
  const bool waits = state_ == State::Offered;
  const bool calls = state_ == State::Calling && !cancelled_ && invite_out_;
  if ((state_ != State::Confirmed && !waits && !calls) || forgotten_ || !dialog_ || local_.empty() || remote_.empty())
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
  record.set_phone(peer_.phone);
  if (calls) {
    const sofia::Message request(nta_outgoing_getrequest(invite_out_.get()));
    if (!put(request.get(), *record.mutable_invite())) return std::nullopt;
    if (target == nullptr) record.set_target(text::uri(nta_outgoing_request_uri(invite_out_.get())));
    record.set_hop(hop_);
    record.set_proceeding(nta_outgoing_status(invite_out_.get()) >= 100);
  }
  if (!waits) return record;

  if (source_.ip.empty() || !invite_in_) return std::nullopt;
  const sofia::Message request(nta_incoming_getrequest(invite_in_.get()));
  if (!put(request.get(), *record.mutable_request())) return std::nullopt;
  record.set_source_ip(source_.ip);
  record.set_source_port(source_.port);
  record.set_source_transport(source_.transport);
  record.set_local_port(source_.local_port);
  return record;
}

void SipLeg::came_from(const Origin& origin) {
  source_ = origin;
  source_.tls_names.clear();
}

bool SipLeg::restore(const ha::Dialog& record) {
  call_id_ = record.call_id();
  local_ = record.local();
  remote_ = record.remote();
  incoming_ = record.incoming();
  flow_ = record.flow();
  peer_updates_ = record.updates();
  peer_ = Caller{record.peer_dn(), record.peer_authenticated(), record.peer_trunk(), record.phone()};
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
  restored_ = true;
  const std::string from = tagged(local_, record.local_tag());
  const std::string to = record.remote_tag().empty() ? remote_ : tagged(remote_, record.remote_tag());
  // What our INVITE will make has its route and target from the response that makes it.
  const bool begun = record.invite().empty() || !record.remote_tag().empty();
  const bool used = record.local_cseq() != 0 && record.local_cseq() < kSequenceMax - kSequenceGap;
  const std::string sequence = std::to_string(record.local_cseq() + kSequenceGap) + " INVITE";
  dialog_.reset(nta_leg_tcreate(
      host_.agent(), &SipLeg::on_request, this, SIPTAG_CALL_ID_STR(call_id_.c_str()), SIPTAG_FROM_STR(from.c_str()),
      SIPTAG_TO_STR(to.c_str()), TAG_IF(route != nullptr, SIPTAG_ROUTE(route)), TAG_IF(begun, NTATAG_TARGET(target)),
      NTATAG_REMOTE_CSEQ(record.remote_cseq()), TAG_IF(used, SIPTAG_CSEQ_STR(sequence.c_str())), TAG_END()));
  if (!dialog_) return false;
  // Else a loose route is taken for a strict one.
  if (route != nullptr) nta_leg_client_reroute(dialog_.get(), nullptr, target, 0);
  state_ = State::Confirmed;
  if (!record.request().empty()) {
    state_ = State::Offered;
    unanswered_ = std::make_unique<const ha::Dialog>(record);
    source_.ip = record.source_ip();
    source_.port = static_cast<std::uint16_t>(record.source_port());
    source_.transport = record.source_transport().empty() ? "udp" : record.source_transport();
    source_.local_port = static_cast<std::uint16_t>(record.local_port());
  } else if (!record.invite().empty()) {
    state_ = State::Calling;
    unanswered_ = std::make_unique<const ha::Dialog>(record);
    if (!record.remote_tag().empty()) early_tags_.push_back(record.remote_tag());
  }
  return true;
}

// The library's leg is made anew: its number can't be set otherwise.
void SipLeg::overtake() {
  auto record = dialog();
  if (!record || record->local_cseq() >= kSequenceMax - 2 * kOvertakeGap) return;
  record->set_local_cseq(record->local_cseq() + kOvertakeGap);
  dialog_.reset();
  restore(*record);
}

void SipLeg::ports_open() {
  if (!dialog_) return;
  turn(flow_);
  if (!unanswered_) return;
  if (state_ == State::Calling) {
    if (!continue_invite_out()) fail_later(503, "the call can't go on");
    return;
  }
  if (!continue_invite()) {
    state_ = State::Ended;
    host_.emit_later(LegLost{id_, "the call can't be answered any more"});
  }
  unanswered_.reset();
}

// The holder of the phone's connection is passed by all requests from now on; none: none is. The library wants the last
// hop first.
void SipLeg::take_route(const std::vector<std::string>& by) {
  const sip_route_t* before = nullptr;
  const sip_contact_t* target = nullptr;
  nta_leg_get_route(dialog_.get(), &before, &target);
  std::string reversed;
  for (auto hop = by.rbegin(); hop != by.rend(); ++hop) {
    if (!text::sane(*hop)) return;
    reversed.append(reversed.empty() ? "<" : ", <").append(*hop).append(">");
  }
  const sofia::Home home;
  const auto* route = by.empty() ? nullptr : sip_record_route_make(home.get(), reversed.c_str());
  if (target == nullptr || (route == nullptr && !by.empty())) return;
  nta_leg_client_reroute(dialog_.get(), route, target, 1);
  routed_ = by_holder_ = route != nullptr;
}

void SipLeg::turn(const std::string& flow, const std::vector<std::string>& by) {
  const bool elsewhere = flow_ != flow;
  flow_ = flow;
  if (!by.empty() || by_holder_) take_route(by);
  const sip_route_t* route = nullptr;
  const sip_contact_t* target = nullptr;
  nta_leg_get_route(dialog_.get(), &route, &target);
  std::string towards = flow_;
  if (routed_ && !by_holder_ && route != nullptr) {
    towards = text::uri(route->r_url);
  } else if (towards.empty() && target != nullptr) {  // with a holder its requests come straight to us all the same
    towards = text::uri(target->m_url);
  }
  contact_ = host_.contact_towards(towards);
  if (elsewhere && state_ == State::Calling && invite_out_ && unanswered_) {
    hop_.clear();
    if (!continue_invite_out()) fail_later(503, "the call can't go on");
  }
}

}  // namespace tandem::connector
