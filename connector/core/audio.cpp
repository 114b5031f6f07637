// Streams: what is described to whom, and what was agreed on.
#include <algorithm>

#include "connector/core/core.h"

namespace tandem::connector {
namespace {

bool same_payloads(const Payloads& a, const Payloads& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Payload& x, const Payload& y) {
    return x.number == y.number && x.receive_number == y.receive_number && sdp::same_encoding(x, y) &&
           x.parameters == y.parameters;
  });
}

bool same_stream(const Remote& a, const Remote& b) {
  return a.ip == b.ip && a.rtp_port == b.rtp_port && a.rtcp_port == b.rtcp_port && a.rtcp_mux == b.rtcp_mux &&
         a.direction == b.direction && a.held == b.held && a.ptime_ms == b.ptime_ms;
}

}  // namespace

bool Core::open_stream(Party& party, const std::string& local_ip) {
  if (party.stream.endpoint.media) return true;
  auto endpoint = media_.open(local_ip);
  if (!endpoint) {
    log(LogLevel::Standard, party, "no RTP port left");
    return false;
  }
  by_media_[endpoint->media] = party.no;
  party.stream.endpoint = std::move(*endpoint);
  return true;
}

// Our description of this stream; its version rises when anything in it changed (RFC 3264 section 8).
const std::string& Core::describe(Party& party, const Payloads& payloads, Direction direction, bool stopped) {
  auto& stream = party.stream;
  const auto* peer = peer_of(party);
  const Remote* like = peer && peer->stream.remote ? &*peer->stream.remote : nullptr;
  sdp::Local local;
  local.session = stream.session ? stream.session : stream.endpoint.media.value;
  local.ip = stream.endpoint.ip;
  local.port = stopped ? std::uint16_t{0} : stream.endpoint.rtp_port;
  local.transport = stream.transport;
  local.direction = direction;
  local.rtcp_mux = stream.rtcp_mux;
  local.ptime_ms = like && like->ptime_ms ? like->ptime_ms : settings_.ptime_ms;
  local.maxptime_ms = like ? like->maxptime_ms : 0;
  local.payloads = payloads;
  local.line = stream.line;
  local.others = stream.others;
  local.version = std::max<std::uint32_t>(stream.version, 1);
  auto text = sdp::write(local);
  if (text != stream.local) {
    if (!stream.local.empty()) {
      ++local.version;
      text = sdp::write(local);
    }
    stream.version = local.version;
    stream.local = std::move(text);
  }
  stream.described = std::move(local.payloads);
  return stream.local;
}

const std::string& Core::answer_body(Party& party, const Payloads& payloads) {
  auto& stream = party.stream;
  stream.rtcp_mux = settings_.rtcp_mux && stream.remote->rtcp_mux;
  return describe(party, payloads, stream.remote->direction, stream.remote->rtp_port == 0);
}

const std::string& Core::offer_body(Party& party, const Payloads& payloads) {
  const auto& remote = party.stream.remote;
  return describe(party, payloads, remote ? remote->direction : Direction::SendRecv, remote && remote->rtp_port == 0);
}

// The party's answer to our offer.
void Core::take_remote(Party& party, Remote remote, Payloads agreed) {
  auto& stream = party.stream;
  const bool same =
      stream.announced && stream.remote && same_stream(*stream.remote, remote) && same_payloads(stream.agreed, agreed);
  if (!same) stream.announced = false;
  stream.remote = std::move(remote);
  if (stream.can.empty()) stream.can = agreed;
  stream.agreed = std::move(agreed);
}

// Tells the media room, unless it knows all this already.
void Core::connect(Party& party) {
  auto& stream = party.stream;
  const bool watch =
      party.state == PartyState::Connected && !party.held && stream.remote->direction == Direction::SendRecv;
  if (stream.announced && stream.watched == watch) return;
  stream.announced = true;
  stream.watched = watch;
  act(MediaConnect{stream.endpoint.media, agreement(*stream.remote, stream.agreed, stream.rtcp_mux), watch});
}

// Can the party hear something from us?
bool Core::hears(const Party& party) const {
  return party.stream.announced &&
         (party.state == PartyState::Connected || (party.incoming && party.incoming->with_sdp));
}

// Whom the party talks to, or will: who is connected, rather where its sound is there, else who came first.
const Party* Core::peer_of(const Party& party) const {
  const auto& conversation = *party.conversation;
  const Party* best = nullptr;
  int best_rank = 0;
  for (const auto* other : conversation.parties) {
    if (other == &party || other->stream.can.empty()) continue;
    const int rank = 1 + (other->state == PartyState::Connected ? 2 : 0) + (is_here(*other, conversation) ? 1 : 0);
    if (rank <= best_rank) continue;
    best = other;
    best_rank = rank;
  }
  return best;
}

// What a party we call, or answer without its offer, is offered: what the other side can do.
Payloads Core::offer_from_peer(const Party& party) const {
  const auto* peer = peer_of(party);
  auto own = own_payloads(settings_.codecs);
  return peer ? offer_for(peer->stream.agreed, peer->stream.can, own) : own;
}

}  // namespace tandem::connector
