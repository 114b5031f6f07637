// Packets of one talker put in order, and how long they have to wait so that late ones still come in time. Knows
// nothing of what is in them but how long it sounds. Pure.
//
// The delay wanted follows the jitter: it is what all but a few packets of the last ten seconds were late by, measured
// against the quickest of the last five to ten. The delay there is, is what a packet finds in front of it when it comes
// plus what it was late by; clocks that drift apart show as a delay that grows or shrinks, and are mended as such.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/base/time.h"
#include "connector/media/codec.h"

namespace tandem::connector::media {

struct JitterSettings {
  Instant least = 8ms;   // never waits less
  Instant most = 200ms;  // nor more
  Instant start = 20ms;  // before anything was measured
};

class JitterBuffer {
 public:
  explicit JitterBuffer(JitterSettings settings = {});

  struct Packet {
    Coding coding = Coding::None;  // None: takes a sequence number and holds no voice (events, comfort noise)
    std::uint16_t sequence = 0;
    std::uint32_t timestamp = 0;
    std::uint32_t clock_rate = 8000;
    Instant duration{0};
    std::span<const std::uint8_t> payload;
  };
  enum class Put { Kept, Late, Twice, Restarted };
  // `ahead`: what was taken out and not yet played. Restarted: the sender began anew, all that waited is gone.
  Put put(const Packet& packet, Instant now, Instant ahead);

  struct Next {
    enum class What { Packet, Missing, Nothing } what = What::Nothing;
    Packet packet;       // Missing: the one after the gap; valid until the next put()
    Instant missing{0};  // how long the gap sounds
  };
  // The next in order; a gap is told once, before the packet behind it.
  Next take();

  bool empty() const { return count_ == 0; }
  Instant waiting() const { return waiting_; }  // how long all that is in it sounds
  Instant wanted() const { return wanted_; }    // delay
  Instant delay() const { return delay_; }      // that there is, averaged
  void shifted(Instant by) { delay_ += by; }    // the player put in or took out so much
  void begins(Instant delay) { delay_ = delay; }
  void clear();

 private:
  static constexpr std::size_t places = 64;
  static constexpr std::size_t steps = 40;  // of 5 ms
  struct Place {
    bool used = false;
    Packet packet;
    std::vector<std::uint8_t> octets;
  };
  void measure(const Packet& packet, Instant now, Instant ahead);
  void drop_first();

  JitterSettings settings_;
  std::vector<Place> places_;
  std::size_t count_ = 0;
  Instant waiting_{0};
  bool running_ = false;
  std::uint16_t next_ = 0;  // to be taken
  int late_in_row_ = 0;
  Instant last_duration_ = 20ms;

  bool measured_ = false;
  std::uint32_t clock_rate_ = 0, last_timestamp_ = 0;
  Instant sent_{0};  // by the sender's clock, from an arbitrary beginning
  Instant quickest_{0}, quickest_before_{0}, window_began_{0};
  std::array<float, steps + 1> lateness_{};
  float weight_ = 1;
  std::uint32_t since_wanted_ = 0;
  Instant wanted_, delay_{0};
};

}  // namespace tandem::connector::media
