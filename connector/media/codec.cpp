#include "connector/media/codec.h"

#include <opus/opus.h>
#include <spandsp.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <new>
#include <stdexcept>

#include "connector/media/g711.h"

namespace tandem::connector::media {
namespace {

constexpr int opus_rate = 16000;
constexpr int opus_bit_rate = 24000;  // wideband speech is transparent from about 20 kbit/s on
constexpr int opus_complexity = 1;    // each step above costs a tenth of a core per hundred parties and is hardly heard
constexpr int opus_expected_loss = 5;  // percent; keeps the spare copy of each frame (in-band FEC) in use

}  // namespace

Coding coding_of(const Payload& payload) {
  const auto named = [&](const char* name) { return boost::algorithm::iequals(payload.encoding, name); };
  if (named("opus") && payload.clock_rate == 48000) return Coding::Opus;
  if (payload.clock_rate != 8000 || payload.channels > 1) return Coding::None;
  if (named("PCMU")) return Coding::Pcmu;
  if (named("PCMA")) return Coding::Pcma;
  if (named("G722")) return Coding::G722;
  return Coding::None;
}

Instant duration_of(Coding coding, std::span<const std::uint8_t> payload) {
  Instant duration{0};
  if (coding == Coding::Opus) {
    const int samples =
        payload.empty() ? 0 : opus_packet_get_nb_samples(payload.data(), static_cast<int>(payload.size()), 48000);
    duration = samples > 0 ? std::chrono::nanoseconds(samples * 1'000'000ll / 48) : Instant{0};
  } else if (coding != Coding::None) {
    duration = std::chrono::microseconds(125 * payload.size());
  }
  return duration <= 120ms ? duration : Instant{0};
}

void Decoder::Close::operator()(g722_decode_state_s* decoder) const {
  g722_decode_free(decoder);
}
void Decoder::Close::operator()(OpusDecoder* decoder) const {
  opus_decoder_destroy(decoder);
}
void Encoder::Close::operator()(g722_encode_state_s* encoder) const {
  g722_encode_free(encoder);
}
void Encoder::Close::operator()(OpusEncoder* encoder) const {
  opus_encoder_destroy(encoder);
}

Decoder::Decoder(Coding coding) : coding_(coding) {
  if (coding == Coding::G722) {
    g722_.reset(g722_decode_init(nullptr, 64000, 0));
    if (!g722_) throw std::bad_alloc();
  } else if (coding == Coding::Opus) {
    int error = 0;
    opus_.reset(opus_decoder_create(opus_rate, 1, &error));
    if (!opus_) throw std::runtime_error(std::string("opus decoder: ") + opus_strerror(error));
  }
}

std::span<std::int16_t> Decoder::decode(std::span<const std::uint8_t> payload, std::span<std::int16_t> out) {
  switch (coding_) {
    case Coding::None:
      return {};
    case Coding::Pcmu:
    case Coding::Pcma: {
      const auto count = std::min(payload.size(), out.size());
      const auto& table = coding_ == Coding::Pcma ? pcma_to_linear() : pcmu_to_linear();
      for (std::size_t i = 0; i < count; ++i) out[i] = table[payload[i]];
      return out.first(count);
    }
    case Coding::G722: {
      const auto count = std::min(payload.size(), out.size() / 2);
      const int samples = g722_decode(g722_.get(), out.data(), payload.data(), static_cast<int>(count));
      return out.first(static_cast<std::size_t>(std::max(0, samples)));
    }
    case Coding::Opus: {
      const int samples = opus_decode(opus_.get(), payload.data(), static_cast<opus_int32>(payload.size()), out.data(),
                                      static_cast<int>(out.size()), 0);
      return out.first(static_cast<std::size_t>(std::max(0, samples)));
    }
  }
  return {};
}

std::span<std::int16_t> Decoder::conceal(std::size_t samples, std::span<const std::uint8_t> next,
                                         std::span<std::int16_t> out) {
  if (coding_ != Coding::Opus) return {};
  // In steps of 2.5 ms.
  samples = std::min(samples, out.size()) / 40 * 40;
  if (samples == 0) return {};
  const int made = opus_decode(opus_.get(), next.empty() ? nullptr : next.data(), static_cast<opus_int32>(next.size()),
                               out.data(), static_cast<int>(samples), next.empty() ? 0 : 1);
  return out.first(static_cast<std::size_t>(std::max(0, made)));
}

Encoder::Encoder(Coding coding) : coding_(coding) {
  if (coding == Coding::G722) {
    g722_.reset(g722_encode_init(nullptr, 64000, 0));
    if (!g722_) throw std::bad_alloc();
  } else if (coding == Coding::Opus) {
    int error = 0;
    opus_.reset(opus_encoder_create(opus_rate, 1, OPUS_APPLICATION_VOIP, &error));
    if (!opus_) throw std::runtime_error(std::string("opus encoder: ") + opus_strerror(error));
    opus_encoder_ctl(opus_.get(), OPUS_SET_BITRATE(opus_bit_rate));
    opus_encoder_ctl(opus_.get(), OPUS_SET_COMPLEXITY(opus_complexity));
    opus_encoder_ctl(opus_.get(), OPUS_SET_INBAND_FEC(1));
    opus_encoder_ctl(opus_.get(), OPUS_SET_PACKET_LOSS_PERC(opus_expected_loss));
  }
}

std::span<std::uint8_t> Encoder::encode(std::span<const std::int16_t> samples,
                                        std::span<std::uint8_t, most_encoded_octets> out) {
  switch (coding_) {
    case Coding::None:
      return {};
    case Coding::Pcmu:
      std::transform(samples.begin(), samples.end(), out.begin(), encode_pcmu);
      return out.first(samples.size());
    case Coding::Pcma:
      std::transform(samples.begin(), samples.end(), out.begin(), encode_pcma);
      return out.first(samples.size());
    case Coding::G722: {
      const int size = g722_encode(g722_.get(), out.data(), samples.data(), static_cast<int>(samples.size()));
      return out.first(static_cast<std::size_t>(std::max(0, size)));
    }
    case Coding::Opus: {
      const auto size = opus_encode(opus_.get(), samples.data(), static_cast<int>(samples.size()), out.data(),
                                    static_cast<opus_int32>(out.size()));
      return out.first(static_cast<std::size_t>(std::max(0, size)));
    }
  }
  return {};
}

}  // namespace tandem::connector::media
