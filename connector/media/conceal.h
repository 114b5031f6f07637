// What is put in where sound is missing, and how a stretch of speech is made shorter or longer by one period of its
// pitch. For G.711 and G.722; Opus has its own concealment. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tandem::connector::media {

class Concealer {
 public:
  explicit Concealer(std::uint32_t rate);
  // What was heard, in order; kept as far back as needed.
  void heard(std::span<const std::int16_t> samples);
  // Goes on with the last pitch period, fading out within 60 ms; silence afterwards.
  void conceal(std::span<std::int16_t> out);
  // The first real samples after a concealment are blended with its continuation. Changes `samples`.
  void resume(std::span<std::int16_t> samples);
  bool concealing() const { return made_ > 0; }
  bool faded() const { return made_ >= fade_end_; }
  void forget();

 private:
  std::size_t find_period() const;
  std::int16_t next();

  std::size_t shortest_, longest_, window_, full_until_, fade_end_, blend_;
  std::vector<std::int16_t> history_;  // 40 ms
  std::vector<std::int16_t> period_;
  std::size_t at_ = 0;    // in the period
  std::size_t made_ = 0;  // samples since the last real one
};

// Takes one pitch period (2.5 to 10 ms) out of the beginning of `samples`, blending both sides. How many samples fewer;
// 0: there are less than 17.5 ms.
std::size_t shorten(std::vector<std::int16_t>& samples, std::uint32_t rate);
// Puts one in.
std::size_t lengthen(std::vector<std::int16_t>& samples, std::uint32_t rate);

}  // namespace tandem::connector::media
