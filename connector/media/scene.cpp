#include "connector/media/scene.h"

#include <algorithm>

#include "connector/media/payloads.h"

namespace tandem::connector::media {
namespace {

bool hears(const SceneParty& listener, const SceneParty& talker) {
  if (&listener == &talker || !talker.member->talks || !talker.speaks || talker.payloads == nullptr) return false;
  const auto& by = talker.member->heard_by;
  return by.empty() || std::find(by.begin(), by.end(), listener.member->media) != by.end();
}

}  // namespace

bool relay_fits(const SceneParty& from, const std::vector<Payload>& to) {
  const auto* first = sending_payload(*from.payloads);
  if (first == nullptr) return false;
  const int number = from.comes_with >= 0         ? from.comes_with
                     : first->receive_number >= 0 ? first->receive_number
                                                  : first->number;
  return payload_rules(*from.payloads, to)[static_cast<std::size_t>(number & 0x7f)].how != Relaying::Drop;
}

std::vector<Hearing> plan_scene(const std::vector<SceneParty>& parties) {
  std::vector<Hearing> plan(parties.size());
  for (std::size_t i = 0; i < parties.size(); ++i) {
    const auto& listener = parties[i];
    auto& hearing = plan[i];
    if (!listener.member->listens || listener.payloads == nullptr) continue;
    if (listener.member->sound != Sound::Others) {
      hearing.how = Hearing::How::Sound;
      continue;
    }
    for (std::size_t j = 0; j < parties.size(); ++j) {
      if (hears(listener, parties[j])) hearing.talkers.push_back(j);
    }
    if (hearing.talkers.empty()) continue;
    const bool one = hearing.talkers.size() == 1;
    hearing.how = one && relay_fits(parties[hearing.talkers.front()], *listener.payloads) ? Hearing::How::Relay
                                                                                          : Hearing::How::Mix;
  }
  return plan;
}

}  // namespace tandem::connector::media
