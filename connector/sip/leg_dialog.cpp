// Inside a dialog, both ways: BYE, re-INVITE, UPDATE.
#include "connector/sip/leg.h"

#include <sofia-sip/su_tag_class.h>

#include "connector/sip/text.h"

namespace tandem::connector {

void SipLeg::bye(const std::string& reason) {
  switch (state_) {
    case State::Resolving:
    case State::Calling:
      return cancel(reason);
    case State::Offered:
      return answer_offered(480, Answer{id_, 480, {}, {}, {}, {}, {}});
    case State::Confirmed:
      if (invite_in_) {
        bye_waits_ = reason;
      } else {
        send_bye(reason);
      }
      return;
    case State::Idle:
    case State::Closing:
    case State::Ended:
      return;
  }
}

void SipLeg::send_bye(const std::string& reason) {
  const std::string value = text::reason_value(reason);
  reinvite_in_.reset();
  referral_.reset();
  state_ = State::Closing;
  bye_.reset(nta_outgoing_tcreate(dialog_.get(), &SipLeg::on_bye_response, this, route(), SIP_METHOD_BYE, nullptr,
                                  SIPTAG_USER_AGENT(host_.headers().user_agent),
                                  TAG_IF(!value.empty(), SIPTAG_REASON_STR(value.c_str())), TAG_END()));
  if (!bye_) {
    state_ = State::Ended;
    settle();
  }
}

int SipLeg::on_bye_response(SipLeg* self, nta_outgoing_t*, const sip_t* sip) {
  self->host_.enter();
  if (sip != nullptr && sip->sip_status != nullptr && sip->sip_status->st_status < 200) return 0;
  self->bye_.reset();
  self->state_ = State::Ended;
  self->settle();
  return 0;
}

void SipLeg::forget() {
  forgotten_ = true;
  bye({});  // whatever is still up is ended
  settle();
}

int SipLeg::reply(nta_incoming_t* request, int status, tag_type_t tag, tag_value_t value) {
  const auto& common = host_.headers();
  nta_incoming_treply(request, status, nullptr, SIPTAG_SERVER(common.server), SIPTAG_ALLOW(common.allow),
                      tag == tag_null ? tag_skip : tag, value, TAG_END());
  return status;
}

int SipLeg::on_request(SipLeg* self, nta_leg_t*, nta_incoming_t* request, const sip_t* sip) {
  self->host_.enter();
  const auto method = sip->sip_request->rq_method;
  const auto& common = self->host_.headers();
  switch (method) {
    case sip_method_ack:
      return 200;  // a late one; nothing is sent for it
    case sip_method_bye:
      return self->handle_bye(request, sip);
    case sip_method_cancel:
      return self->reply(request, 481);
    default:
      break;
  }
  if (self->state_ == State::Closing || self->state_ == State::Ended) return self->reply(request, 481);
  if (const auto unknown = text::unsupported(sip); !unknown.empty())
    return self->reply(request, 420, SIPTAG_UNSUPPORTED_STR(unknown.c_str()));
  switch (method) {
    case sip_method_invite:
      return self->handle_reinvite(request, sip, false);
    case sip_method_update:
      return self->handle_reinvite(request, sip, true);
    case sip_method_refer:
      return self->handle_refer(request, sip);
    case sip_method_info:
      return self->handle_info(request, sip);
    case sip_method_options:
      return self->reply(request, 200, SIPTAG_ACCEPT(common.accept));
    case sip_method_subscribe:  // conferences are subscribed to on their own (RFC 6665 section 4.5.2)
      return self->reply(request, 403);
    case sip_method_unknown:
      return self->reply(request, 501);
    default:
      return self->reply(request, 405);
  }
}

int SipLeg::handle_bye(nta_incoming_t* request, const sip_t* sip) {
  if (state_ == State::Calling) return reply(request, 481);
  std::string why = text::reason(sip);
  nta_incoming_treply(request, SIP_200_OK, SIPTAG_SERVER(host_.headers().server), TAG_END());
  if (state_ == State::Closing || state_ == State::Ended) return 200;
  const bool offered = state_ == State::Offered;
  if (offered) {
    nta_incoming_treply(invite_in_.get(), SIP_487_REQUEST_CANCELLED, TAG_END());
    ticket_.answered();
  } else {
    invite_in_.reset();
    ticket_.done();
  }
  if (reinvite_in_) nta_incoming_treply(reinvite_in_.get(), SIP_487_REQUEST_CANCELLED, TAG_END());
  reinvite_in_.reset();
  referral_.reset();
  bye_waits_.reset();
  state_ = State::Ended;
  if (forgotten_) {
    settle();
  } else if (offered) {
    host_.emit(Cancelled{id_, std::move(why)});
  } else {
    host_.emit(ByeReceived{id_, std::move(why)});
  }
  return 200;
}

int SipLeg::handle_reinvite(nta_incoming_t* request, const sip_t* sip, bool update) {
  auto sdp = text::sdp(sip);
  if (reinvite_in_ && nta_incoming_status(reinvite_in_.get()) >= 200) reinvite_in_.reset();  // its ACK was lost
  if (state_ != State::Confirmed || reinvite_in_) {
    // An offer while another one is open in the same direction (RFC 3261 section 14.2, RFC 3311 section 5.2).
    if (update && !sdp && state_ != State::Confirmed) return reply(request, 200, SIPTAG_CONTACT(contact_));
    return reply(request, 500, SIPTAG_RETRY_AFTER_STR("2"));
  }
  const bool offering = reinvite_out_ && !reinvite_is_update_;
  if ((offering && (!update || sdp)) || (invite_in_ && !update)) return reply(request, 491);
  const SessionTimer timer = text::timer(sip);
  if (sip->sip_contact != nullptr) nta_leg_server_route(dialog_.get(), sip->sip_record_route, sip->sip_contact);
  reinvite_in_.reset(request);
  reinvite_update_in_ = update;
  nta_incoming_bind(request, &SipLeg::on_reinvite_ack, this);
  std::string who;
  if (const auto asserted = text::asserted(sip); !asserted.empty() && host_.admission().believed(host_.origin(request)))
    who = asserted.front();
  host_.emit(Reinvited{id_, std::move(sdp), timer, update, std::move(who)});
  return 0;
}

void SipLeg::answer_reinvite(const AnswerReinvite& order) {
  if (!reinvite_in_ || nta_incoming_status(reinvite_in_.get()) >= 200) return;
  const auto& common = host_.headers();
  const bool good = order.status < 300;
  const bool timer = good && order.timer.expires_s > 0;
  const std::string expires =
      timer ? text::session_expires(order.timer.expires_s, order.timer.refresher) : std::string();
  const std::string retry = std::to_string(order.retry_after_s);
  const std::string min_se = std::to_string(order.timer.min_se_s);
  nta_incoming_treply(
      reinvite_in_.get(), order.status, nullptr, TAG_IF(good, SIPTAG_CONTACT(contact_)), SIPTAG_SERVER(common.server),
      SIPTAG_ALLOW(common.allow), TAG_IF(good, SIPTAG_SUPPORTED(common.supported)),
      TAG_IF(timer, SIPTAG_SESSION_EXPIRES_STR(expires.c_str())),
      TAG_IF(timer && order.timer.refresher == SessionTimer::Refresher::Uac, SIPTAG_REQUIRE(common.require_timer)),
      TAG_IF(order.status == 422, SIPTAG_MIN_SE_STR(min_se.c_str())),
      TAG_IF(order.retry_after_s > 0, SIPTAG_RETRY_AFTER_STR(retry.c_str())),
      TAG_IF(!order.sdp.empty(), SIPTAG_CONTENT_TYPE(common.sdp_type)),
      TAG_IF(!order.sdp.empty(), SIPTAG_PAYLOAD_STR(order.sdp.c_str())), TAG_END());
  if (reinvite_update_in_ || !good) reinvite_in_.reset();  // only a 2xx to an INVITE waits for its ACK
}

int SipLeg::on_reinvite_ack(SipLeg* self, nta_incoming_t* request, const sip_t* sip) {
  self->host_.enter();
  if (sip != nullptr && sip->sip_request->rq_method == sip_method_cancel) {
    nta_incoming_treply(request, SIP_487_REQUEST_CANCELLED, TAG_END());
    self->reinvite_in_.reset();
    return 0;
  }
  std::optional<std::string> sdp;
  if (sip != nullptr) sdp = text::sdp(sip);
  self->reinvite_in_.reset();
  if (self->state_ != State::Confirmed || self->forgotten_) return 0;
  if (sip != nullptr) {
    self->host_.emit(Acked{self->id_, std::move(sdp)});
  } else {
    self->host_.emit(AckMissing{self->id_});
  }
  return 0;
}

void SipLeg::reinvite(const SendReinvite& order) {
  const bool update = order.sdp.empty();
  if (state_ != State::Confirmed) return host_.emit_later(ReinviteRejected{id_, 481, 0, 0});
  // Without an offer only UPDATE will do; an INVITE would make the peer offer.
  if (update && !peer_updates_) return host_.emit_later(ReinviteRejected{id_, 405, 0, 0});
  const bool answering = reinvite_in_ && nta_incoming_status(reinvite_in_.get()) < 200;
  if (reinvite_out_ || answering || invite_in_) return host_.emit_later(ReinviteRejected{id_, 491, 0, 0});
  if (order.overtake) overtake();
  const auto& common = host_.headers();
  const std::string expires =
      order.session_expires_s > 0 ? text::session_expires(order.session_expires_s, order.refresher) : std::string();
  const std::string min_se = std::to_string(order.min_se_s);
  const sip_method_t method = update ? sip_method_update : sip_method_invite;
  reinvite_is_update_ = update;
  reinvite_out_.reset(nta_outgoing_tcreate(
      dialog_.get(), &SipLeg::on_reinvite_response, this, route(), method, update ? "UPDATE" : "INVITE", nullptr,
      SIPTAG_CONTACT(contact_), SIPTAG_USER_AGENT(common.user_agent), SIPTAG_ALLOW(common.allow),
      SIPTAG_SUPPORTED(common.supported), TAG_IF(!expires.empty(), SIPTAG_SESSION_EXPIRES_STR(expires.c_str())),
      TAG_IF(order.min_se_s > 0, SIPTAG_MIN_SE_STR(min_se.c_str())),
      TAG_IF(!order.sdp.empty(), SIPTAG_CONTENT_TYPE(common.sdp_type)),
      TAG_IF(!order.sdp.empty(), SIPTAG_PAYLOAD_STR(order.sdp.c_str())), TAG_END()));
  if (!reinvite_out_) host_.emit_later(ReinviteRejected{id_, 500, 0, 0});
}

int SipLeg::on_reinvite_response(SipLeg* self, nta_outgoing_t*, const sip_t* sip) {
  self->host_.enter();
  const int status = sip != nullptr && sip->sip_status != nullptr ? sip->sip_status->st_status : 408;
  if (status < 200) return 0;
  const bool up = self->state_ == State::Confirmed && !self->forgotten_;
  if (status < 300) {
    if (sip->sip_contact != nullptr) nta_leg_client_reroute(self->dialog_.get(), nullptr, sip->sip_contact, 0);
    if (!self->reinvite_is_update_) self->acknowledge();
    auto sdp = text::sdp(sip);
    const auto timer = text::timer(sip);
    self->reinvite_out_.reset();
    if (up) {
      self->host_.emit(ReinviteAccepted{self->id_, std::move(sdp), timer});
    } else {
      self->settle();
    }
    return 0;
  }
  const auto retry = sip != nullptr && sip->sip_retry_after != nullptr
                         ? static_cast<std::uint32_t>(std::min<unsigned long>(sip->sip_retry_after->af_delta, 86400))
                         : 0u;
  const auto min_se = text::min_se_of(sip);
  self->reinvite_out_.reset();
  if (up) {
    self->host_.emit(ReinviteRejected{self->id_, status, retry, min_se});
  } else {
    self->settle();
  }
  return 0;
}

}  // namespace tandem::connector
