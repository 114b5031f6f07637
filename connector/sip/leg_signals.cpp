// Signals in a dialog that aren't about its session: digits by INFO, and the wish that a ringing phone answer.
#include <sofia-sip/su_tag_class.h>

#include <algorithm>

#include "connector/sip/info.h"
#include "connector/sip/leg.h"
#include "connector/sip/text.h"

namespace tandem::connector {

int SipLeg::handle_info(nta_incoming_t* request, const sip_t* sip) {
  const auto& common = host_.headers();
  // No info package is ours (RFC 6086 section 4.2.2); digits come the older way (RFC 2976).
  if (!text::header(sip, "Info-Package").empty()) {
    nta_incoming_treply(request, 469, "Bad Info Package", SIPTAG_SERVER(common.server), SIPTAG_HEADER_STR("Recv-Info:"),
                        TAG_END());
    return 469;
  }
  const sip_payload_t* const body = sip->sip_payload;
  if (body == nullptr || body->pl_len == 0) return reply(request, 200);
  const auto type = sip->sip_content_type == nullptr ? std::string_view() : text::view(sip->sip_content_type->c_type);
  if (!carries_digits(type) || sip->sip_content_encoding != nullptr)
    return reply(request, 415, SIPTAG_ACCEPT(common.info_accept));
  const auto signal = read_signal(type, std::string_view(body->pl_data, body->pl_len));
  if (!signal) {
    nta_incoming_treply(request, 400, "No such signal", SIPTAG_SERVER(common.server), TAG_END());
    return 400;
  }
  reply(request, 200);
  if (signal->digit != 0 && !forgotten_) host_.emit(InfoDigit{id_, signal->digit, signal->duration_ms});
  return 200;
}

// A provisional response with a tag begins an early dialog; one that lists talk is where NOTIFY can go.
bool SipLeg::early_dialog(const sip_t* sip) {
  const char* const tag = sip->sip_to == nullptr ? nullptr : sip->sip_to->a_tag;
  if (tag == nullptr) return false;
  if (early_tags_.size() < 8 && std::find(early_tags_.begin(), early_tags_.end(), tag) == early_tags_.end())
    early_tags_.emplace_back(tag);
  if (!text::lists(sip->sip_allow_events, "talk") || sip->sip_contact == nullptr) return false;
  if (nta_leg_get_rtag(dialog_.get()) == nullptr) {
    nta_leg_rtag(dialog_.get(), tag);
    nta_leg_client_route(dialog_.get(), sip->sip_record_route, sip->sip_contact);
    routed_ = sip->sip_record_route != nullptr;
  }
  return text::view(nta_leg_get_rtag(dialog_.get())) == tag;
}

// The 2xx came from another branch of a fork than the early dialog that the leg had taken for its own.
bool SipLeg::renew_dialog(const sip_t* sip) {
  const sofia::Message sent(nta_outgoing_getrequest(invite_out_.get()));
  if (!sent) return false;
  const sip_t* const request = sip_object(sent.get());
  const std::string number = std::to_string(nta_leg_get_seq(dialog_.get())) + " INVITE";
  sofia::DialogLeg fresh(nta_leg_tcreate(host_.agent(), &SipLeg::on_request, this, SIPTAG_CALL_ID(request->sip_call_id),
                                         SIPTAG_FROM(request->sip_from), SIPTAG_TO(request->sip_to),
                                         SIPTAG_CSEQ_STR(number.c_str()), TAG_END()));
  if (!fresh || nta_leg_rtag(fresh.get(), sip->sip_to->a_tag) == nullptr) return false;
  dialog_ = std::move(fresh);
  return true;
}

void SipLeg::talk() {
  if (state_ != State::Calling || cancelled_ || talk_ || nta_leg_get_rtag(dialog_.get()) == nullptr)
    return host_.emit_later(TalkRefused{id_, 0});
  talk_.reset(nta_outgoing_tcreate(dialog_.get(), &SipLeg::on_talk_response, this, route(), SIP_METHOD_NOTIFY, nullptr,
                                   SIPTAG_CONTACT(contact_), SIPTAG_USER_AGENT(host_.headers().user_agent),
                                   SIPTAG_EVENT_STR("talk"), SIPTAG_SUBSCRIPTION_STATE_STR("active"), TAG_END()));
  if (!talk_) host_.emit_later(TalkRefused{id_, 500});
}

int SipLeg::on_talk_response(SipLeg* self, nta_outgoing_t*, const sip_t* sip) {
  self->host_.enter();
  const int status = sip != nullptr && sip->sip_status != nullptr ? sip->sip_status->st_status : 408;
  if (status < 200) return 0;
  self->talk_.reset();
  if (status >= 300 && self->state_ == State::Calling && !self->forgotten_)
    self->host_.emit(TalkRefused{self->id_, status});
  return 0;
}

}  // namespace tandem::connector
