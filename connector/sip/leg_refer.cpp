// A phone asks us to call somebody in its place: REFER, its answer, and the NOTIFYs that tell what came of it.
#include <sofia-sip/su_tag_class.h>

#include <algorithm>

#include "connector/sip/leg.h"
#include "connector/sip/refer.h"
#include "connector/sip/text.h"

namespace tandem::connector {

namespace {

// What the phone may wait for; the T-Server's own deadlines are far shorter.
constexpr char kActive[] = "active;expires=180";
constexpr char kOver[] = "terminated;reason=noresource";

}  // namespace

bool SipLeg::is(const DialogName& name) const {
  if (!dialog_ || name.call_id != call_id_ || name.our_tag != text::view(nta_leg_get_tag(dialog_.get()))) return false;
  return name.their_tag == text::view(nta_leg_get_rtag(dialog_.get())) ||
         std::find(early_tags_.begin(), early_tags_.end(), name.their_tag) != early_tags_.end();
}

SipLeg* SipLeg::of(const nta_leg_t* dialog) {
  return dialog == nullptr ? nullptr : nta_leg_magic(dialog, &SipLeg::on_request);
}

int SipLeg::handle_refer(nta_incoming_t* request, const sip_t* sip) {
  if (state_ != State::Confirmed || forgotten_) return reply(request, 403);
  if (referral_) return reply(request, 491);  // the core follows one at a time
  const ReferRequest wanted = read_refer(sip);
  if (wanted.refusal != 0) {
    nta_incoming_treply(request, wanted.refusal, text::phrase(wanted.why), SIPTAG_SERVER(host_.headers().server),
                        TAG_END());
    return wanted.refusal;
  }
  RequestFacts facts = text::facts(sip, host_.origin(request));
  facts.request_uri = wanted.to;
  Admission& admission = host_.admission();
  ReferAsked asked;
  asked.leg = id_;
  asked.refer_to = admission.called(facts);
  asked.referred_by = wanted.by;
  if (wanted.attended) {
    SipLeg* const other = wanted.call ? host_.named(*wanted.call) : nullptr;
    if (other != nullptr && other != this && other->up()) {
      asked.replaces = other->id_;
    } else {
      asked.replaces_unknown = true;
    }
  } else if (const auto no = admission.referred(peer_, asked.refer_to)) {
    const std::string lines = text::header_lines(no->headers);
    nta_incoming_treply(request, no->status, text::phrase(no->reason), SIPTAG_SERVER(host_.headers().server),
                        TAG_IF(!lines.empty(), SIPTAG_HEADER_STR(lines.c_str())), TAG_END());
    return no->status;
  }
  Referral& referral = referral_.emplace();
  referral.request.reset(request);
  nta_incoming_bind(request, nullptr, nullptr);
  referral.silent = wanted.silent;
  // One that isn't the dialog's first has to be told apart (RFC 3515 section 2.4.6).
  referral.event = referred_before_ ? "refer;id=" + std::to_string(sip->sip_cseq->cs_seq) : "refer";
  referred_before_ = true;
  host_.emit(std::move(asked));
  return 0;
}

void SipLeg::answer_refer(const AnswerRefer& order) {
  if (!referral_ || !referral_->request || order.status < 200) return;
  const auto& common = host_.headers();
  nta_incoming_treply(referral_->request.get(), order.status, text::phrase(order.reason), SIPTAG_SERVER(common.server),
                      SIPTAG_CONTACT(contact_), SIPTAG_ALLOW(common.allow), SIPTAG_SUPPORTED(common.supported),
                      TAG_IF(referral_->silent, SIPTAG_HEADER_STR("Refer-Sub: false")), TAG_END());
  referral_->request.reset();
  if (order.status >= 300) {
    referral_.reset();
  } else {
    tell_referral(100, {});  // at once, whatever there is to tell (RFC 3515 section 2.4.4)
  }
}

void SipLeg::notify_refer(const NotifyRefer& order) {
  if (!referral_ || referral_->request) return;
  if (order.status < 200 && order.status <= referral_->told) return;
  tell_referral(order.status, order.reason);
}

void SipLeg::tell_referral(int status, const std::string& reason) {
  const bool final = status >= 200;
  if (referral_->silent || state_ != State::Confirmed) {
    if (final) referral_.reset();
    return;
  }
  if (referral_->notify) {  // one after the other: what came last counts
    referral_->next_status = status;
    referral_->next_reason = reason;
    return;
  }
  referral_->told = status;
  const std::string body = sipfrag(status, reason);
  referral_->notify.reset(nta_outgoing_tcreate(
      dialog_.get(), &SipLeg::on_notify_response, this, route(), SIP_METHOD_NOTIFY, nullptr, SIPTAG_CONTACT(contact_),
      SIPTAG_USER_AGENT(host_.headers().user_agent), SIPTAG_EVENT_STR(referral_->event.c_str()),
      SIPTAG_SUBSCRIPTION_STATE_STR(final ? kOver : kActive), SIPTAG_CONTENT_TYPE_STR("message/sipfrag;version=2.0"),
      SIPTAG_PAYLOAD_STR(body.c_str()), TAG_END()));
  if (final || !referral_->notify)
    referral_.reset();  // the library repeats the last one by itself until it is answered
}

int SipLeg::on_notify_response(SipLeg* self, nta_outgoing_t*, const sip_t* sip) {
  self->host_.enter();
  const int status = sip != nullptr && sip->sip_status != nullptr ? sip->sip_status->st_status : 408;
  if (status < 200 || !self->referral_) return 0;
  self->referral_->notify.reset();
  if (status >= 300) {  // the phone has ended the subscription
    self->referral_->silent = true;
    return 0;
  }
  if (const int next = std::exchange(self->referral_->next_status, 0))
    self->tell_referral(next, std::exchange(self->referral_->next_reason, {}));
  return 0;
}

}  // namespace tandem::connector
