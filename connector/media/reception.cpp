#include "connector/media/reception.h"

#include <algorithm>

namespace tandem::connector::media {
namespace {

constexpr int max_dropout = 3000;
constexpr int max_misorder = 100;

}  // namespace

void Reception::restart(const RtpHeader& header) {
  lost_before_ = lost();
  ssrc_ = header.ssrc;
  first_ = highest_ = header.sequence;
  received_ = expected_prior_ = received_prior_ = 0;
  have_transit_ = false;
  jitter_x16_ = 0;
  last_sr_ = 0;
}

void Reception::packet(const RtpHeader& header, std::uint32_t clock_rate, Instant now) {
  if (received_ == 0 || header.ssrc != ssrc_) {
    restart(header);
  } else {
    const int step =
        static_cast<std::int16_t>(static_cast<std::uint16_t>(header.sequence - static_cast<std::uint16_t>(highest_)));
    if (step > max_dropout || step < -max_misorder) {
      restart(header);
    } else if (step > 0) {
      highest_ += step;
    }
  }
  ++received_;
  if (clock_rate != clock_rate_) {
    clock_rate_ = clock_rate;
    have_transit_ = false;
  }
  const auto arrival =
      static_cast<std::uint32_t>(static_cast<std::uint64_t>(now.count() / 1000) * clock_rate / 1'000'000u);
  const std::uint32_t transit = arrival - header.timestamp;
  if (have_transit_) {
    const auto change = static_cast<std::int32_t>(transit - transit_);
    // A source whose timestamps jump isn't jittering.
    const auto magnitude = std::min<std::int64_t>(change < 0 ? -static_cast<std::int64_t>(change) : change, clock_rate);
    jitter_x16_ += static_cast<std::uint32_t>(magnitude) - ((jitter_x16_ + 8) >> 4);
  }
  transit_ = transit;
  have_transit_ = true;
}

void Reception::sender_report(const SenderInfo& info, Instant now) {
  last_sr_ = static_cast<std::uint32_t>(info.ntp >> 16);
  last_sr_at_ = now;
}

std::int64_t Reception::lost_now() const {
  if (received_ == 0) return 0;
  return highest_ - first_ + 1 - static_cast<std::int64_t>(received_);
}

std::uint64_t Reception::lost() const {
  return lost_before_ + static_cast<std::uint64_t>(std::max<std::int64_t>(0, lost_now()));
}

double Reception::jitter_ms() const {
  return (jitter_x16_ / 16.0) * 1000.0 / clock_rate_;
}

std::optional<ReportBlock> Reception::report(Instant now) {
  if (received_ == 0) return std::nullopt;
  ReportBlock block;
  block.ssrc = ssrc_;
  const auto expected = static_cast<std::uint64_t>(highest_ - first_ + 1);
  const auto expected_since = static_cast<std::int64_t>(expected - expected_prior_);
  const auto lost_since = expected_since - static_cast<std::int64_t>(received_ - received_prior_);
  expected_prior_ = expected;
  received_prior_ = received_;
  if (expected_since > 0 && lost_since > 0) {
    block.fraction_lost = static_cast<std::uint8_t>(std::min<std::int64_t>(255, lost_since * 256 / expected_since));
  }
  block.lost = static_cast<std::int32_t>(std::clamp<std::int64_t>(lost_now(), -0x800000, 0x7fffff));
  block.highest_sequence = static_cast<std::uint32_t>(highest_);
  block.jitter = jitter_x16_ >> 4;
  block.last_sr = last_sr_;
  if (last_sr_ != 0)
    block.delay_since_last_sr = static_cast<std::uint32_t>((now - last_sr_at_).count() * 65536 / 1'000'000'000);
  return block;
}

}  // namespace tandem::connector::media
