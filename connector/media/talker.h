// What one party says, made an even flow of 20 ms frames: jitter taken out, codecs decoded, losses concealed, the
// sender's clock followed. Exists only while somebody needs its samples. Pure but for the codecs' own memory.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "connector/media/codec.h"
#include "connector/media/conceal.h"
#include "connector/media/jitter_buffer.h"
#include "connector/media/rtp.h"

namespace tandem::connector::media {

class Talker {
 public:
  explicit Talker(JitterSettings settings = {});

  // Another SSRC, or a sequence that jumped: begins anew. Coding None: events and comfort noise.
  void packet(Coding coding, std::uint32_t clock_rate, const RtpHeader& header, std::span<const std::uint8_t> payload,
              Instant now);

  // Once every 20 ms. False: it says nothing (pauses without packets, or hasn't begun), samples() are silence.
  bool pull();
  std::span<const std::int16_t> samples() const { return std::span(frame_).first(frame_size()); }
  std::uint32_t rate() const { return rate_; }
  bool speaking() const { return speaking_; }  // as of the last pull()

  Instant delay() const { return buffer_.delay(); }
  Instant wanted() const { return buffer_.wanted(); }
  std::uint64_t concealed_frames() const { return concealed_; }

 private:
  std::size_t frame_size() const { return rate_ / 50; }
  Instant length_of(std::size_t samples) const {
    return std::chrono::nanoseconds(static_cast<std::int64_t>(samples) * 1'000'000'000ll / rate_);
  }
  std::size_t samples_in(Instant time) const {
    return static_cast<std::size_t>(std::max<std::int64_t>(0, time.count()) * rate_ / 1'000'000'000ll);
  }
  bool fill(std::size_t wanted);
  void decode(const JitterBuffer::Packet& packet);
  void append(std::span<std::int16_t> samples);
  void conceal(Instant time, std::span<const std::uint8_t> next);
  void follow_clock();
  void use(Coding coding);
  void stop();

  JitterBuffer buffer_;
  std::unique_ptr<Decoder> decoder_;
  Coding coding_ = Coding::None;
  std::uint32_t rate_ = 8000;
  std::uint32_t ssrc_ = 0;
  bool any_ = false;
  std::unique_ptr<Concealer> concealer_;
  std::vector<std::int16_t> ready_;  // decoded, not played
  std::array<std::int16_t, most_packet_samples> decoded_{};
  std::array<std::int16_t, most_frame_samples> frame_{};
  bool speaking_ = false;
  bool fresh_ = true;           // the next samples are the first after silence
  Instant covered_{0};          // concealed since the last packet, before it was known to be lost
  int pulls_waited_ = 0;        // since the first packet that waits to begin
  int pulls_since_change_ = 0;  // of the delay
  std::uint64_t concealed_ = 0;
};

}  // namespace tandem::connector::media
