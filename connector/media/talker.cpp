#include "connector/media/talker.h"

#include <algorithm>
#include <utility>

namespace tandem::connector::media {
namespace {

constexpr Instant stop_after = 80ms;       // concealed so long: it says nothing
constexpr Instant too_late = 10ms;         // later than wanted by this: shortened
constexpr Instant too_soon = 4ms;          // sooner than wanted by this: lengthened
constexpr int pulls_between_changes = 4;   // pitch periods are taken out or put in 80 ms apart at least
constexpr std::size_t fade_divider = 200;  // of a second: 5 ms

}  // namespace

Talker::Talker(JitterSettings settings) : buffer_(settings), concealer_(std::make_unique<Concealer>(8000)) {
  ready_.reserve(2 * most_packet_samples);
}

void Talker::packet(Coding coding, std::uint32_t clock_rate, const RtpHeader& header,
                    std::span<const std::uint8_t> payload, Instant now) {
  if (!any_ || header.ssrc != ssrc_) {
    any_ = true;
    ssrc_ = header.ssrc;
    buffer_.clear();
    covered_ = Instant{0};
  }
  const auto duration = duration_of(coding, payload);
  if (duration == 0ns) coding = Coding::None;
  buffer_.put({coding, header.sequence, header.timestamp, clock_rate, duration, payload}, now,
              length_of(ready_.size()));
}

void Talker::use(Coding coding) {
  coding_ = coding;
  decoder_ = std::make_unique<Decoder>(coding);
  const auto rate = sample_rate(coding);
  if (rate == rate_) return;
  rate_ = rate;
  ready_.clear();
  concealer_ = std::make_unique<Concealer>(rate);
  fresh_ = true;
}

void Talker::append(std::span<std::int16_t> samples) {
  concealer_->heard(samples);
  ready_.insert(ready_.end(), samples.begin(), samples.end());
}

void Talker::decode(const JitterBuffer::Packet& packet) {
  if (packet.coding == Coding::None) return;  // a pause follows, or the same voice goes on
  if (packet.coding != coding_) use(packet.coding);
  auto samples = decoder_->decode(packet.payload, decoded_);
  covered_ = Instant{0};
  if (coding_ != Coding::Opus) concealer_->resume(samples);
  if (std::exchange(fresh_, false)) {
    const auto count = std::min<std::size_t>(samples.size(), rate_ / fade_divider);
    for (std::size_t i = 0; i < count; ++i)
      samples[i] = static_cast<std::int16_t>(samples[i] * static_cast<int>(i) / static_cast<int>(count));
  }
  append(samples);
}

void Talker::conceal(Instant time, std::span<const std::uint8_t> next) {
  auto left = std::min(samples_in(time), decoded_.size());
  ++concealed_;
  if (coding_ == Coding::Opus) {
    const auto made = decoder_->conceal(left, next, decoded_);
    ready_.insert(ready_.end(), made.begin(), made.end());
    left -= made.size();
  }
  const auto at = ready_.size();
  ready_.resize(at + left);
  concealer_->conceal(std::span(ready_).subspan(at));
}

// So many samples made ready; false: it ended.
bool Talker::fill(std::size_t wanted) {
  while (ready_.size() < wanted) {
    const auto next = buffer_.take();
    switch (next.what) {
      case JitterBuffer::Next::What::Packet:
        decode(next.packet);
        // Another coding may mean another rate, and with it another number of samples.
        wanted = std::max(wanted, frame_size());
        break;
      case JitterBuffer::Next::What::Missing: {
        // What was made up while nothing came stands for it.
        const auto known = std::min(covered_, next.missing);
        covered_ -= known;
        buffer_.shifted(-known);
        const auto more = std::min<Instant>(next.missing - known, stop_after);
        if (more > 0ns)
          conceal(more, next.packet.coding == Coding::Opus ? next.packet.payload : std::span<const std::uint8_t>{});
        break;
      }
      case JitterBuffer::Next::What::Nothing: {
        if (covered_ >= stop_after) return false;
        const auto time = length_of(wanted - ready_.size());
        conceal(time + 1us, {});
        covered_ += time;
        buffer_.shifted(time);
        break;
      }
    }
  }
  return true;
}

void Talker::stop() {
  speaking_ = false;
  fresh_ = true;
  ready_.clear();
  concealer_->forget();
  covered_ = Instant{0};
  pulls_waited_ = 0;
}

void Talker::follow_clock() {
  if (++pulls_since_change_ < pulls_between_changes || covered_ > 0ns) return;
  const auto off = buffer_.delay() - buffer_.wanted();
  if (off > too_late) {
    const auto enough = rate_ * 3 / 100;
    while (ready_.size() < enough && !buffer_.empty()) {
      const auto before = ready_.size();
      if (!fill(std::min<std::size_t>(before + 1, enough))) break;
    }
    if (ready_.size() < enough) return;
    buffer_.shifted(-length_of(shorten(ready_, rate_)));
    pulls_since_change_ = 0;
  } else if (off < -too_soon) {
    buffer_.shifted(length_of(lengthen(ready_, rate_)));
    pulls_since_change_ = 0;
  }
}

bool Talker::pull() {
  if (!speaking_) {
    if (buffer_.empty()) {
      frame_.fill(0);
      return false;
    }
    // It begins once what waits lasts for the delay wanted, or would have if all had come.
    const auto wait = static_cast<int>(buffer_.wanted() / frame_time) + 1;
    if (buffer_.waiting() < frame_time + buffer_.wanted() && pulls_waited_ < wait) {
      ++pulls_waited_;
      frame_.fill(0);
      return false;
    }
    pulls_waited_ = 0;
    speaking_ = true;
    buffer_.begins(std::max(buffer_.waiting() - frame_time, Instant{0}));
  }
  if (!fill(frame_size())) {
    stop();
    frame_.fill(0);
    return false;
  }
  follow_clock();
  const auto count = frame_size();
  if (ready_.size() < count) ready_.resize(count, 0);
  std::copy_n(ready_.begin(), count, frame_.begin());
  ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(count));
  return true;
}

}  // namespace tandem::connector::media
