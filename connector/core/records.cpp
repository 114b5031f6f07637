#include "connector/core/records.h"

#include <algorithm>

namespace tandem::connector::records {
namespace {

constexpr std::uint32_t kPortMax = 65535;

ha::Direction to_record(Direction direction) {
  switch (direction) {
    case Direction::SendOnly:
      return ha::SEND_ONLY;
    case Direction::RecvOnly:
      return ha::RECV_ONLY;
    case Direction::Inactive:
      return ha::INACTIVE;
    case Direction::SendRecv:
      break;
  }
  return ha::SEND_RECV;
}

Direction direction_from(ha::Direction direction) {
  switch (direction) {
    case ha::SEND_ONLY:
      return Direction::SendOnly;
    case ha::RECV_ONLY:
      return Direction::RecvOnly;
    case ha::INACTIVE:
      return Direction::Inactive;
    default:
      return Direction::SendRecv;
  }
}

template <class Repeated>
void put(const Payloads& payloads, Repeated& to) {
  for (const auto& payload : payloads) {
    auto& one = *to.Add();
    one.set_number(payload.number);
    one.set_receive_number(payload.receive_number);
    one.set_encoding(payload.encoding);
    one.set_clock_rate(payload.clock_rate);
    one.set_channels(payload.channels);
    one.set_parameters(payload.parameters);
  }
}

template <class Repeated>
Payloads payloads_from(const Repeated& from) {
  Payloads out;
  for (const auto& one : from) {
    Payload payload;
    payload.number = static_cast<std::uint8_t>(one.number());
    payload.receive_number = static_cast<std::int16_t>(one.receive_number());
    payload.encoding = one.encoding();
    payload.clock_rate = one.clock_rate();
    payload.channels = static_cast<std::uint8_t>(one.channels());
    payload.parameters = one.parameters();
    out.push_back(std::move(payload));
  }
  return out;
}

template <class Repeated>
void put(const std::vector<sdp::Declined>& lines, Repeated& to) {
  for (const auto& line : lines) {
    auto& one = *to.Add();
    one.set_type(line.type);
    one.set_transport(line.transport);
    one.set_format(line.format);
  }
}

template <class Repeated>
std::vector<sdp::Declined> declined_from(const Repeated& from) {
  std::vector<sdp::Declined> out;
  for (const auto& one : from) out.push_back(sdp::Declined{one.type(), one.transport(), one.format()});
  return out;
}

void put(const Remote& remote, ha::Remote& to) {
  to.set_ip(remote.ip);
  to.set_rtp_port(remote.rtp_port);
  to.set_rtcp_port(remote.rtcp_port);
  to.set_rtcp_mux(remote.rtcp_mux);
  to.set_held(remote.held);
  to.set_direction(to_record(remote.direction));
  put(remote.payloads, *to.mutable_payloads());
  to.set_ptime_ms(remote.ptime_ms);
  to.set_maxptime_ms(remote.maxptime_ms);
  to.set_transport(remote.transport);
  to.set_line(static_cast<std::uint32_t>(remote.line));
  put(remote.others, *to.mutable_others());
  to.set_video(remote.video);
}

Remote remote_from(const ha::Remote& from) {
  Remote out;
  out.ip = from.ip();
  out.rtp_port = static_cast<std::uint16_t>(from.rtp_port());
  out.rtcp_port = static_cast<std::uint16_t>(from.rtcp_port());
  out.rtcp_mux = from.rtcp_mux();
  out.held = from.held();
  out.direction = direction_from(from.direction());
  out.payloads = payloads_from(from.payloads());
  out.ptime_ms = from.ptime_ms();
  out.maxptime_ms = from.maxptime_ms();
  out.transport = from.transport();
  out.line = from.line();
  out.others = declined_from(from.others());
  out.video = from.video();
  return out;
}

void put(const Stream& stream, ha::Stream& to) {
  to.set_ip(stream.endpoint.ip);
  to.set_rtp_port(stream.endpoint.rtp_port);
  to.set_session(stream.session ? stream.session : stream.endpoint.media.value);
  to.set_version(stream.version);
  to.set_local(stream.local);
  to.set_transport(stream.transport);
  to.set_line(static_cast<std::uint32_t>(stream.line));
  put(stream.others, *to.mutable_others());
  if (stream.remote) put(*stream.remote, *to.mutable_remote());
  put(stream.can, *to.mutable_can());
  put(stream.agreed, *to.mutable_agreed());
  put(stream.described, *to.mutable_described());
  to.set_rtcp_mux(stream.rtcp_mux);
}

void put(const Playing& playing, Offset offset, ha::Treatment& to) {
  playing.machine.save(to);
  if (playing.digit.set) to.set_digit_due_ms(to_wall_ms(playing.digit_due, offset));
  if (playing.total.set) to.set_total_due_ms(to_wall_ms(playing.total_due, offset));
}

void put(const Incoming& incoming, ha::Offered& to) {
  to.set_provisional(static_cast<std::uint32_t>(incoming.provisional));
  to.set_with_sdp(incoming.with_sdp);
  to.set_waiting(incoming.waiting);
  to.set_heard_early(incoming.heard_early);
  to.set_expires_s(incoming.timer.expires_s);
  to.set_min_se_s(incoming.timer.min_se_s);
  to.set_refresher(static_cast<std::uint32_t>(incoming.timer.refresher));
  to.set_timer_supported(incoming.timer.supported);
  to.set_max_forwards(incoming.max_forwards);
  to.set_local_ip(incoming.local_ip);
  if (incoming.offered) incoming.offered->SerializeToString(to.mutable_told());
}

void put(const Target& target, ha::Destination& to) {
  to.set_request_uri(target.request_uri);
  to.set_next_hop(target.next_hop);
  to.set_trunk(target.trunk);
  to.set_q_milli(target.q_milli);
  for (const auto& hop : target.route) to.add_route(hop);
  to.set_dn(target.dn);
  to.set_local_ip(target.local_ip);
}

Target target_from(const ha::Destination& from) {
  Target out;
  out.request_uri = from.request_uri();
  out.next_hop = from.next_hop();
  out.trunk = from.trunk();
  out.q_milli = static_cast<std::uint16_t>(from.q_milli());
  out.route.assign(from.route().begin(), from.route().end());
  out.dn = from.dn();
  out.local_ip = from.local_ip();
  return out;
}

void put(const Outgoing& out, const std::vector<const Leg*>& legs, Offset offset, ha::Called& to) {
  for (const auto& target : out.targets) put(target, *to.add_targets());
  to.set_next(static_cast<std::uint32_t>(out.next));
  for (const auto* leg : legs) {
    auto& fork = *to.add_forks();
    fork.set_target(static_cast<std::uint32_t>(leg->target));
    fork.set_retried(leg->retried);
    fork.set_talk(leg->talk);
  }
  to.set_from_uri(out.from_uri);
  to.set_from_display(out.from_display);
  to.set_to_uri(out.to);
  for (const auto& header : out.headers) {
    auto& one = *to.add_headers();
    one.set_name(header.name);
    one.set_value(header.value);
  }
  to.set_session_expires_s(out.session_expires_s);
  to.set_min_se_s(out.min_se_s);
  to.set_max_forwards(out.max_forwards);
  to.set_status(static_cast<std::uint32_t>(out.status));
  to.set_reason(out.reason);
  for (const auto& contact : out.contacts) to.add_contacts(contact);
  if (out.ring.set) to.set_ring_due_ms(to_wall_ms(out.ring_due, offset));
  if (out.group.set) to.set_group_due_ms(to_wall_ms(out.group_due, offset));
}

bool usable(const ha::Dialog& dialog) {
  return !dialog.call_id().empty() && !dialog.local().empty() && !dialog.local_tag().empty() &&
         !dialog.remote().empty() && !dialog.target().empty();
}

bool usable(const ha::Called& called) {
  if (called.forks_size() > called.targets_size() || called.next() > static_cast<std::uint32_t>(called.targets_size()))
    return false;
  return std::all_of(called.targets().begin(), called.targets().end(),
                     [](const auto& t) { return t.q_milli() <= 1000; }) &&
         std::all_of(called.forks().begin(), called.forks().end(), [&](const ha::Fork& fork) {
           return fork.target() < static_cast<std::uint32_t>(called.targets_size()) &&
                  (!fork.has_dialog() || (usable(fork.dialog()) && !fork.dialog().invite().empty()));
         });
}

}  // namespace

std::int64_t to_wall_ms(Instant at, Offset offset) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(at + offset).count();
}

Instant from_wall_ms(std::int64_t ms, Offset offset) {
  return std::chrono::milliseconds(ms) - offset;
}

ha::Record to_record(const Conversation& conversation, Offset offset) {
  ha::Record record;
  record.set_major(kMajor);
  auto& to = *record.mutable_conversation();
  to.set_conversation(conversation.no.value);
  to.set_conversation_id(conversation.id);
  to.set_conn_id(conversation.conn_id);
  to.set_call_uuid(conversation.call_uuid);
  to.set_max_forwards(conversation.max_forwards);
  for (const auto* party : conversation.parties) to.add_parties(party->no.value);
  if (const auto* focus = conversation.focus.get()) {
    auto& conference = *to.mutable_conference();
    conference.set_number(focus->conference.number);
    conference.set_uri(focus->uri);
    conference.set_locked(focus->locked);
    conference.set_lobby(focus->lobby);
    conference.set_uses(focus->conference.uses);
    conference.set_made_ms(to_wall_ms(focus->conference.made, offset));
    conference.set_version(focus->version);
  }
  return record;
}

ha::Record to_record(const Party& party, const std::vector<const Leg*>& legs, Offset offset) {
  ha::Record record;
  record.set_major(kMajor);
  auto& to = *record.mutable_party();
  to.set_party(party.no.value);
  to.set_conversation(party.conversation->no.value);
  to.set_parked(party.parked);
  for (const auto* conversation : party.elsewhere) to.add_elsewhere(conversation->no.value);
  to.set_outgoing(party.outgoing);
  to.set_dn(party.dn);
  to.set_identity(party.identity);
  if (party.audio) *to.mutable_audio() = *party.audio;
  to.set_held(party.held);
  to.set_referring(party.referring);
  to.set_typed(party.typed);
  put(party.stream, *to.mutable_stream());
  auto& timer = *to.mutable_session_timer();
  timer.set_expires_s(party.expiry.expires_s);
  timer.set_we_refresh(party.expiry.we_refresh);
  timer.set_min_se_s(party.min_se_s);
  if (party.expiry.expires_s) timer.set_expires_at_ms(to_wall_ms(party.expires_at, offset));
  if (party.play) put(*party.play, offset, *to.mutable_treatment());
  if (party.incoming) put(*party.incoming, *to.mutable_offered());
  if (party.out) {
    auto& called = *to.mutable_called();
    called.set_alerting(party.state == PartyState::Alerting);
    called.set_early_media(party.early_media);
    put(*party.out, legs, offset, called);
    return record;
  }
  to.mutable_dialog()->set_call_id(legs.front()->call_id);
  to.mutable_dialog()->set_incoming(legs.front()->incoming);
  return record;
}

bool usable(const ha::Party& party) {
  const auto& stream = party.stream();
  if (party.party() == 0 || party.conversation() == 0) return false;
  if (party.has_called()) {
    if (party.has_offered() || !party.outgoing() || !usable(party.called())) return false;
  } else if (!usable(party.dialog()) || party.has_offered() != !party.dialog().request().empty()) {
    return false;
  }
  return stream.rtp_port() <= kPortMax && stream.remote().rtp_port() <= kPortMax &&
         stream.remote().rtcp_port() <= kPortMax && stream.remote().direction() <= ha::INACTIVE;
}

Stream stream_from(const ha::Stream& record) {
  Stream out;
  out.session = record.session();
  out.version = record.version();
  out.local = record.local();
  out.transport = record.transport();
  out.line = record.line();
  out.others = declined_from(record.others());
  if (record.has_remote()) out.remote = remote_from(record.remote());
  out.can = payloads_from(record.can());
  out.agreed = payloads_from(record.agreed());
  out.described = payloads_from(record.described());
  out.rtcp_mux = record.rtcp_mux();
  return out;
}

SessionTimer timer_from(const ha::Offered& record) {
  SessionTimer timer;
  timer.expires_s = record.expires_s();
  timer.min_se_s = record.min_se_s();
  if (record.refresher() <= 2) timer.refresher = static_cast<SessionTimer::Refresher>(record.refresher());
  timer.supported = record.timer_supported();
  return timer;
}

Outgoing outgoing_from(const ha::Called& record) {
  Outgoing out;
  for (const auto& target : record.targets()) out.targets.push_back(target_from(target));
  out.next = record.next();
  out.from_uri = record.from_uri();
  out.from_display = record.from_display();
  out.to = record.to_uri();
  for (const auto& header : record.headers()) out.headers.push_back(SipHeader{header.name(), header.value()});
  out.session_expires_s = record.session_expires_s();
  out.min_se_s = record.min_se_s();
  out.max_forwards = record.max_forwards();
  out.status = static_cast<int>(record.status());
  out.reason = record.reason();
  out.contacts.assign(record.contacts().begin(), record.contacts().end());
  return out;
}

}  // namespace tandem::connector::records
