#include "connector/sip/subscriptions.h"

#include <sofia-sip/su_tag_class.h>

#include <algorithm>

#include "connector/sip/text.h"

namespace tandem::connector {

namespace {

constexpr char kPackage[] = "conference";
constexpr char kBody[] = "application/conference-info+xml";
constexpr std::uint32_t kShortest = 60;
constexpr std::uint32_t kLongest = 3600;  // and what is given to who asks for none
constexpr std::chrono::seconds kUnanswered{10};

std::uint32_t expires_of(const sip_t* sip) {
  return sip->sip_expires == nullptr
             ? kLongest
             : static_cast<std::uint32_t>(std::min<unsigned long>(sip->sip_expires->ex_delta, kLongest));
}

bool ours(const sip_event_t* event) {
  return event != nullptr && strcasecmp(text::view(event->o_type).data(), kPackage) == 0;
}

bool takes_body(const sip_accept_t* accept) {
  if (accept == nullptr) return true;  // the package's own type is meant (RFC 6665 section 7.2)
  for (; accept != nullptr; accept = accept->ac_next) {
    const auto type = text::view(accept->ac_type);
    if (type == kBody || type == "*/*" || type == "application/*") return true;
  }
  return false;
}

}  // namespace

// One subscription. The library's callbacks are typed for calls; it only hands the pointer back.
class SipSubscription {
 public:
  SipSubscription(SipSubscriptions& all, SubscriptionId id, std::string source)
      : all_(all), id_(id), source_(std::move(source)) {}
  ~SipSubscription() {
    request_.reset();
    notify_.reset();
    dialog_.reset();
  }
  SipSubscription(const SipSubscription&) = delete;
  SipSubscription& operator=(const SipSubscription&) = delete;

  bool begin(sofia::Incoming request, const sip_t* sip, std::string uri, std::string subscriber,
             const sip_contact_t* contact, std::string flow);
  void answer(int status);
  void notify(const std::string& body, bool over);
  bool due(Instant now) const { return now >= until_; }
  void expire();
  void finish(const char* why);  // the last NOTIFY, then it is gone
  void bury() { buried_ = true; }
  const std::string& source() const { return source_; }
  ConferenceSubscribed told() const { return ConferenceSubscribed{id_, uri_, subscriber_}; }

 private:
  static SipSubscription* self(SipLeg* pointer) { return reinterpret_cast<SipSubscription*>(pointer); }
  SipLeg* magic() { return reinterpret_cast<SipLeg*>(this); }
  static int on_request(SipLeg* pointer, nta_leg_t*, nta_incoming_t* request, const sip_t* sip) {
    return self(pointer)->handle(request, sip);
  }
  static int on_response(SipLeg* pointer, nta_outgoing_t*, const sip_t* sip) { return self(pointer)->notified(sip); }
  int handle(nta_incoming_t* request, const sip_t* sip);
  int notified(const sip_t* sip);
  void grant(nta_incoming_t* request, std::uint32_t expires);
  void send(const std::string& body, const std::string& state);
  Instant now() const { return all_.loop_.now().steady; }

  SipSubscriptions& all_;
  SubscriptionId id_;
  std::string source_, uri_, subscriber_, event_, flow_;
  bool routed_ = false;
  bool fetch_ = false;  // Expires: 0, the state once
  const sip_contact_t* contact_ = nullptr;
  bool buried_ = false;  // ended; kept until no callback of it can be under way
  sofia::DialogLeg dialog_;
  sofia::Incoming request_;  // until the core has answered
  sofia::Outgoing notify_;
  std::optional<std::string> next_;  // body to be sent once `notify_` is answered
  std::string last_;                 // body told last
  std::uint32_t expires_ = 0;
  Instant until_{};
};

bool SipSubscription::begin(sofia::Incoming request, const sip_t* sip, std::string uri, std::string subscriber,
                            const sip_contact_t* contact, std::string flow) {
  uri_ = std::move(uri);
  subscriber_ = std::move(subscriber);
  contact_ = contact;
  flow_ = std::move(flow);
  routed_ = sip->sip_record_route != nullptr;
  expires_ = expires_of(sip);
  fetch_ = expires_ == 0;
  until_ = now() + kUnanswered;
  event_ = kPackage;
  if (sip->sip_event->o_id != nullptr) event_.append(";id=").append(sip->sip_event->o_id);
  dialog_.reset(nta_leg_tcreate(all_.host_.agent(), &SipSubscription::on_request, magic(),
                                SIPTAG_CALL_ID(sip->sip_call_id), SIPTAG_FROM(sip->sip_to), SIPTAG_TO(sip->sip_from),
                                NTATAG_REMOTE_CSEQ(sip->sip_cseq->cs_seq), TAG_END()));
  if (!dialog_ || nta_leg_tag(dialog_.get(), nta_incoming_tag(request.get(), nullptr)) == nullptr ||
      nta_leg_server_route(dialog_.get(), sip->sip_record_route, sip->sip_contact) < 0)
    return false;
  request_ = std::move(request);
  nta_incoming_bind(request_.get(), nullptr, nullptr);
  return true;
}

void SipSubscription::grant(nta_incoming_t* request, std::uint32_t expires) {
  const auto& common = all_.host_.headers();
  const std::string seconds = std::to_string(expires);
  nta_incoming_treply(request, SIP_200_OK, SIPTAG_CONTACT(contact_), SIPTAG_SERVER(common.server),
                      SIPTAG_EXPIRES_STR(seconds.c_str()), SIPTAG_ALLOW(common.allow),
                      SIPTAG_ALLOW_EVENTS(common.allow_events), SIPTAG_SUPPORTED(common.supported), TAG_END());
}

void SipSubscription::answer(int status) {
  if (!request_ || status < 200) return;
  if (status >= 300) {
    nta_incoming_treply(request_.get(), status, nullptr, SIPTAG_SERVER(all_.host_.headers().server), TAG_END());
    return all_.end(id_);
  }
  grant(request_.get(), expires_);
  request_.reset();
  until_ = now() + (fetch_ ? kUnanswered : std::chrono::seconds(expires_));
}

void SipSubscription::notify(const std::string& body, bool over) {
  if (request_) return;
  last_ = body;
  if (over) return finish("noresource");
  if (fetch_) {
    const ConferenceUnsubscribed gone{id_};
    SipLegHost& host = all_.host_;
    finish("timeout");
    return host.emit_later(gone);
  }
  if (notify_) {
    next_ = body;  // each says it all
    return;
  }
  const auto left = std::chrono::duration_cast<std::chrono::seconds>(until_ - now()).count();
  send(body, "active;expires=" + std::to_string(std::max<long>(left, 0)));
}

void SipSubscription::send(const std::string& body, const std::string& state) {
  const url_string_t* const route = routed_ || flow_.empty() ? nullptr : sofia::url(flow_.c_str());
  notify_.reset(nta_outgoing_tcreate(
      dialog_.get(), &SipSubscription::on_response, magic(), route, SIP_METHOD_NOTIFY, nullptr,
      SIPTAG_CONTACT(contact_), SIPTAG_USER_AGENT(all_.host_.headers().user_agent), SIPTAG_EVENT_STR(event_.c_str()),
      SIPTAG_SUBSCRIPTION_STATE_STR(state.c_str()), TAG_IF(!body.empty(), SIPTAG_CONTENT_TYPE_STR(kBody)),
      TAG_IF(!body.empty(), SIPTAG_PAYLOAD_STR(body.c_str())), TAG_END()));
}

void SipSubscription::finish(const char* why) {
  send(last_, std::string("terminated;reason=") + why);
  all_.end(id_);
}

void SipSubscription::expire() {
  const ConferenceUnsubscribed gone{id_};
  SipLegHost& host = all_.host_;
  if (request_) {
    nta_incoming_treply(request_.get(), 500, nullptr, SIPTAG_SERVER(host.headers().server), TAG_END());
    all_.end(id_);
  } else {
    finish("timeout");
  }
  host.emit(gone);
}

int SipSubscription::handle(nta_incoming_t* request, const sip_t* sip) {
  all_.host_.enter();
  const auto& common = all_.host_.headers();
  const auto refuse = [&](int status) {
    nta_incoming_treply(request, status, nullptr, SIPTAG_SERVER(common.server), SIPTAG_ALLOW(common.allow),
                        SIPTAG_ALLOW_EVENTS(common.allow_events), TAG_END());
    return status;
  };
  const auto method = sip->sip_request->rq_method;
  if (method == sip_method_ack) return 200;
  if (buried_) return refuse(481);
  if (method != sip_method_subscribe) return refuse(405);
  if (!ours(sip->sip_event)) return refuse(489);
  if (request_) return refuse(500);  // the first one isn't answered yet
  const std::uint32_t expires = expires_of(sip);
  if (expires > 0 && expires < kShortest) {
    nta_incoming_treply(request, 423, nullptr, SIPTAG_SERVER(common.server),
                        SIPTAG_MIN_EXPIRES_STR(std::to_string(kShortest).c_str()), TAG_END());
    return 423;
  }
  if (sip->sip_contact != nullptr) nta_leg_server_route(dialog_.get(), sip->sip_record_route, sip->sip_contact);
  grant(request, expires);
  if (expires == 0) {
    expire();
    return 200;
  }
  expires_ = expires;
  until_ = now() + std::chrono::seconds(expires);
  all_.host_.emit(told());
  return 200;
}

int SipSubscription::notified(const sip_t* sip) {
  all_.host_.enter();
  const int status = sip != nullptr && sip->sip_status != nullptr ? sip->sip_status->st_status : 408;
  if (status < 200) return 0;
  notify_.reset();
  if (status >= 300 && buried_) return 0;
  if (status >= 300) {  // nobody is there any more
    const ConferenceUnsubscribed gone{id_};
    SipLegHost& host = all_.host_;
    all_.end(id_);
    host.emit(gone);
    return 0;
  }
  if (next_) {
    const std::string body = *std::exchange(next_, std::nullopt);
    notify(body, false);
  }
  return 0;
}

SipSubscriptions::SipSubscriptions(SipLoop& loop, SipLegHost& host) : loop_(loop), host_(host) {}
SipSubscriptions::~SipSubscriptions() = default;

SipSubscriptions::Refusal SipSubscriptions::check(const sip_t* sip, const std::string& source) const {
  const SipSettings& settings = host_.settings();
  if (!ours(sip->sip_event)) return {489, std::string("Allow-Events: ") + kPackage + ", refer\r\n"};
  if (sip->sip_contact == nullptr) return {400, {}};
  if (!takes_body(sip->sip_accept)) return {406, std::string("Accept: ") + kBody + "\r\n"};
  const std::uint32_t expires = expires_of(sip);
  if (expires > 0 && expires < kShortest) return {423, "Min-Expires: " + std::to_string(kShortest) + "\r\n"};
  const auto same = of_source_.find(source);
  if (all_.size() >= settings.subscriptions_max ||
      (same != of_source_.end() && same->second >= settings.source_subscriptions_max))
    return {503, "Retry-After: " + std::to_string(settings.retry_after.count()) + "\r\n"};
  return {};
}

void SipSubscriptions::begin(sofia::Incoming request, const sip_t* sip, std::string uri, std::string subscriber,
                             const std::string& source, const sip_contact_t* contact, std::string flow) {
  graveyard_.clear();
  const SubscriptionId id{++last_};
  auto one = std::make_unique<SipSubscription>(*this, id, source);
  if (!one->begin(std::move(request), sip, std::move(uri), std::move(subscriber), contact, std::move(flow))) return;
  ConferenceSubscribed told = one->told();
  all_.emplace(id, std::move(one));
  ++of_source_[source];
  watch();
  host_.emit(std::move(told));
}

SipSubscription* SipSubscriptions::find(SubscriptionId id) {
  const auto it = all_.find(id);
  return it == all_.end() ? nullptr : it->second.get();
}

void SipSubscriptions::answer(const AnswerSubscription& order) {
  if (auto* one = find(order.subscription)) one->answer(order.status);
}

void SipSubscriptions::notify(const NotifyConference& order) {
  if (auto* one = find(order.subscription)) one->notify(order.body, order.terminated);
}

void SipSubscriptions::end(SubscriptionId id) {
  const auto it = all_.find(id);
  if (it == all_.end()) return;
  if (const auto source = of_source_.find(it->second->source()); source != of_source_.end() && --source->second == 0)
    of_source_.erase(source);
  it->second->bury();
  graveyard_.push_back(std::move(it->second));
  all_.erase(it);
}

void SipSubscriptions::end_all() {
  while (!all_.empty()) all_.begin()->second->expire();
}

void SipSubscriptions::clear() {
  all_.clear();
  graveyard_.clear();
  of_source_.clear();
  timer_.reset();
}

// A look at all of them each second, while there are any.
void SipSubscriptions::watch() {
  if (watching_) return;
  if (!timer_) timer_.reset(su_timer_create(su_root_task(loop_.root()), 1000));
  if (!timer_) return;
  watching_ = su_timer_set(
                  timer_.get(),
                  [](su_root_magic_t*, su_timer_t*, su_timer_arg_t* self) {
                    reinterpret_cast<SipSubscriptions*>(self)->sweep();
                  },
                  reinterpret_cast<su_timer_arg_t*>(this)) == 0;
}

void SipSubscriptions::sweep() {
  watching_ = false;
  graveyard_.clear();
  std::vector<SubscriptionId> due;
  const Instant now = loop_.now().steady;
  for (const auto& [id, one] : all_)
    if (one->due(now)) due.push_back(id);
  for (const SubscriptionId id : due)
    if (auto* one = find(id)) one->expire();
  if (!all_.empty() || !graveyard_.empty()) watch();
}

}  // namespace tandem::connector
