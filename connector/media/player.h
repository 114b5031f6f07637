// What one endpoint is played by us in place of voices: digits as tones before prompts before its scene's sound. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "connector/core/media_port.h"
#include "connector/media/clip.h"

namespace tandem::connector::media {

class Player {
 public:
  // Round and round, none: nothing. The same clip again goes on where it is.
  void loop(ClipPtr clip);
  // In place of what was played before; empty: ends it. Answered by finished().
  void play(PlayNo play, std::vector<ClipPtr> clips);
  // Each once, one after the other, before all else.
  void insert(ClipPtr clip);

  bool busy() const { return loop_ || playing_ || !inserted_.empty(); }
  bool inserting() const { return !inserted_.empty(); }
  const ClipPtr& looped() const { return loop_; }

  struct Frame {
    ClipPtr clip;
    std::uint32_t number = 0;
  };
  // One each 20 ms. None: nothing to play now.
  std::optional<Frame> next();
  // Told once, a frame after the last prompt's last one.
  std::optional<PlayNo> finished();

 private:
  ClipPtr loop_;
  std::uint32_t loop_at_ = 0;
  bool playing_ = false, finished_ = false;
  PlayNo play_ = 0;
  std::vector<ClipPtr> prompts_;
  std::size_t prompt_ = 0;
  std::uint32_t prompt_at_ = 0;
  std::deque<ClipPtr> inserted_;
  std::uint32_t inserted_at_ = 0;
};

}  // namespace tandem::connector::media
