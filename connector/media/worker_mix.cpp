// The rounds of mixes: every 20 ms each talker's frame is taken, and each group of listeners gets its sum.
#include <algorithm>

#include "connector/media/worker.h"

namespace tandem::connector::media {
namespace {

std::span<const std::int16_t> at_rate(std::uint32_t rate, std::span<const std::int16_t> samples, std::uint32_t from,
                                      std::unique_ptr<Resampler>& resampler, std::span<std::int16_t> out) {
  if (rate == from) return samples;
  if (!resampler || resampler->from() != from || resampler->to() != rate)
    resampler = std::make_unique<Resampler>(from, rate);
  return resampler->process(samples, out);
}

}  // namespace

// Is the listener to be sent the mix now? While it still hears the one it heard packet by packet, not yet.
bool Worker::takes_mix(WireEndpoint& listener, const Mix& mix) {
  if (listener.relayed_from != nullptr) {
    const auto talker = std::find(mix.talkers.begin(), mix.talkers.end(), listener.relayed_from);
    if (talker != mix.talkers.end()) {
      if (!(*talker)->talker->speaking() && --listener.mix_waits > 0) return false;
      for (auto& link : (*talker)->relays) {
        if (link.to == &listener) link.events_only = true;
      }
    }
    listener.relayed_from = nullptr;
  }
  return listener.can_hear() && !listener.occupied() && now_ >= listener.mix_pauses_until;
}

void Worker::mix(Scene& scene) {
  auto& mix = scene.mix;
  const std::size_t size = mix.rate / 50;
  round_.begin(size);
  for (auto* endpoint : mix.talkers) {
    auto& talker = *endpoint->talker;
    const bool speaking = talker.pull();
    if (endpoint->recorder) record(*endpoint);
    auto samples = talker.samples();
    if (speaking) samples = at_rate(mix.rate, samples, talker.rate(), endpoint->to_scene_rate, endpoint->at_scene_rate);
    round_.voice(samples, speaking);
  }
  std::array<std::int16_t, most_frame_samples> sum, before, own;
  const auto out = std::span(sum).first(size);
  for (auto& group : mix.groups) {
    bool wanted = false;
    for (auto* listener : group.listeners) {
      listener->takes_mix_now = takes_mix(*listener, mix);
      wanted |= listener->takes_mix_now;
    }
    if (!wanted) continue;
    auto& leader = *group.listeners.front();
    if (std::exchange(group.fade, false)) {
      auto limiter = leader.limiter;
      limiter.apply(round_.sum(group.faded), std::span(before).first(size));
      leader.limiter.apply(round_.sum(group.sources), out);
      crossfade(std::span(before).first(size), out);
    } else {
      leader.limiter.apply(round_.sum(group.sources), out);
    }
    const auto rate = sample_rate(group.coding);
    const auto octets =
        encode(leader, at_rate(rate, out, mix.rate, leader.to_own_rate, std::span(own).first(rate / 50)));
    for (auto* listener : group.listeners) {
      if (listener->takes_mix_now) send_frame(*listener, octets);
    }
  }
}

}  // namespace tandem::connector::media
