// What arrived from a party, counted as RFC 3550 appendix A says: loss by sequence gaps, interarrival jitter, report
// blocks. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "common/base/time.h"
#include "connector/media/rtp.h"

namespace tandem::connector::media {

class Reception {
 public:
  void packet(const RtpHeader& header, std::uint32_t clock_rate, Instant now);
  // A sender report came: its middle 32 NTP bits go back in our reports.
  void sender_report(const SenderInfo& info, Instant now);

  bool any() const { return received_ > 0; }
  std::uint32_t ssrc() const { return ssrc_; }
  std::uint64_t lost() const;  // over all streams of this party
  double jitter_ms() const;    // of the present stream
  // Report about the present stream since the last report; none before the first packet.
  std::optional<ReportBlock> report(Instant now);

 private:
  void restart(const RtpHeader& header);
  std::int64_t lost_now() const;

  std::uint32_t ssrc_ = 0;
  std::uint32_t clock_rate_ = 8000;
  std::int64_t first_ = 0, highest_ = 0;  // unwrapped sequence numbers
  std::uint64_t received_ = 0;            // of this stream
  std::uint64_t lost_before_ = 0;         // by earlier streams
  std::uint64_t expected_prior_ = 0, received_prior_ = 0;
  std::uint32_t transit_ = 0;
  std::uint32_t jitter_x16_ = 0;
  bool have_transit_ = false;
  std::uint32_t last_sr_ = 0;
  Instant last_sr_at_{0};
};

}  // namespace tandem::connector::media
