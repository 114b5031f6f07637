// What all legs have in common, and calls that come in.
#include "connector/sip/leg.h"

#include <sofia-sip/su_tag_class.h>

#include "connector/sip/text.h"

namespace tandem::connector {

SipCommonHeaders::SipCommonHeaders(const SipSettings& settings)
    : methods("INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, REFER, INFO, SUBSCRIBE, REGISTER") {
  su_home_t* h = home.get();
  allow = sip_allow_make(h, methods.c_str());
  supported = sip_supported_make(h, "timer, replaces, norefersub");
  accept = sip_accept_make(h, "application/sdp, application/dtmf-relay, application/dtmf");
  info_accept = sip_accept_make(h, "application/dtmf-relay, application/dtmf");
  allow_events = sip_allow_events_make(h, "conference, refer");
  user_agent = sip_user_agent_make(h, settings.user_agent.c_str());
  server = sip_server_make(h, settings.user_agent.c_str());
  sdp_type = sip_content_type_make(h, "application/sdp");
  require_timer = sip_require_make(h, "timer");
}

SipLeg::~SipLeg() {
  close();
}

void SipLeg::close() {
  hop_timer_.reset();
  way_timer_.reset();
  referral_.reset();
  talk_.reset();
  bye_.reset();
  if (reinvite_out_) nta_outgoing_bind(reinvite_out_.get(), nullptr, nullptr);
  reinvite_out_.reset();
  if (invite_out_) nta_outgoing_bind(invite_out_.get(), nullptr, nullptr);
  invite_out_.reset();
  reinvite_in_.reset();
  // Giving it up would answer it. It ends with the agent.
  if (let_be_ && invite_in_ && state_ == State::Offered) {
    nta_incoming_bind(invite_in_.get(), nullptr, nullptr);
    static_cast<void>(invite_in_.release());
  }
  invite_in_.reset();
  ticket_.done();
  dialog_.reset();
  state_ = State::Ended;
}

const url_string_t* SipLeg::route() const {
  return routed_ || flow_.empty() ? nullptr : sofia::url(flow_.c_str());
}

void SipLeg::settle() {
  if (forgotten_ && !invite_in_ && !invite_out_ && !reinvite_out_ && !bye_) host_.retire(id_);
}

void SipLeg::fail_later(int status, std::string reason) {
  state_ = State::Ended;
  if (!forgotten_) host_.emit_later(InviteRejected{id_, status, std::move(reason), {}, 0});
}

bool SipLeg::accept_invite(sofia::Incoming request, const sip_t* sip, Caller peer, const sip_contact_t* contact,
                           std::string flow, SipGate::Ticket ticket) {
  peer_ = std::move(peer);
  contact_ = contact;
  flow_ = std::move(flow);
  ticket_ = std::move(ticket);
  call_id_ = text::view(sip->sip_call_id->i_id);
  local_ = text::name_addr(text::display(sip->sip_to->a_display), text::uri(sip->sip_to->a_url)).value_or("");
  remote_ = text::name_addr(text::display(sip->sip_from->a_display), text::uri(sip->sip_from->a_url)).value_or("");
  incoming_ = true;
  routed_ = sip->sip_record_route != nullptr;
  peer_updates_ = text::allows(sip, sip_method_update);
  // To of the request is our From.
  dialog_.reset(nta_leg_tcreate(host_.agent(), &SipLeg::on_request, this, SIPTAG_CALL_ID(sip->sip_call_id),
                                SIPTAG_FROM(sip->sip_to), SIPTAG_TO(sip->sip_from),
                                NTATAG_REMOTE_CSEQ(sip->sip_cseq->cs_seq), TAG_END()));
  if (!dialog_ || nta_leg_tag(dialog_.get(), nta_incoming_tag(request.get(), nullptr)) == nullptr ||
      nta_leg_server_route(dialog_.get(), sip->sip_record_route, sip->sip_contact) < 0)
    return false;
  invite_in_ = std::move(request);
  nta_incoming_bind(invite_in_.get(), &SipLeg::on_invite_ack, this);
  state_ = State::Offered;
  return true;
}

void SipLeg::answer(const Answer& order) {
  if (state_ != State::Offered) return;
  answer_offered(order.status, order);
}

void SipLeg::answer_offered(int status, const Answer& order) {
  const auto& common = host_.headers();
  const bool dialog = status > 100 && status < 300;
  const bool final_2xx = status >= 200 && status < 300;
  const bool timer = final_2xx && order.timer.expires_s > 0;
  const std::string expires =
      timer ? text::session_expires(order.timer.expires_s, order.timer.refresher) : std::string();
  std::string lines = text::header_lines(order.headers);
  if (status >= 300 && status < 400)
    for (const auto& contact : order.contacts)
      if (text::sane(contact)) lines += "Contact: <" + contact + ">\r\n";
  const std::string min_se = std::to_string(order.timer.min_se_s);
  const int sent = nta_incoming_treply(
      invite_in_.get(), status, text::phrase(order.reason), TAG_IF(dialog, SIPTAG_CONTACT(contact_)),
      TAG_IF(dialog, SIPTAG_ALLOW(common.allow)), TAG_IF(final_2xx, SIPTAG_SUPPORTED(common.supported)),
      TAG_IF(final_2xx, SIPTAG_ALLOW_EVENTS(common.allow_events)), SIPTAG_SERVER(common.server),
      TAG_IF(timer, SIPTAG_SESSION_EXPIRES_STR(expires.c_str())),
      TAG_IF(timer && order.timer.refresher == SessionTimer::Refresher::Uac, SIPTAG_REQUIRE(common.require_timer)),
      TAG_IF(status == 422, SIPTAG_MIN_SE_STR(min_se.c_str())),
      TAG_IF(!lines.empty(), SIPTAG_HEADER_STR(lines.c_str())),
      TAG_IF(!order.sdp.empty(), SIPTAG_CONTENT_TYPE(common.sdp_type)),
      TAG_IF(!order.sdp.empty(), SIPTAG_PAYLOAD_STR(order.sdp.c_str())), TAG_END());
  if (status < 200) return;
  ticket_.answered();
  state_ = final_2xx ? State::Confirmed : State::Ended;
  if (sent < 0 && final_2xx) host_.emit_later(LegLost{id_, "the answer could not be sent"});
}

void SipLeg::refuse_cancelled() {
  nta_incoming_treply(invite_in_.get(), SIP_487_REQUEST_CANCELLED, SIPTAG_SERVER(host_.headers().server), TAG_END());
  ticket_.answered();
  state_ = State::Ended;
}

std::string_view SipLeg::branch() const {
  if (!invite_in_) return {};
  const sofia::Message request(nta_incoming_getrequest(invite_in_.get()));
  const sip_t* const sip = request ? sip_object(request.get()) : nullptr;
  return sip == nullptr || sip->sip_via == nullptr ? std::string_view() : text::view(sip->sip_via->v_branch);
}

bool SipLeg::let_be() {
  if (!waiting() || !invite_in_) return false;
  way_timer_.reset();
  ticket_.done();
  dialog_.reset();
  forgotten_ = let_be_ = true;
  return true;
}

bool SipLeg::is_let_be(const std::string& call_id, std::string_view branch) const {
  return let_be_ && state_ == State::Offered && call_id_ == call_id && this->branch() == branch;
}

void SipLeg::take_cancel(const TakeCancel& order) {
  if (!waiting() || !invite_in_ || branch() != order.branch) return;
  refuse_cancelled();
  host_.emit_later(Cancelled{id_, order.reason});
}

int SipLeg::on_invite_ack(SipLeg* self, nta_incoming_t*, const sip_t* sip) {
  self->host_.enter();
  if (sip != nullptr && sip->sip_request->rq_method == sip_method_cancel) {
    Cancelled cancelled{self->id_, text::reason(sip), std::string(text::view(sip->sip_via->v_branch))};
    self->refuse_cancelled();
    if (self->let_be_) {
      self->host_.emit(CancelStrayed{self->call_id_, std::move(cancelled.branch), std::move(cancelled.reason)});
    } else if (!self->forgotten_) {
      self->host_.emit(std::move(cancelled));
    }
    return 0;
  }
  const bool acknowledged = sip != nullptr;
  std::optional<std::string> sdp;
  if (acknowledged) sdp = text::sdp(sip);
  self->invite_in_.reset();
  self->ticket_.done();
  if (self->state_ == State::Confirmed) {
    if (self->bye_waits_) {
      self->send_bye(*std::exchange(self->bye_waits_, std::nullopt));
    } else if (acknowledged) {
      self->host_.emit(Acked{self->id_, std::move(sdp)});
    } else {
      self->host_.emit(AckMissing{self->id_});
    }
    return 0;
  }
  self->settle();
  return 0;
}

}  // namespace tandem::connector
