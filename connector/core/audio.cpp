// Streams: what is described to whom, which two hear each other, who hears a tone.
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

bool plays_tones(const Payloads& agreed) {
  return std::any_of(agreed.begin(), agreed.end(), is_g711);
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
  local.session = stream.endpoint.media.value;
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

void Core::set_tone(Party& party, Tone tone) {
  if (party.stream.tone == tone) return;
  party.stream.tone = tone;
  act(MediaTone{party.stream.endpoint.media, tone});
}

// Can the party hear something from us?
bool Core::hears(const Party& party) const {
  return party.stream.announced &&
         (party.state == PartyState::Connected || (party.incoming && party.incoming->with_sdp));
}

// Whom the party talks to, or will: who is bridged with it, else who is connected, else who called or was called first.
const Party* Core::peer_of(const Party& party) const {
  const auto& conversation = *party.conversation;
  const Party* best = nullptr;
  int best_rank = 0;
  for (const auto* other : conversation.parties) {
    if (other == &party || other->stream.can.empty()) continue;
    const bool bridged = std::count(conversation.bridged.begin(), conversation.bridged.end(), other->no) > 0;
    const int rank = 1 + (other->state == PartyState::Connected ? 2 : 0) + (bridged ? 1 : 0);
    if (rank <= best_rank) continue;
    best = other;
    best_rank = rank;
  }
  return best;
}

// What a party we call, or answer without its offer, is offered: what the other side can do.
Payloads Core::offer_from_peer(const Party& party) const {
  const auto* peer = peer_of(party);
  return peer ? offer_for(peer->stream.agreed, peer->stream.can) : own_payloads();
}

// Who is bridged, and who hears a tone, after anything changed. The first two connected parties talk to each other;
// before the answer somebody who hears may hear the early media of a called party.
void Core::update_audio(Conversation& conversation) {
  std::array<Party*, 2> pair{};
  std::size_t talkers = 0;
  bool alerting = false;
  for (auto* party : conversation.parties) {
    if (party->state == PartyState::Alerting) alerting = true;
    if (party->state == PartyState::Connected && party->stream.announced && talkers < 2) pair[talkers++] = party;
  }
  if (talkers < 2) {
    Party* listener = talkers == 1 ? pair[0] : nullptr;
    Party* early = nullptr;
    for (auto* party : conversation.parties) {
      const bool was_bridged = party->no == conversation.bridged[0] || party->no == conversation.bridged[1];
      if (!listener && hears(*party)) listener = party;
      // Who heard the called side's early media goes on hearing it between its answer and the caller's.
      if (!early && (party->early_media || (was_bridged && party->incoming && hears(*party)))) early = party;
    }
    pair = {};
    if (listener && early && listener != early) {
      std::size_t place = 0;
      for (auto* party : conversation.parties) {
        if (party == listener || party == early) pair[place++] = party;
      }
    }
  }
  for (auto* party : conversation.parties) {
    if (!hears(*party)) continue;
    const bool paired = party == pair[0] || party == pair[1];
    const bool rings = party->incoming || (talkers == 1 && alerting);
    set_tone(*party, !paired && rings && plays_tones(party->stream.agreed) ? Tone::Ringback : Tone::None);
  }
  const std::array<PartyNo, 2> now{pair[0] ? pair[0]->no : PartyNo{}, pair[1] ? pair[1]->no : PartyNo{}};
  if (now != conversation.bridged) {
    for (auto* party : conversation.parties) {
      const auto& was = conversation.bridged;
      if ((party->no == was[0] || party->no == was[1]) && party != pair[0] && party != pair[1]) {
        act(MediaBridge{party->stream.endpoint.media, MediaId{}});
      }
    }
    conversation.bridged = now;
    if (pair[0]) {
      act(MediaBridge{pair[0]->stream.endpoint.media, pair[1]->stream.endpoint.media});
      pair[0]->codec_tries = pair[1]->codec_tries = 0;
    }
  }
  if (talkers == 2) reconcile(*pair[0], *pair[1]);
}

// Two who talk but speak no common format: one of them is asked to change to what both can.
void Core::reconcile(Party& a, Party& b) {
  if (flows(a.stream.agreed, b.stream.agreed)) return;
  for (const auto& [one, other] : {std::pair{&a, &b}, std::pair{&b, &a}}) {
    if (one->reinviting || one->reinvite_wanted) return;
    if (one->codec_tries >= 2) continue;
    auto common = share(one->stream.can, other->stream.agreed);
    if (!flows(common, other->stream.agreed)) continue;
    ++one->codec_tries;
    log(LogLevel::Trace, *one, "asked for common formats");
    return want_reinvite(*one, std::move(common));
  }
  log(LogLevel::Standard, a, "no common format with its peer", b.dn);
}

}  // namespace tandem::connector
