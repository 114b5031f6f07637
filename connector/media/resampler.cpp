#include "connector/media/resampler.h"

#include <speex/speex_resampler.h>

#include <algorithm>
#include <stdexcept>

namespace tandem::connector::media {

void Resampler::Close::operator()(SpeexResamplerState_* state) const {
  speex_resampler_destroy(state);
}

Resampler::Resampler(std::uint32_t from, std::uint32_t to, Quality quality) : from_(from), to_(to) {
  int error = 0;
  state_.reset(speex_resampler_init(1, from, to, static_cast<int>(quality), &error));
  if (!state_) throw std::runtime_error(std::string("resampler: ") + speex_resampler_strerror(error));
}

std::span<std::int16_t> Resampler::process(std::span<const std::int16_t> in, std::span<std::int16_t> out) {
  std::size_t done = 0;
  while (!in.empty() && done < out.size()) {
    auto taken = static_cast<spx_uint32_t>(in.size());
    auto made = static_cast<spx_uint32_t>(out.size() - done);
    if (speex_resampler_process_int(state_.get(), 0, in.data(), &taken, out.data() + done, &made) != 0 ||
        (taken == 0 && made == 0))
      break;
    in = in.subspan(taken);
    done += made;
  }
  return out.first(done);
}

std::vector<std::int16_t> resampled(const std::vector<std::int16_t>& mono, std::uint32_t from, std::uint32_t to) {
  if (from == to || mono.empty()) return mono;
  Resampler resampler(from, to, Resampler::Quality::File);
  speex_resampler_skip_zeros(resampler.state_.get());
  std::vector<std::int16_t> out(static_cast<std::size_t>(static_cast<std::uint64_t>(mono.size()) * to / from));
  auto done = resampler.process(mono, out).size();
  // The end comes out when silence is pushed behind it.
  const std::vector<std::int16_t> silence(4096, 0);
  while (done < out.size()) {
    const auto more = resampler.process(silence, std::span(out).subspan(done)).size();
    if (more == 0) break;
    done += more;
  }
  return out;
}

}  // namespace tandem::connector::media
