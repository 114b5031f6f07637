#include "connector/media/player.h"

#include <utility>

namespace tandem::connector::media {

void Player::loop(ClipPtr clip) {
  if (clip && clip->empty()) clip.reset();
  if (clip == loop_) return;
  loop_ = std::move(clip);
  loop_at_ = 0;
}

void Player::play(PlayNo play, std::vector<ClipPtr> clips) {
  std::erase_if(clips, [](const ClipPtr& clip) { return !clip || clip->empty(); });
  play_ = play;
  prompts_ = std::move(clips);
  prompt_ = prompt_at_ = 0;
  playing_ = !prompts_.empty();
  finished_ = false;
}

void Player::insert(ClipPtr clip) {
  if (clip && !clip->empty()) inserted_.push_back(std::move(clip));
}

std::optional<Player::Frame> Player::next() {
  if (!inserted_.empty()) {
    Frame frame{inserted_.front(), inserted_at_++};
    if (inserted_at_ >= frame.clip->frames()) {
      inserted_.pop_front();
      inserted_at_ = 0;
    }
    return frame;
  }
  if (playing_) {
    if (prompt_ < prompts_.size()) {
      Frame frame{prompts_[prompt_], prompt_at_++};
      if (prompt_at_ >= frame.clip->frames()) {
        ++prompt_;
        prompt_at_ = 0;
      }
      return frame;
    }
    playing_ = false;
    finished_ = true;
    prompts_.clear();
  }
  if (loop_) return Frame{loop_, loop_at_++};
  return std::nullopt;
}

std::optional<PlayNo> Player::finished() {
  if (!std::exchange(finished_, false)) return std::nullopt;
  return play_;
}

}  // namespace tandem::connector::media
