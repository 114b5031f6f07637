// Prompts, music, recordings and digits: what the core orders for single endpoints.
#include <algorithm>

#include "connector/media/worker.h"

namespace tandem::connector::media {
namespace {

constexpr std::size_t most_music_files = 1000;  // remembered; those nobody hears are forgotten then

const Payload* events_of(const Agreement& agreement, Coding coding) {
  const Payload* found = nullptr;
  for (const auto& payload : agreement.payloads) {
    if (!is_telephone_event(payload)) continue;
    if (payload.clock_rate == clock_rate(coding)) return &payload;
    if (found == nullptr) found = &payload;
  }
  return found;
}

}  // namespace

void Worker::on(MediaPlay& message) {
  auto* endpoint = find(message.media);
  if (endpoint == nullptr) return;
  endpoint->player.play(0, {});
  endpoint->fetched_play.reset();
  if (message.prompts.empty()) return;
  endpoint->fetched_play = std::make_unique<MediaPlay>(std::move(message));
  fetch_prompts(*endpoint);
}

void Worker::fetch_prompts(const WireEndpoint& endpoint) {
  Fetch wanted;
  for (const auto& prompt : endpoint.fetched_play->prompts) {
    if (prompt.file.empty()) {
      wanted.wanted.push_back({WantedSound::Kind::Text, prompt.text, prompt.language});
    } else {
      wanted.wanted.push_back({WantedSound::Kind::Prompt, prompt.file, ""});
    }
  }
  wanted.reply = [mailbox = mailbox_, media = endpoint.id, play = endpoint.fetched_play->play](Fetched fetched) {
    mailbox->post(PromptsFetched{media, play, std::move(fetched)});
  };
  fetch(std::move(wanted));
}

void Worker::fetch(Fetch wanted) {
  ++fetching_;
  library_.post(std::move(wanted));
}

void Worker::fetched() {
  if (--fetching_ > 0) return;
  for (const auto& advance : std::exchange(held_, {})) pass(advance);
}

void Worker::on(PromptsFetched& message) {
  take(message);
  fetched();
}

void Worker::take(PromptsFetched& message) {
  auto* endpoint = find(message.media);
  if (endpoint == nullptr || !endpoint->fetched_play || endpoint->fetched_play->play != message.play) return;
  endpoint->fetched_play.reset();
  if (!message.fetched.failure.empty())
    return tell(MediaPlayed{message.media, message.play, true, message.fetched.failure});
  endpoint->player.play(message.play, std::move(message.fetched.clips));
  schedule(*endpoint);
}

// Silence until the file is there.
ClipPtr Worker::music(const WireEndpoint& endpoint) {
  const auto& file = endpoint.music.empty() ? music_file_ : endpoint.music;
  if (file.empty()) return clips_->silence;
  if (music_.size() > most_music_files)
    std::erase_if(music_,
                  [](const auto& entry) { return entry.second.clip.expired() && entry.second.waiting.empty(); });
  auto& known = music_[file];
  if (auto clip = known.clip.lock()) return clip;
  const bool asked = !known.waiting.empty();
  known.waiting.push_back(endpoint.id);
  if (asked) return clips_->silence;
  Fetch wanted;
  // What the configuration names may lie anywhere; what a request names is looked for in our folders only.
  const auto kind = file == music_file_ ? WantedSound::Kind::File : WantedSound::Kind::Prompt;
  wanted.wanted.push_back({kind, file, ""});
  wanted.reply = [mailbox = mailbox_, file](Fetched fetched) { mailbox->post(MusicFetched{file, std::move(fetched)}); };
  fetch(std::move(wanted));
  return clips_->silence;
}

void Worker::on(MusicFetched& message) {
  take(message);
  fetched();
}

void Worker::take(MusicFetched& message) {
  auto& known = music_[message.file];
  const auto waiting = std::exchange(known.waiting, {});
  if (!message.fetched.failure.empty()) {
    if (!std::exchange(known.failed, true) && callbacks_.trouble)
      callbacks_.trouble("music is silence: " + message.fetched.failure);
    return;
  }
  known.failed = false;
  const auto clip = message.fetched.clips.front();
  known.clip = clip;
  for (const auto media : waiting) {
    auto* endpoint = find(media);
    if (endpoint == nullptr || !endpoint->hears_music ||
        (endpoint->music.empty() ? music_file_ : endpoint->music) != message.file)
      continue;
    endpoint->scene_sound = clip;
    endpoint->player.loop(clip);
    schedule(*endpoint);
  }
}

void Worker::on(UseClips& message) {
  clips_ = std::move(message.clips);
}

void Worker::on(UseMusic& message) {
  music_file_ = std::move(message.file);
  for (const auto& [id, scene] : scenes_) arrange(*scene);
}

void Worker::on(MediaRecord& message) {
  auto* endpoint = find(message.media);
  if (endpoint == nullptr) return;
  if (endpoint->recorder) end_recording(*endpoint, MediaRecorded::End::Ordered);
  if (message.recording.empty()) return;
  RecorderSettings settings;
  settings.key = {message.media, message.play};
  const auto coming = endpoint->comes_with >= 0 ? endpoint->comes_with : endpoint->expected_number;
  settings.rate = sample_rate(endpoint->rules[static_cast<std::size_t>(coming & 0x7f)].coding);
  settings.limit = message.max_ms == 0
                       ? settings_.longest_recording
                       : std::min<Instant>(settings_.longest_recording, std::chrono::milliseconds(message.max_ms));
  settings.silence = std::chrono::milliseconds(message.silence_ms);
  settings.silence_dbm0 = settings_.recording_silence_dbm0;
  if (!library_.post(RecordingBegins{settings.key, message.recording, settings.rate})) {
    MediaRecorded refused{message.media, message.play, MediaRecorded::End::Failed, message.recording};
    refused.text = "the disk is too slow";
    return tell(std::move(refused));
  }
  endpoint->recorder = std::make_unique<Recorder>(settings);
  if (!endpoint->talker) endpoint->talker = std::make_unique<Talker>();
  schedule(*endpoint);
}

// The party's 20 ms; its talker was pulled just now.
void Worker::record(WireEndpoint& endpoint) {
  const auto end = endpoint.recorder->frame(endpoint.talker->samples(), endpoint.talker->rate());
  if (end) return end_recording(endpoint, *end);
  auto piece = endpoint.recorder->piece(false);
  if (piece && !library_.post(RecordingGoesOn{endpoint.recorder->key(), std::move(*piece)}))
    end_recording(endpoint, MediaRecorded::End::Failed);
}

void Worker::end_recording(WireEndpoint& endpoint, MediaRecorded::End end) {
  const auto key = endpoint.recorder->key();
  if (auto rest = endpoint.recorder->piece(true)) library_.post(RecordingGoesOn{key, std::move(*rest)});
  library_.post(RecordingEnds{key, end});
  endpoint.recorder.reset();
  if (!endpoint.in_mix) endpoint.talker.reset();
}

void Worker::on(MediaDigits& message) {
  auto* endpoint = find(message.media);
  if (endpoint == nullptr) return;
  if (events_of(endpoint->agreement, endpoint->coding) != nullptr) {
    endpoint->digits_out.add(message.digits);
  } else {
    for (const char digit : message.digits.substr(0, DigitSender::most_digits)) {
      const auto event = event_of(digit);
      if (event || digit == ',') endpoint->player.insert(event ? clips_->digits[*event] : clips_->pause);
    }
  }
  schedule(*endpoint);
}

void Worker::send_digit(WireEndpoint& endpoint) {
  const auto* events = events_of(endpoint.agreement, endpoint.coding);
  const auto clock = events != nullptr ? events->clock_rate : 8000;
  const auto packet = endpoint.digits_out.next(clock);
  if (!packet || events == nullptr || !endpoint.can_hear()) return;
  for (int copy = 0; copy < packet->copies; ++copy) {
    const auto stamp = endpoint.stream.event(events->number, packet->first && copy == 0, clock, now_);
    write_rtp(std::span<std::uint8_t, rtp_header_size>(buffer_.data(), rtp_header_size), stamp);
    std::copy(packet->payload.begin(), packet->payload.end(), buffer_.begin() + rtp_header_size);
    send_rtp(endpoint, {buffer_.data(), rtp_header_size + packet->payload.size()}, packet->payload.size());
  }
}

}  // namespace tandem::connector::media
