// Who hears whom: scenes, and what follows from them for each endpoint.
#include <algorithm>

#include "connector/media/worker.h"

namespace tandem::connector::media {
namespace {

constexpr int mix_waits_at_most = 10;  // 200 ms; a talker who says nothing for so long isn't waited for

}  // namespace

void Worker::on(MediaScene& message) {
  auto& scene = scenes_[message.scene];
  if (!scene) scene = std::make_unique<Scene>();
  scene->id = message.scene;
  for (auto* endpoint : scene->endpoints) endpoint->scene = nullptr;
  const auto before = std::exchange(scene->endpoints, {});
  scene->members.clear();
  for (auto& member : message.members) {
    auto* endpoint = find(member.media);
    if (endpoint == nullptr || endpoint->scene == scene.get()) continue;
    if (endpoint->scene != nullptr) leave_scene(*endpoint);
    endpoint->scene = scene.get();
    scene->endpoints.push_back(endpoint);
    scene->members.push_back(std::move(member));
  }
  for (auto* endpoint : before) {
    if (endpoint->scene == nullptr) alone(*endpoint);
  }
  arrange(*scene);
  if (scene->endpoints.empty()) scenes_.erase(message.scene);
}

// It hears nothing and nobody hears it.
void Worker::alone(WireEndpoint& endpoint) {
  endpoint.relays.clear();
  endpoint.relayed_from = nullptr;
  endpoint.mixed.clear();
  endpoint.in_mix = false;
  if (!endpoint.recorder) endpoint.talker.reset();
  set_sound(endpoint, Sound::Others, "");
}

void Worker::leave_scene(WireEndpoint& endpoint) {
  auto* scene = std::exchange(endpoint.scene, nullptr);
  alone(endpoint);
  if (scene == nullptr) return;
  const auto at = std::find(scene->endpoints.begin(), scene->endpoints.end(), &endpoint);
  scene->members.erase(scene->members.begin() + (at - scene->endpoints.begin()));
  scene->endpoints.erase(at);
  arrange(*scene);
  if (scene->endpoints.empty()) scenes_.erase(scene->id);
}

// Everything that follows from who is in the scene and what their legs agreed.
void Worker::arrange(Scene& scene) {
  std::vector<SceneParty> parties;
  for (std::size_t i = 0; i < scene.members.size(); ++i) {
    const auto& endpoint = *scene.endpoints[i];
    parties.push_back({&scene.members[i], endpoint.agreed ? &endpoint.agreement.payloads : nullptr, endpoint.speaks,
                       endpoint.comes_with});
  }
  const auto plan = plan_scene(parties);
  for (auto* endpoint : scene.endpoints) endpoint->relays.clear();
  const auto link = [](WireEndpoint& from, WireEndpoint& to, bool events_only) {
    from.relays.push_back({&to, events_only, payload_rules(from.agreement.payloads, to.agreement.payloads)});
  };
  for (std::size_t i = 0; i < plan.size(); ++i) {
    auto& listener = *scene.endpoints[i];
    const bool sounds = plan[i].how == Hearing::How::Sound;
    set_sound(listener, sounds ? scene.members[i].sound : Sound::Others, sounds ? scene.members[i].music : "");
    const auto* heard_before = std::exchange(listener.relayed_from, nullptr);
    if (plan[i].how == Hearing::How::Relay) {
      listener.relayed_from = scene.endpoints[plan[i].talkers.front()];
      link(*listener.relayed_from, listener, false);
    } else if (plan[i].how == Hearing::How::Mix) {
      for (const auto place : plan[i].talkers) {
        auto& talker = *scene.endpoints[place];
        if (&talker == heard_before && relay_fits(parties[place], listener.agreement.payloads)) {
          // Goes on until the mix has begun to say the same.
          listener.relayed_from = &talker;
          listener.mix_waits = mix_waits_at_most;
          link(talker, listener, false);
        } else {
          link(talker, listener, true);
        }
      }
    }
  }
  plan_mix(scene, plan);
}

void Worker::plan_mix(Scene& scene, const std::vector<Hearing>& plan) {
  auto& mix = scene.mix;
  const bool mixed_before = !mix.groups.empty();
  mix = Mix{};
  std::vector<std::uint16_t> place_of(plan.size(), 0);  // among the talkers, counted from 1
  for (std::size_t i = 0; i < plan.size(); ++i) {
    if (plan[i].how != Hearing::How::Mix || scene.endpoints[i]->coding == Coding::None) continue;
    if (sample_rate(scene.endpoints[i]->coding) == 16000) mix.rate = 16000;
    for (const auto place : plan[i].talkers) {
      if (place_of[place] != 0) continue;
      auto& talker = *scene.endpoints[place];
      mix.talkers.push_back(&talker);
      place_of[place] = static_cast<std::uint16_t>(mix.talkers.size());
      const auto coming = talker.comes_with >= 0 ? talker.comes_with : talker.expected_number;
      if (sample_rate(talker.rules[static_cast<std::size_t>(coming & 0x7f)].coding) == 16000) mix.rate = 16000;
    }
  }
  for (std::size_t i = 0; i < plan.size(); ++i) {
    auto& listener = *scene.endpoints[i];
    if (plan[i].how != Hearing::How::Mix || listener.coding == Coding::None) {
      listener.mixed.clear();
      continue;
    }
    std::vector<std::uint16_t> sources, faded;
    std::vector<MediaId> heard;
    for (const auto place : plan[i].talkers) {
      sources.push_back(static_cast<std::uint16_t>(place_of[place] - 1));
      heard.push_back(scene.endpoints[place]->id);
    }
    std::sort(sources.begin(), sources.end());
    for (std::size_t place = 0; place < mix.talkers.size(); ++place) {
      const auto& was = listener.mixed;
      if (std::find(was.begin(), was.end(), mix.talkers[place]->id) != was.end())
        faded.push_back(static_cast<std::uint16_t>(place));
    }
    listener.mixed = std::move(heard);
    const bool fade = faded != sources && listener.relayed_from == nullptr;
    const auto group = std::find_if(mix.groups.begin(), mix.groups.end(), [&](const MixGroup& other) {
      return other.coding == listener.coding && other.sources == sources && other.fade == fade && other.faded == faded;
    });
    if (group != mix.groups.end()) {
      group->listeners.push_back(&listener);
    } else {
      mix.groups.push_back({std::move(sources), {&listener}, listener.coding, std::move(faded), fade});
    }
  }
  for (auto* endpoint : scene.endpoints) {
    const bool needed = std::find(mix.talkers.begin(), mix.talkers.end(), endpoint) != mix.talkers.end();
    endpoint->in_mix = needed;
    if (!needed) {
      if (!endpoint->recorder) endpoint->talker.reset();
      schedule(*endpoint);  // a recording pulls it by itself now
    } else if (!endpoint->talker) {
      endpoint->talker = std::make_unique<Talker>();
    }
  }
  if (mixed_before == !mix.groups.empty()) return;
  if (mixed_before) {
    std::erase(mixing_[scene.phase], &scene);
  } else {
    scene.phase = next_phase_++ % phases;
    mixing_[scene.phase].push_back(&scene);
  }
  arm_timer();
}

// The party changed its format: some may no longer be able to hear it as it comes.
void Worker::voice_comes_with(WireEndpoint& endpoint, int payload_number) {
  const bool first_agreed = endpoint.comes_with < 0 && payload_number == endpoint.expected_number;
  endpoint.comes_with = payload_number;
  if (!first_agreed && endpoint.scene != nullptr) arrange(*endpoint.scene);
}

void Worker::set_sound(WireEndpoint& endpoint, Sound sound, const std::string& music_wanted) {
  endpoint.hears_music = sound == Sound::Music;
  endpoint.music = music_wanted;
  switch (sound) {
    case Sound::Others:
      endpoint.scene_sound = nullptr;
      break;
    case Sound::Ringback:
      endpoint.scene_sound = clips_->ringback;
      break;
    case Sound::Busy:
      endpoint.scene_sound = clips_->busy;
      break;
    case Sound::FastBusy:
      endpoint.scene_sound = clips_->fast_busy;
      break;
    case Sound::Silence:
      endpoint.scene_sound = clips_->silence;
      break;
    case Sound::Music:
      endpoint.scene_sound = music(endpoint);
      break;
  }
  endpoint.player.loop(endpoint.scene_sound);
  schedule(endpoint);
}

}  // namespace tandem::connector::media
