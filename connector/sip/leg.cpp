#include "connector/sip/leg.h"

#include <sofia-sip/su_tag_class.h>

#include "connector/sip/text.h"

namespace tandem::connector {

namespace {

// Value of Session-Expires as we send it.
std::string session_expires_value(std::uint32_t seconds, SessionTimer::Refresher refresher) {
  std::string out = std::to_string(seconds);
  if (refresher == SessionTimer::Refresher::Uac) out += ";refresher=uac";
  if (refresher == SessionTimer::Refresher::Uas) out += ";refresher=uas";
  return out;
}

std::uint32_t min_se_of(const sip_t* sip) {
  return sip == nullptr || sip->sip_min_se == nullptr
             ? 0u
             : static_cast<std::uint32_t>(std::min<unsigned long>(sip->sip_min_se->min_delta, 0xffffffffUL));
}

const char* phrase_or_null(const std::string& reason) {
  return reason.empty() || reason.find_first_of("\r\n") != std::string::npos ? nullptr : reason.c_str();
}

}  // namespace

SipCommonHeaders::SipCommonHeaders(const SipSettings& settings)
    : methods("INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, REGISTER") {
  su_home_t* h = home.get();
  allow = sip_allow_make(h, methods.c_str());
  supported = sip_supported_make(h, "timer");
  accept = sip_accept_make(h, "application/sdp");
  user_agent = sip_user_agent_make(h, settings.user_agent.c_str());
  server = sip_server_make(h, settings.user_agent.c_str());
  sdp_type = sip_content_type_make(h, "application/sdp");
  require_timer = sip_require_make(h, "timer");
}

SipLeg::~SipLeg() {
  close();
}

void SipLeg::close() {
  bye_.reset();
  if (reinvite_out_) nta_outgoing_bind(reinvite_out_.get(), nullptr, nullptr);
  reinvite_out_.reset();
  if (invite_out_) nta_outgoing_bind(invite_out_.get(), nullptr, nullptr);
  invite_out_.reset();
  reinvite_in_.reset();
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

// --- their INVITE ---

bool SipLeg::accept_invite(sofia::Incoming request, const sip_t* sip, const sip_contact_t* contact, std::string flow,
                           SipGate::Ticket ticket) {
  contact_ = contact;
  flow_ = std::move(flow);
  ticket_ = std::move(ticket);
  call_id_ = text::view(sip->sip_call_id->i_id);
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
      timer ? session_expires_value(order.timer.expires_s, order.timer.refresher) : std::string();
  std::string lines = text::header_lines(order.headers);
  if (status >= 300 && status < 400)
    for (const auto& contact : order.contacts)
      if (text::sane(contact)) lines += "Contact: <" + contact + ">\r\n";
  const std::string min_se = std::to_string(order.timer.min_se_s);
  const int sent = nta_incoming_treply(
      invite_in_.get(), status, phrase_or_null(order.reason), TAG_IF(dialog, SIPTAG_CONTACT(contact_)),
      TAG_IF(dialog, SIPTAG_ALLOW(common.allow)), TAG_IF(final_2xx, SIPTAG_SUPPORTED(common.supported)),
      SIPTAG_SERVER(common.server), TAG_IF(timer, SIPTAG_SESSION_EXPIRES_STR(expires.c_str())),
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

int SipLeg::on_invite_ack(SipLeg* self, nta_incoming_t*, const sip_t* sip) {
  self->host_.enter();
  if (sip != nullptr && sip->sip_request->rq_method == sip_method_cancel) {
    std::string why = text::reason(sip);
    nta_incoming_treply(self->invite_in_.get(), SIP_487_REQUEST_CANCELLED, SIPTAG_SERVER(self->host_.headers().server),
                        TAG_END());
    self->ticket_.answered();
    self->state_ = State::Ended;
    if (!self->forgotten_) self->host_.emit(Cancelled{self->id_, std::move(why)});
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

// --- our INVITE ---

void SipLeg::invite(const SendInvite& order) {
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

  const auto& common = host_.headers();
  std::string lines = text::header_lines(order.headers);
  if (text::sane(order.conversation_id))
    lines.append(text::kConversationHeader).append(": ").append(order.conversation_id).append("\r\n");
  const bool timer = order.session_expires_s > 0;
  const std::string expires = session_expires_value(order.session_expires_s, SessionTimer::Refresher::Unspecified);
  const std::string min_se = std::to_string(order.min_se_s);
  const std::string hops = std::to_string(order.max_forwards);
  invite_out_.reset(nta_outgoing_tcreate(
      dialog_.get(), &SipLeg::on_invite_response, this, way.empty() ? nullptr : sofia::url(way.c_str()),
      SIP_METHOD_INVITE, sofia::url(target.request_uri.c_str()), SIPTAG_CONTACT(contact_),
      TAG_IF(!route.empty(), SIPTAG_ROUTE_STR(route.c_str())), SIPTAG_MAX_FORWARDS_STR(hops.c_str()),
      SIPTAG_USER_AGENT(common.user_agent), SIPTAG_ALLOW(common.allow), SIPTAG_SUPPORTED(common.supported),
      TAG_IF(timer, SIPTAG_SESSION_EXPIRES_STR(expires.c_str())),
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
  return true;
}

int SipLeg::on_invite_response(SipLeg* self, nta_outgoing_t*, const sip_t* sip) {
  self->host_.enter();
  const int status = sip != nullptr && sip->sip_status != nullptr ? sip->sip_status->st_status : 408;
  if (status < 200) {
    if (!self->cancelled_ && !self->forgotten_ && status > 100)
      self->host_.emit(Progressed{self->id_, status, text::sdp(sip)});
    return 0;
  }
  self->invite_final(sip, status);
  return 0;
}

void SipLeg::invite_final(const sip_t* sip, int status) {
  if (status < 300) {
    nta_leg_rtag(dialog_.get(), sip->sip_to->a_tag);
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
  // The library itself says so: nobody was reached there.
  if ((status == 503 || status == 408) && (sip == nullptr || nta_sip_is_internal(sip)) && !hops_.empty() &&
      !cancelled_ && !forgotten_) {
    invite_out_.reset();
    dialog_.reset();
    try_next_hop();
    return;
  }
  InviteRejected rejected{id_, status, {}, {}, min_se_of(sip)};
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
  // Before any provisional response the library keeps it back until one comes (RFC 3261 section 9.1).
  nta_outgoing_tcancel(invite_out_.get(), nullptr, nullptr, TAG_IF(!value.empty(), SIPTAG_REASON_STR(value.c_str())),
                       TAG_END());
}

// --- in the dialog ---

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
    case sip_method_options:
      return self->reply(request, 200, SIPTAG_ACCEPT(common.accept));
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
  host_.emit(Reinvited{id_, std::move(sdp), timer, update});
  return 0;
}

void SipLeg::answer_reinvite(const AnswerReinvite& order) {
  if (!reinvite_in_ || nta_incoming_status(reinvite_in_.get()) >= 200) return;
  const auto& common = host_.headers();
  const bool good = order.status < 300;
  const bool timer = good && order.timer.expires_s > 0;
  const std::string expires =
      timer ? session_expires_value(order.timer.expires_s, order.timer.refresher) : std::string();
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
  const auto& common = host_.headers();
  const std::string expires =
      order.session_expires_s > 0 ? session_expires_value(order.session_expires_s, order.refresher) : std::string();
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
  const auto min_se = min_se_of(sip);
  self->reinvite_out_.reset();
  if (up) {
    self->host_.emit(ReinviteRejected{self->id_, status, retry, min_se});
  } else {
    self->settle();
  }
  return 0;
}

}  // namespace tandem::connector
