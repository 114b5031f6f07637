// Calls that we make: INVITE, its responses, CANCEL.
#include "connector/sip/leg.h"

#include <sofia-sip/su_tag_class.h>

#include "connector/sip/text.h"

namespace tandem::connector {

void SipLeg::invite(const SendInvite& order) {
  const bool known = !order.target.dn.empty() || !order.target.trunk.empty();
  peer_ = Caller{order.target.dn, known, order.target.trunk, order.target.phone};
  const auto from = text::name_addr(order.from_display, order.from_uri);
  const auto to = text::name_addr({}, order.to_uri);
  const Target& target = order.target;
  if (!from || !to || !text::sane(target.request_uri)) return fail_later(400, "address can't be sent");
  // Path of the registration: a loose route from us on, and the way goes to its first entry (RFC 3327).
  std::string route;
  for (const auto& hop : target.route) {
    if (!text::sane(hop)) return fail_later(400, "route can't be sent");
    route.append(route.empty() ? "<" : ", <").append(hop).append(">");
  }
  const std::string& towards = !hop_.empty()             ? hop_
                               : !target.route.empty()   ? target.route.front()
                               : target.next_hop.empty() ? target.request_uri
                                                         : target.next_hop;
  contact_ = host_.contact_towards(towards);
  if (contact_ == nullptr) return fail_later(503, "no port of ours reaches " + towards);
  if (route.empty()) flow_ = target.next_hop;
  const std::string& way = hop_.empty() ? flow_ : hop_;
  const bool named = text::sane(order.call_id);
  dialog_.reset(nta_leg_tcreate(host_.agent(), &SipLeg::on_request, this, SIPTAG_FROM_STR(from->c_str()),
                                SIPTAG_TO_STR(to->c_str()), TAG_IF(named, SIPTAG_CALL_ID_STR(order.call_id.c_str())),
                                TAG_END()));
  if (!dialog_ || nta_leg_tag(dialog_.get(), nullptr) == nullptr) return fail_later(400, "address can't be sent");

  local_ = *from;
  remote_ = *to;
  const auto& common = host_.headers();
  std::string lines = text::header_lines(order.headers);
  if (text::sane(order.conversation_id))
    lines.append(text::kConversationHeader).append(": ").append(order.conversation_id).append("\r\n");
  const bool timer = order.session_expires_s > 0;
  const std::string expires = text::session_expires(order.session_expires_s, SessionTimer::Refresher::Unspecified);
  const std::string min_se = std::to_string(order.min_se_s);
  const std::string hops = std::to_string(order.max_forwards);
  invite_out_.reset(nta_outgoing_tcreate(
      dialog_.get(), &SipLeg::on_invite_response, this, way.empty() ? nullptr : sofia::url(way.c_str()),
      SIP_METHOD_INVITE, sofia::url(target.request_uri.c_str()), SIPTAG_CONTACT(contact_),
      TAG_IF(!route.empty(), SIPTAG_ROUTE_STR(route.c_str())), SIPTAG_MAX_FORWARDS_STR(hops.c_str()),
      SIPTAG_USER_AGENT(common.user_agent), SIPTAG_ALLOW(common.allow), SIPTAG_SUPPORTED(common.supported),
      SIPTAG_ALLOW_EVENTS(common.allow_events), TAG_IF(timer, SIPTAG_SESSION_EXPIRES_STR(expires.c_str())),
      TAG_IF(order.min_se_s > 0, SIPTAG_MIN_SE_STR(min_se.c_str())),
      TAG_IF(!lines.empty(), SIPTAG_HEADER_STR(lines.c_str())),
      TAG_IF(!order.sdp.empty(), SIPTAG_CONTENT_TYPE(common.sdp_type)),
      TAG_IF(!order.sdp.empty(), SIPTAG_PAYLOAD_STR(order.sdp.c_str())), TAG_END()));
  if (!invite_out_) return fail_later(500, "the INVITE could not be made");
  state_ = State::Calling;
  if (named) {
    call_id_ = order.call_id;
  } else if (const sofia::Message sent(nta_outgoing_getrequest(invite_out_.get())); sent) {
    call_id_ = text::view(sip_object(sent.get())->sip_call_id->i_id);
  }
}

void SipLeg::invite_named(const SendInvite& order) {
  named_ = order;
  state_ = State::Resolving;
}

void SipLeg::resolved(std::vector<std::string> hops) {
  if (state_ != State::Resolving) return;
  std::erase_if(hops, [this](const std::string& hop) { return host_.contact_towards(hop) == nullptr; });
  host_.prefer_answering(hops);
  hops_.assign(hops.rbegin(), hops.rend());
  if (!try_next_hop()) fail_later(503, "the name can't be resolved");
}

bool SipLeg::try_next_hop() {
  if (hops_.empty() || !named_) return false;
  SendInvite order = *named_;
  // A named next hop is replaced; a named Request-URI or route stays as it is and is only sent elsewhere.
  hop_ = std::move(hops_.back());
  hops_.pop_back();
  if (!order.target.next_hop.empty()) order.target.next_hop = hop_;
  if (hops_.empty()) named_.reset();
  invite(order);
  if (!hops_.empty() && invite_out_) watch_hop();
  return true;
}

// A place that is silent shouldn't cost the caller the library's half minute while there is another one.
void SipLeg::watch_hop() {
  if (!hop_timer_) hop_timer_ = host_.make_timer();
  if (!hop_timer_) return;
  su_timer_set_interval(
      hop_timer_.get(),
      [](su_root_magic_t*, su_timer_t*, su_timer_arg_t* self) {
        SipLeg& leg = *reinterpret_cast<SipLeg*>(self);
        leg.host_.enter();
        if (leg.state_ != State::Calling || leg.cancelled_ || leg.forgotten_ || leg.hops_.empty()) return;
        nta_outgoing_tcancel(leg.invite_out_.get(), nullptr, nullptr, TAG_END());
        leg.leave_hop();
      },
      reinterpret_cast<su_timer_arg_t*>(this), static_cast<su_duration_t>(host_.settings().next_address.count()));
}

bool SipLeg::leave_hop() {
  host_.hop_failed(hop_);
  if (hops_.empty() || cancelled_ || forgotten_) return false;
  invite_out_.reset();
  dialog_.reset();
  early_tags_.clear();
  return try_next_hop();
}

int SipLeg::on_invite_response(SipLeg* self, nta_outgoing_t*, const sip_t* sip) {
  self->host_.enter();
  const int status = sip != nullptr && sip->sip_status != nullptr ? sip->sip_status->st_status : 408;
  if (self->hop_timer_) su_timer_reset(self->hop_timer_.get());
  if (status < 200) {
    if (!self->cancelled_ && !self->forgotten_ && status > 100) {
      const bool talk = self->early_dialog(sip);
      self->host_.emit(Progressed{self->id_, status, text::sdp(sip), talk});
    }
    return 0;
  }
  self->invite_final(sip, status);
  return 0;
}

void SipLeg::invite_final(const sip_t* sip, int status) {
  if (status < 300) {
    if (const char* early = nta_leg_get_rtag(dialog_.get());
        early != nullptr && text::view(early) != text::view(sip->sip_to->a_tag))
      renew_dialog(sip);
    nta_leg_rtag(dialog_.get(), sip->sip_to->a_tag);
    early_tags_.clear();
    routed_ = sip->sip_record_route != nullptr;
    if (sip->sip_contact != nullptr || routed_)
      nta_leg_client_route(dialog_.get(), sip->sip_record_route, sip->sip_contact);
    if (sip->sip_contact == nullptr) {  // a broken peer: go on with what we called
      sip_contact_t target;
      sip_contact_init(&target);
      *target.m_url = *nta_outgoing_request_uri(invite_out_.get());
      nta_leg_client_reroute(dialog_.get(), nullptr, &target, 0);
    }
    peer_updates_ = text::allows(sip, sip_method_update);
    if (restored_) take_response_way();
    acknowledge();
    invite_out_.reset();
    state_ = State::Confirmed;
    if (cancelled_ || forgotten_) {  // their answer crossed our CANCEL
      send_bye("");
      if (!forgotten_) host_.emit(InviteRejected{id_, 487, "cancelled", {}, 0});
      return;
    }
    const auto asserted = text::asserted(sip);
    host_.emit(InviteAccepted{id_, text::sdp(sip),
                              sip->sip_contact != nullptr ? text::uri(sip->sip_contact->m_url) : std::string(),
                              text::uri(sip->sip_to->a_url), asserted.empty() ? std::string() : asserted.front(),
                              call_id_, text::timer(sip)});
    return;
  }
  // Nobody was reached there, as the library itself says, or a server there says that it can't (RFC 3263 section 4.3).
  const bool internal = sip == nullptr || nta_sip_is_internal(sip);
  if (!hop_.empty() && (status == 503 || (status == 408 && internal)) && leave_hop()) return;
  InviteRejected rejected{id_, status, {}, {}, text::min_se_of(sip)};
  if (sip != nullptr && sip->sip_status != nullptr) rejected.reason = text::view(sip->sip_status->st_phrase);
  if (status < 400 && sip != nullptr)
    for (const sip_contact_t* m = sip->sip_contact; m != nullptr && rejected.contacts.size() < 16; m = m->m_next)
      rejected.contacts.push_back(text::uri(m->m_url));
  invite_out_.reset();
  state_ = State::Ended;
  if (forgotten_) return settle();
  host_.emit(std::move(rejected));
}

// ACK for the 2xx just received. Once given up the library repeats it for each repeated 2xx.
void SipLeg::acknowledge() {
  const nta_outgoing_t* invite = invite_out_ ? invite_out_.get() : reinvite_out_.get();
  sip_cseq_t number;
  sip_cseq_init(&number);
  number.cs_seq = nta_outgoing_cseq(invite);
  number.cs_method = sip_method_ack;
  number.cs_method_name = "ACK";
  const sofia::Outgoing ack(nta_outgoing_tcreate(dialog_.get(), nullptr, nullptr, route(), SIP_METHOD_ACK, nullptr,
                                                 SIPTAG_CSEQ(&number), TAG_END()));
}

void SipLeg::cancel(const std::string& reason) {
  if (state_ == State::Resolving) return fail_later(487, "cancelled");
  if (state_ != State::Calling || cancelled_ || !invite_out_) return;
  cancelled_ = true;
  const std::string value = text::reason_value(reason);
  // Before any provisional response the library keeps it back until one comes (RFC 3261 section 9.1). Of an INVITE of a
  // process before us that may have come already; and its final response may never come here: it counts as 487 at once.
  nta_outgoing_tcancel(invite_out_.get(), nullptr, nullptr, TAG_IF(!value.empty(), SIPTAG_REASON_STR(value.c_str())),
                       TAG_IF(restored_, NTATAG_CANCEL_2543(1)), TAG_END());
}

}  // namespace tandem::connector
