// Offer and answer (RFC 3264) for one audio stream between a party and our media endpoint, as pure functions on values.
//
// We are in the middle: what we offer the called party is what the caller's side can do, and what we answer the caller
// is what the called party took. What the media room speaks can be converted into each other; all else passes
// through or isn't agreed on.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "connector/core/media_port.h"
#include "connector/core/sdp.h"

namespace tandem::connector {

using Payloads = std::vector<Payload>;

// Why a description can't be served: a SIP status (488 or 400) and words.
struct Unservable {
  int status = 488;
  std::string text;
};

[[noreturn]] void throw_exception_from_error(const Unservable&, const boost::source_location&);

// A party's description, cut down to the audio line we serve.
struct Remote {
  std::string ip;
  std::uint16_t rtp_port = 0;  // 0: it stopped the stream
  std::uint16_t rtcp_port = 0;
  bool rtcp_mux = false;
  bool video = false;                         // there was a video line with a port
  bool held = false;                          // sendonly, inactive or 0.0.0.0: it doesn't want to hear us
  Direction direction = Direction::SendRecv;  // as we act towards it
  Payloads payloads;
  std::uint32_t ptime_ms = 0, maxptime_ms = 0;
  std::string transport;
  std::size_t line = 0;
  std::vector<sdp::Declined> others;
};

// The first audio line with RTP/AVP or RTP/AVPF, an address and a port. With encryption (RTP/SAVP) only: 488.
Result<Remote, Unservable> read_offer(std::string_view text);
// A new offer within a dialog where `line` is the audio line; it may have been stopped (port 0).
Result<Remote, Unservable> read_new_offer(std::string_view text, std::size_t line);
// The answer to an offer of ours whose audio line was `line`.
Result<Remote, Unservable> read_answer(std::string_view text, std::size_t line);

// What the media room speaks itself, and so converts into each other: PCMU, PCMA, G722, opus/48000/2.
bool is_ours(const Payload& payload);
bool is_sound(const Payload& payload);  // neither telephone-event nor comfort noise
const Payload* first_sound(const Payloads& payloads);

// Those of PCMU, PCMA, G722 and opus that are named, and telephone-event 0-16 as 101.
Payloads own_payloads(const std::vector<std::string>& codecs);

// What to offer a new party when its peer is agreed on `fixed` (may be empty) and has shown `can`: the fixed ones
// first, then the others, then those of `own` that are missing, if the peer has anything they can be converted to.
Payloads offer_for(const Payloads& fixed, const Payloads& can, const Payloads& own);

// What the offer's payloads became by the answer. Numbers as the answer has them; empty: nothing audible.
Payloads settle(const Payloads& offered, const Payloads& answered);

// What of `can` to agree on with a party whose peer is agreed on `peer`, with the numbers of `can` and the parameters
// of `peer`, in the order of `peer`. If they share no sound but both have formats of ours: those of `can`, to be
// converted. Empty: nothing.
Payloads share(const Payloads& can, const Payloads& peer);

// What of `can` we can serve alone: formats of ours and one telephone-event. Empty: none of ours.
Payloads own_share(const Payloads& can);

// Does sound flow both ways between parties so agreed, passed through or converted?
bool flows(const Payloads& a, const Payloads& b);

Agreement agreement(const Remote& remote, Payloads payloads, bool mux);

}  // namespace tandem::connector
