// INVITEs that outlive the process: the transaction goes on as if it had begun here.
#include <arpa/inet.h>
#include <sofia-sip/su_tag_class.h>

#include <charconv>

#include "connector/sip/leg.h"
#include "connector/sip/names.h"
#include "connector/sip/text.h"

// Not in the library's headers; its own delayed CANCEL is made with it.
extern "C" tag_typedef_t ntatag_delay_sending;

namespace tandem::connector {
namespace {

constexpr su_duration_t kLook = 50;  // ms
constexpr int kLooks = 60;           // how often, until a connection that is still being made is given up

struct Parsed {
  sofia::Message message;
  sip_t* sip = nullptr;
};

// An INVITE as it came, or went out.
Parsed parse(const std::string& bytes) {
  Parsed out;
  out.message.reset(msg_make(sip_default_mclass(), 0, bytes.data(), static_cast<ssize_t>(bytes.size())));
  sip_t* const sip = out.message ? sip_object(out.message.get()) : nullptr;
  const bool whole = sip != nullptr && sip->sip_request != nullptr &&
                     sip->sip_request->rq_method == sip_method_invite && sip->sip_via != nullptr &&
                     sip->sip_cseq != nullptr && sip->sip_call_id != nullptr && sip->sip_from != nullptr &&
                     sip->sip_to != nullptr;
  if (whole) out.sip = sip;
  return out;
}

}  // namespace

// The caller's INVITE as if it had just come, so that our responses go the same way. Where that was a connection they
// go where its Via says, over a new one (RFC 3261 section 18.2.2).
bool SipLeg::continue_invite() {
  auto request = parse(unanswered_->request());
  if (request.sip == nullptr) return false;
  if ((invite_in_ = host_.invite_let_be(call_id_, text::view(request.sip->sip_via->v_branch)))) {
    nta_incoming_bind(invite_in_.get(), &SipLeg::on_invite_ack, this);
    return true;
  }
  const bool ipv6 = source_.ip.find(':') != std::string::npos;
  tport_t* const port = host_.port(source_.transport, ipv6, source_.local_port);
  if (port == nullptr) return false;
  su_sockaddr_t from{};
  from.su_family = static_cast<sa_family_t>(ipv6 ? AF_INET6 : AF_INET);
  from.su_port = htons(source_.port);
  if (inet_pton(from.su_family, source_.ip.c_str(), SU_ADDR(&from)) != 1) return false;
  msg_set_address(request.message.get(), &from, ipv6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in));
  const bool stream = source_.transport != "udp";
  if (stream) {
    sip_via_t* const via = request.sip->sip_via;
    msg_header_remove_param(via->v_common, "rport");
    via->v_rport = nullptr;
    std::uint16_t number = 0;
    const auto given = text::view(sip_via_port(via, nullptr));
    std::from_chars(given.data(), given.data() + given.size(), number);
    turn(text::way_to(source_.ip, number, source_.transport));
  }
  invite_in_.reset(nta_incoming_create(host_.agent(), dialog_.get(), request.message.release(), request.sip,
                                       NTATAG_TPORT(port), TAG_END()));
  if (!invite_in_) return false;
  nta_incoming_bind(invite_in_.get(), &SipLeg::on_invite_ack, this);
  if (stream) watch_way();
  return true;
}

// What we send makes the connection; whether there is one then tells whether the caller is reached.
void SipLeg::watch_way() {
  if (!way_timer_) {
    nta_incoming_treply(invite_in_.get(), SIP_100_TRYING, TAG_END());
    way_timer_ = host_.make_timer();
  }
  if (!way_timer_) return;
  su_timer_set_interval(
      way_timer_.get(),
      [](su_root_magic_t*, su_timer_t*, su_timer_arg_t* self) {
        SipLeg& leg = *reinterpret_cast<SipLeg*>(self);
        leg.host_.enter();
        leg.way_due();
      },
      reinterpret_cast<su_timer_arg_t*>(this), kLook);
}

void SipLeg::way_due() {
  const tport_t* const way = host_.connection(flow_);
  if (state_ != State::Offered) return;
  if (way != nullptr && !tport_is_connected(way) && ++way_looks_ < kLooks) return watch_way();
  if (way != nullptr && tport_is_connected(way)) return;
  state_ = State::Ended;
  invite_in_.reset();
  ticket_.done();
  if (forgotten_) return settle();
  host_.emit(LegLost{id_, "the caller's connection is gone and its Via leads nowhere"});
}

// Our INVITE with its own branch, so that responses to it are ours. It isn't sent once more, unless nobody had
// responded at all. A CANCEL goes out with the same branch.
bool SipLeg::continue_invite_out() {
  auto request = parse(unanswered_->invite());
  if (request.sip == nullptr) return false;
  if (invite_out_ == nullptr) hop_ = unanswered_->hop();
  // A phone on a connection that is gone may be reached where its contact says.
  const auto flow = sip_host(flow_);
  const bool gone = (flow.transport == "tcp" || flow.transport == "tls") && host_.connection(flow_) == nullptr;
  const std::string way = !hop_.empty() ? hop_ : gone ? std::string() : flow_;
  invite_out_.reset();
  invite_out_.reset(nta_outgoing_mcreate(host_.agent(), &SipLeg::on_invite_response, this,
                                         way.empty() ? nullptr : sofia::url(way.c_str()), request.message.get(),
                                         NTATAG_USER_VIA(1), ntatag_delay_sending,
                                         tag_bool_v(unanswered_->proceeding()), TAG_END()));
  if (!invite_out_) return false;
  [[maybe_unused]] const msg_t* const its_own = request.message.release();
  return true;
}

// Whoever answers may do so over a connection that is new, too.
void SipLeg::take_response_way() {
  unanswered_.reset();
  const sofia::Message response(nta_outgoing_getresponse(invite_out_.get()));
  if (!response || routed_) return;
  const Origin from = host_.origin_of(response.get());
  if (from.transport == "tcp" || from.transport == "tls") turn(text::way_to(from.ip, from.port, from.transport));
}

}  // namespace tandem::connector
