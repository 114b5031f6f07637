// Who hears whom: scenes, and what follows from them for each endpoint.
#include <algorithm>

#include "connector/media/worker.h"

namespace tandem::connector::media {

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
  set_sound(endpoint, Sound::Others);
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
  for (std::size_t i = 0; i < plan.size(); ++i) {
    auto& listener = *scene.endpoints[i];
    set_sound(listener, plan[i].how == Hearing::How::Sound ? scene.members[i].sound : Sound::Others);
    if (plan[i].how != Hearing::How::Relay) continue;
    auto& talker = *scene.endpoints[plan[i].talkers.front()];
    talker.relays.push_back({&listener, payload_rules(talker.agreement.payloads, listener.agreement.payloads)});
  }
}

// The party changed its format: some may no longer be able to hear it as it comes.
void Worker::voice_comes_with(WireEndpoint& endpoint, int payload_number) {
  const bool first_agreed = endpoint.comes_with < 0 && payload_number == endpoint.expected_number;
  endpoint.comes_with = payload_number;
  if (!first_agreed && endpoint.scene != nullptr) arrange(*endpoint.scene);
}

void Worker::set_sound(WireEndpoint& endpoint, Sound sound) {
  const FrameRing* ring = nullptr;
  switch (sound) {
    case Sound::Others:
      break;
    case Sound::Ringback:
      ring = &rings_.ringback;
      break;
    case Sound::Busy:
      ring = &rings_.busy;
      break;
    case Sound::FastBusy:
      ring = &rings_.fast_busy;
      break;
    case Sound::Silence:
    case Sound::Music:
      ring = &rings_.silence;
      break;
  }
  endpoint.scene_sound = ring != nullptr && !ring->empty() ? ring : nullptr;
  choose_tone(endpoint);
}

void Worker::choose_tone(WireEndpoint& endpoint) {
  const auto* tone = endpoint.ordered_tone != nullptr ? endpoint.ordered_tone : endpoint.scene_sound;
  if (tone == endpoint.tone) return;
  const bool played = endpoint.tone != nullptr;
  endpoint.tone = tone;
  endpoint.tone_position = 0;
  if (tone != nullptr && !played) playing_.push_back(&endpoint);
  if (tone == nullptr) std::erase(playing_, &endpoint);
}

}  // namespace tandem::connector::media
