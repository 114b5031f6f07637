// Requests that begin something, and those that are nobody's.
#include "connector/sip/room_impl.h"
#include "connector/sip/text.h"

namespace tandem::connector {
namespace {

// Where requests in a dialog go when the peer sits behind a NAT or on a connection it made (RFC 5626 in spirit): back
// to where its INVITE came from. Empty: its Contact can be trusted.
std::string flow_of(const sip_t* sip, const Origin& origin) {
  if (sip->sip_record_route != nullptr || origin.transport.empty()) return {};
  const bool stream = origin.transport != "udp";
  const auto* contact = sip->sip_contact;
  const auto* via = sip->sip_via;
  const bool moved = via->v_received != nullptr && contact != nullptr &&
                     text::view(contact->m_url->url_host) == text::view(via->v_host);
  if (!stream && !moved) return {};
  return text::way_to(origin.ip, origin.port, origin.transport);
}

}  // namespace

int SipRoomImpl::on_message(msg_t* msg, sip_t* sip) {
  enter();
  if (sip != nullptr && sip->sip_status != nullptr) {
    forwarder.response(nta.get(), msg, sip);
    return 0;
  }
  if (sip == nullptr || sip->sip_request == nullptr || sip->sip_from == nullptr || sip->sip_to == nullptr ||
      sip->sip_call_id == nullptr || sip->sip_cseq == nullptr || sip->sip_via == nullptr) {
    nta_msg_discard(nta.get(), msg);
    return 0;
  }
  if (sip->sip_route != nullptr) {
    int refusal = 0;
    if (forwarder.request(nta.get(), msg, sip, ports.origin(nta.get(), msg), refusal)) {
      if (refusal == 0) return 0;
      if (sip->sip_request->rq_method == sip_method_ack) {
        nta_msg_discard(nta.get(), msg);
      } else {
        refuse(msg, refusal, refusal == 430 ? "Flow Failed" : nullptr);
      }
      return 0;
    }
  }
  switch (sip->sip_request->rq_method) {
    case sip_method_ack:
      nta_msg_discard(nta.get(), msg);
      return 0;
    case sip_method_invite:
      on_invite(msg, sip);
      return 0;
    case sip_method_register:
      on_register(msg, sip);
      return 0;
    case sip_method_subscribe:
      on_subscribe(msg, sip);
      return 0;
    default:
      break;
  }
  if (!admission_.welcome(ports.origin(nta.get(), msg), loop.now())) {
    nta_msg_discard(nta.get(), msg);
    return 0;
  }
  if (sip->sip_request->rq_method == sip_method_cancel) {
    on_stray_cancel(msg, sip);
  } else if (sip->sip_to->a_tag != nullptr) {
    on_unknown_dialog(msg);
  } else if (const auto unknown = text::unsupported(sip); !unknown.empty()) {
    refuse(msg, 420, nullptr, "Unsupported: " + unknown + "\r\n");
  } else if (sip->sip_request->rq_method == sip_method_options && refusing) {
    // Who asks before he sends calls, a balancing proxy say, sends them elsewhere.
    refuse(msg, 503, nullptr, "Retry-After: " + std::to_string(wanted.retry_after.count()) + "\r\n");
  } else if (sip->sip_request->rq_method == sip_method_options) {
    nta_msg_treply(nta.get(), msg, SIP_200_OK, SIPTAG_SERVER(common.server), SIPTAG_ALLOW(common.allow),
                   SIPTAG_ACCEPT(common.accept), SIPTAG_SUPPORTED(common.supported),
                   SIPTAG_ALLOW_EVENTS(common.allow_events), TAG_END());
  } else {
    refuse(msg, sip->sip_request->rq_method == sip_method_unknown ? 501 : 405, nullptr);
  }
  return 0;
}

// Without a transaction: nothing is kept of the request, nothing is sent again, its ACK is dropped.
void SipRoomImpl::refuse(msg_t* msg, int status, const char* reason, const std::string& lines) {
  nta_msg_treply(nta.get(), msg, status, reason, SIPTAG_SERVER(common.server),
                 TAG_IF(status == 405 || status == 501, SIPTAG_ALLOW(common.allow)),
                 TAG_IF(!lines.empty(), SIPTAG_HEADER_STR(lines.c_str())), TAG_END());
}

void SipRoomImpl::refuse(msg_t* msg, const Reply& reply) {
  if (reply.status == 0) {
    nta_msg_discard(nta.get(), msg);
    return;
  }
  refuse(msg, reply.status, reply.reason.empty() ? nullptr : reply.reason.c_str(), text::header_lines(reply.headers));
}

void SipRoomImpl::turned_away(const Origin& origin, const char* why) {
  ++refused;
  const Instant now = loop.now().steady;
  if (now - told_at < 1s) return;
  logs.write(LogLevel::Standard, "INVITE from " + origin.ip + ":" + std::to_string(origin.port) +
                                     " refused with 503: " + why + " (" + std::to_string(refused - refused_told) +
                                     " since the last such line)");
  told_at = now;
  refused_told = refused;
}

// The leg that an INVITE wants to take the place of, or the status that refuses it (RFC 3891 section 3).
int SipRoomImpl::replaced(const sip_t* sip, LegId& leg) {
  const sip_replaces_t* const header = sip->sip_replaces;
  const auto name = header->rp_next == nullptr ? read_replaces(header) : std::nullopt;
  if (!name) return 400;
  const SipLeg* const found = named(*name);
  if (found == nullptr || found->waiting()) return 481;  // an early dialog that the other side began can't be replaced
  if (!found->up() && !found->ringing()) return 603;
  if (found->up() && name->early_only) return 486;
  leg = found->id();
  return 0;
}

// 481 ends it for who asks. So as long as it may be given back a datagram isn't answered, it comes again; and what came
// over a connection is put off (RFC 3261 section 21.5.1).
void SipRoomImpl::on_unknown_dialog(msg_t* msg) {
  if (loop.now().steady >= sure_from) return refuse(msg, 481, nullptr);
  if (ports.origin(nta.get(), msg).transport != "udp")
    return refuse(msg, 500, "Dialog Not Known Yet", "Retry-After: 1\r\n");
  nta_msg_discard(nta.get(), msg);
}

void SipRoomImpl::on_invite(msg_t* msg, sip_t* sip) {
  if (sip->sip_to->a_tag != nullptr) return on_unknown_dialog(msg);
  Origin origin = ports.origin(nta.get(), msg);
  const Now now = loop.now();
  const std::string later = "Retry-After: " + std::to_string(wanted.retry_after.count()) + "\r\n";
  if (refusing) return refuse(msg, 503, nullptr, later);
  if (const auto verdict = gate.check(origin.ip, now.steady); verdict != SipGate::Verdict::Pass) {
    turned_away(origin, to_string(verdict));
    return refuse(msg, 503, nullptr, later);
  }
  if (legs.size() >= wanted.legs_max) {
    turned_away(origin, "too many calls at once");
    return refuse(msg, 503, nullptr, later);
  }
  if (const auto unknown = text::unsupported(sip); !unknown.empty())
    return refuse(msg, 420, nullptr, "Unsupported: " + unknown + "\r\n");
  const auto scheme = sip->sip_request->rq_url->url_type;
  if (scheme != url_sip && scheme != url_sips && scheme != url_tel) return refuse(msg, 416, nullptr);
  auto sdp = text::sdp(sip);
  if (sip->sip_content_encoding != nullptr || (sip->sip_payload != nullptr && sip->sip_payload->pl_len > 0 && !sdp))
    return refuse(msg, 415, nullptr, "Accept: application/sdp\r\n");
  if (sip->sip_contact == nullptr) return refuse(msg, 400, "Contact is missing");

  RequestFacts facts = text::facts(sip, std::move(origin));
  facts.replacing = sip->sip_replaces != nullptr;
  auto verdict = admission_.invited(facts, now);
  if (const auto* reply = std::get_if<Reply>(&verdict)) return refuse(msg, *reply);
  if (!std::get<Caller>(verdict).authenticated) {
    if (const auto stranger = gate.check_stranger(facts.origin.ip); stranger != SipGate::Verdict::Pass) {
      turned_away(facts.origin, to_string(stranger));
      return refuse(msg, 503, nullptr, later);
    }
  }

  Invited invited;
  if (facts.replacing) {
    if (!std::get<Caller>(verdict).authenticated) return refuse(msg, 403, nullptr);
    if (const int status = replaced(sip, invited.replaces); status != 0) return refuse(msg, status, nullptr);
  }
  invited.leg = LegId{++last_leg};
  invited.caller = std::move(std::get<Caller>(verdict));
  invited.request_uri = admission_.called(facts);
  invited.conversation_id = text::header(sip, text::kConversationHeader);
  invited.source = facts.origin.ip + ":" + std::to_string(facts.origin.port);
  invited.local_ip = facts.origin.local_ip;
  invited.sdp = std::move(sdp);
  invited.timer = text::timer(sip);
  invited.max_forwards = facts.max_forwards.value_or(70);
  for (const auto& name : wanted.report_headers)
    if (auto value = text::header(sip, name); !value.empty()) invited.headers.push_back({name, std::move(value)});
  invited.from_uri = std::move(facts.from_uri);
  invited.from_display = std::move(facts.from_display);
  invited.to_uri = std::move(facts.to_uri);
  invited.call_id = std::move(facts.call_id);

  const sip_contact_t* contact = ports.contact_at(facts.origin);
  std::string flow = flow_of(sip, facts.origin);
  sofia::Incoming request(nta_incoming_create(nta.get(), nullptr, msg, sip, TAG_END()));
  if (!request || contact == nullptr) return;
  auto leg = std::make_unique<SipLeg>(*this, invited.leg);
  if (!leg->accept_invite(std::move(request), sip, invited.caller, contact, std::move(flow),
                          gate.ticket(facts.origin.ip)))
    return;
  leg->came_from(facts.origin);
  legs.emplace(invited.leg, std::move(leg));
  sink(std::move(invited));
}

// Told as seldom as calls may come from there.
void SipRoomImpl::on_stray_cancel(msg_t* msg, const sip_t* sip) {
  CancelStrayed stray{std::string(text::view(sip->sip_call_id->i_id)), std::string(text::view(sip->sip_via->v_branch)),
                      text::reason(sip)};
  const bool told = gate.check(ports.origin(nta.get(), msg).ip, loop.now().steady) == SipGate::Verdict::Pass;
  refuse(msg, 481, nullptr);
  if (told) sink(std::move(stray));
}

void SipRoomImpl::on_subscribe(msg_t* msg, sip_t* sip) {
  Origin origin = ports.origin(nta.get(), msg);
  const Now now = loop.now();
  if (!admission_.welcome(origin, now)) {
    nta_msg_discard(nta.get(), msg);
    return;
  }
  if (sip->sip_to->a_tag != nullptr) return refuse(msg, 481, nullptr);
  if (refusing) return refuse(msg, 503, nullptr, "Retry-After: " + std::to_string(wanted.retry_after.count()) + "\r\n");
  if (const auto unknown = text::unsupported(sip); !unknown.empty())
    return refuse(msg, 420, nullptr, "Unsupported: " + unknown + "\r\n");
  if (const auto wrong = subscriptions.check(sip, origin.ip); wrong.status != 0)
    return refuse(msg, wrong.status, nullptr, wrong.lines);
  const RequestFacts facts = text::facts(sip, std::move(origin));
  auto verdict = admission_.invited(facts, now);
  if (const auto* reply = std::get_if<Reply>(&verdict)) return refuse(msg, *reply);
  const Caller& who = std::get<Caller>(verdict);
  if (!who.authenticated) return refuse(msg, 403, nullptr);  // who is in a conference isn't for strangers
  std::string uri = admission_.called(facts);
  const sip_contact_t* contact = ports.contact_at(facts.origin);
  std::string flow = flow_of(sip, facts.origin);
  sofia::Incoming request(nta_incoming_create(nta.get(), nullptr, msg, sip, TAG_END()));
  if (!request || contact == nullptr) return;
  subscriptions.begin(std::move(request), sip, std::move(uri), who.dn, facts.origin.ip, contact, std::move(flow));
}

void SipRoomImpl::on_register(msg_t* msg, sip_t* sip) {
  if (const auto unknown = text::unsupported(sip); !unknown.empty())
    return refuse(msg, 420, nullptr, "Unsupported: " + unknown + "\r\n");
  const Reply reply = admission_.registered(text::registration(sip, ports.origin(nta.get(), msg)), loop.now());
  if (reply.status < 200 || reply.status >= 300) return refuse(msg, reply);
  // A transaction repeats the answer if the request is repeated; the registrar would take that for a replay.
  const std::string lines = text::header_lines(reply.headers);
  const sofia::Incoming request(nta_incoming_create(nta.get(), nullptr, msg, sip, TAG_END()));
  if (!request) return;
  nta_incoming_treply(request.get(), reply.status, reply.reason.empty() ? nullptr : reply.reason.c_str(),
                      SIPTAG_SERVER(common.server), TAG_IF(!lines.empty(), SIPTAG_HEADER_STR(lines.c_str())),
                      TAG_END());
}

}  // namespace tandem::connector
