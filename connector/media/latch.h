// Symmetric RTP: where a party really is. Believes the signalled address, follows a NAT, and keeps strangers out. Pure.
//
// - Before MediaConnect nobody is believed.
// - Then the first valid packet from the signalled IP address, on whatever port, settles where the party is.
// - A party behind a NAT may signal an address that isn't the one it sends from. So for `window` after MediaConnect,
// another
//   address is believed once `probation` packets of one SSRC came from it in sequence, and nothing from the signalled
//   one. Until the window is over the signalled IP address still wins if it speaks.
// - Once settled, others are strangers. The same SSRC is believed at a new address only after the known one was silent
// for
//   `relatch_after` (a NAT that changed its mapping, a phone that changed its network).
// - A MediaConnect with another remote address starts again. One with the same address (a session refresh) keeps what
// is known,
//   and opens the window again for the case that what is known falls silent.
#pragma once

#include <cstdint>

#include "common/base/time.h"
#include "connector/media/address.h"
#include "connector/media/rtp.h"

namespace tandem::connector::media {

struct LatchSettings {
  Instant window = 10s;
  Instant relatch_after = 2s;
  int probation = 3;
};

class Latch {
 public:
  enum class Verdict {
    Accepted,  // from where the party is known to be
    Moved,     // accepted, and the party is known to be there from now on
    Stranger,  // to be dropped
  };

  void expect(const Address& signalled, Instant now);
  Verdict judge(const Address& from, const RtpHeader& header, Instant now, const LatchSettings& settings);
  // Where packets to the party go: the known address, else the signalled one.
  const Address& target() const { return settled_ ? known_ : signalled_; }
  bool settled() const { return settled_; }
  const Address& signalled() const { return signalled_; }

 private:
  Verdict settle(const Address& at, const RtpHeader& header, Instant now);
  bool passes_probation(const Address& from, const RtpHeader& header, const LatchSettings& settings);

  Address signalled_, known_, candidate_;
  Instant expected_at_{0}, heard_at_{0};
  std::uint32_t ssrc_ = 0, candidate_ssrc_ = 0;
  std::uint16_t candidate_sequence_ = 0;
  std::int16_t candidate_count_ = 0;
  bool expected_ = false, settled_ = false;
};

}  // namespace tandem::connector::media
