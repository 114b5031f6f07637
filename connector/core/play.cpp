// Treatments of parties: what a Treatment wants done is done here, and what happens is told to it.
#include <algorithm>

#include "connector/core/core.h"

namespace tandem::connector {
namespace {

constexpr int kPromptsMax = 100;

// A recording's id becomes a file's name.
bool is_file_name(const std::string& text) {
  return text.size() <= 128 &&
         std::all_of(text.begin(), text.end(),
                     [](unsigned char c) {
                       return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
                              c == '_' || (c == '.');
                     }) &&
         !text.starts_with('.');
}

}  // namespace

// Can the party be played something? A caller not answered yet is told 183 for it; ringback is its own phone's, where
// it was told 180.
bool Core::can_be_played(Party& party, const link::Play& order) {
  if (party.state == PartyState::Connected) return party.stream.announced;
  if (!party.incoming) return false;
  auto& incoming = *party.incoming;
  if (incoming.with_sdp) return true;
  if (order.source() == link::Play::RINGBACK && incoming.provisional == 180) return true;
  if (!answer_early(party, own_share(party.stream.can))) return false;
  incoming.waiting = true;
  return true;
}

void Core::play(Party& party, const link::Command& command) {
  auto order = command.play();
  if (!link::Play::Source_IsValid(order.source()))
    return command_failed(command, Code::NOT_SUPPORTED, "unknown source");
  if (order.prompts_size() > kPromptsMax) return command_failed(command, Code::NO_RESOURCES, "too many prompts");
  const bool readable = std::all_of(order.prompts().begin(), order.prompts().end(), [](const link::Prompt& prompt) {
    return one_line(prompt.file()) && one_line(prompt.recording());
  });
  if (!readable || !one_line(order.file()) || !is_file_name(order.record().recording()))
    return command_failed(command, Code::BAD_ADDRESS, "not a file's name");
  if (!can_be_played(party, order)) {
    return command_failed(command, party.outgoing ? Code::WRONG_STATE : Code::NOT_SUPPORTED,
                          "the party can't hear anything yet");
  }
  if (order.has_record() && order.record().recording().empty())
    order.mutable_record()->set_recording(to_hex(next_id()));
  end_play(party, true);
  party.play = std::make_unique<Playing>(Playing{Treatment(std::move(order)), command.id(), link_generation_});
  log(LogLevel::Trace, party, "playing", link::Play::Source_Name(party.play->machine.order().source()));
  auto message = happening(party, command.id());
  message.mutable_playing();
  report(std::move(message));
  const auto typed = std::exchange(party.typed, {});
  touch(*party.conversation);
  run(party, party.play->machine.begin(typed));
}

void Core::run(Party& party, Treatment::Steps steps) {
  const auto no = party.no.value;
  const auto media = party.stream.endpoint.media;
  using What = TreatmentStep::What;
  for (auto& step : steps) {
    auto& playing = *party.play;
    switch (step.what) {
      case What::Play:
        playing.play = ++play_counter_;
        act(MediaPlay{media, playing.play, std::move(step.prompts)});
        break;
      case What::StopPlay:
        playing.play = 0;
        act(MediaPlay{media, 0, {}});
        break;
      case What::Record: {
        const auto& record = playing.machine.order().record();
        playing.play = ++play_counter_;
        act(MediaRecord{media, playing.play, record.recording(), record.max_ms(), record.silence_ms()});
        break;
      }
      case What::StopRecord:
        act(MediaRecord{media, playing.play, {}});
        break;
      case What::WaitDigit:
        playing.digit_due = now_.steady + step.time;
        wait_for(Wait::PlayDigit, no, playing.digit, step.time);
        break;
      case What::WaitTotal:
        playing.total_due = now_.steady + step.time;
        wait_for(Wait::PlayTotal, no, playing.total, step.time);
        break;
      case What::Done:
        return played(party, std::move(step.played));
    }
  }
}

void Core::wait_for(Wait wait, std::uint64_t subject, Slot& slot, std::chrono::milliseconds time) {
  if (time.count() == 0) return disarm(wait, subject, slot);
  arm(wait, subject, slot, time);
}

// It is over, and says so.
void Core::played(Party& party, link::Played result) {
  auto message = happening(party, party.play->generation == link_generation_ ? party.play->command : 0);
  if (logs(LogLevel::Trace)) log(LogLevel::Trace, party, "played", link::Played::Completion_Name(result.completion()));
  *message.mutable_played() = std::move(result);
  forget_play(party);
  report(std::move(message));
}

void Core::forget_play(Party& party) {
  disarm(Wait::PlayDigit, party.no.value, party.play->digit);
  disarm(Wait::PlayTotal, party.no.value, party.play->total);
  party.play.reset();
  touch(*party.conversation);
}

// Replaced, stopped, or its party leaves.
void Core::end_play(Party& party, bool told) {
  if (!party.play) return;
  auto steps = party.play->machine.cancel();
  if (!told) std::erase_if(steps, [](const auto& step) { return step.what == TreatmentStep::What::Done; });
  run(party, std::move(steps));
  if (party.play) forget_play(party);
}

void Core::on(MediaPlayed& input) {
  const auto found = by_media_.find(input.media);
  auto* party = found == by_media_.end() ? nullptr : find_party(found->second);
  if (!party || !party->play || party->play->play != input.play) return;
  run(*party, party->play->machine.heard(input.failed, std::move(input.text)));
}

void Core::on(MediaRecorded& input) {
  const auto found = by_media_.find(input.media);
  auto* party = found == by_media_.end() ? nullptr : find_party(found->second);
  if (!party || !party->play || party->play->play != input.play) return;
  run(*party, party->play->machine.recorded(input));
}

}  // namespace tandem::connector
