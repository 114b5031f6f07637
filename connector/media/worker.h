// The thread that relays. It owns its endpoints alone; all it is told comes as messages, all it has to tell goes
// through callbacks.
//
// worker.cpp is the loop and the orders, worker_scenes.cpp who hears whom, worker_packets.cpp what comes and goes,
// worker_clock.cpp
// what happens by time, worker_mix.cpp the rounds of mixes, worker_orders.cpp prompts, music,
// recordings and digits.
#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <span>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>

#include "connector/core/machine.h"
#include "connector/media/endpoint.h"
#include "connector/media/mailbox.h"
#include "connector/media/settings.h"
#include "connector/media/sound_library.h"

namespace tandem::connector::media {

// Made once, read by all workers.
struct StandardClips {
  ClipPtr ringback, busy, fast_busy, silence;
  std::array<ClipPtr, 16> digits;  // each with its pause, in the order of RFC 4733 events
  ClipPtr pause;                   // a second's
};

// A closed endpoint's sockets and last counters, on their way back to the room.
struct Returned {
  MediaId id;
  std::uint32_t slot = 0;
  SocketPair sockets;
};

struct WorkerCallbacks {
  std::function<void(Input)> input;
  std::function<void(MediaId, const MediaCounters&, double jitter_ms)> closed;
  std::function<void(Returned)> returned;
  std::function<void(const std::string&)> trouble;
};

class Worker;

// Those of a scene who hear the same: the same talkers in the same coding.
struct MixGroup {
  std::vector<std::uint16_t> sources;    // places of talkers, rising
  std::vector<WireEndpoint*> listeners;  // the first one's limiter and encoder serve all
  Coding coding = Coding::None;
  std::vector<std::uint16_t> faded;  // heard until now; blended over in the next round
  bool fade = false;
};
struct Mix {
  std::uint32_t rate = 8000;  // 16000 where somebody speaks or hears a wideband coding
  std::vector<WireEndpoint*> talkers;
  std::vector<MixGroup> groups;
};

// A scene whose members all live here. A member that is closed or moved away leaves it.
struct Scene {
  SceneId id;
  std::uint32_t phase = 0;
  std::vector<MediaMember> members;
  std::vector<WireEndpoint*> endpoints;  // of `members`, in their places
  Mix mix;
};

struct Opened {
  MediaId id;
  std::uint32_t slot;
  SocketPair sockets;
};
// Moving an endpoint: the old worker is told to hand it over, the new one to let everything wait until it has come.
struct HandOver {
  MediaId id;
  std::uint32_t slot;
  Worker* to;
};
struct Expect {
  std::uint32_t slot;
};
struct Adopt {
  std::uint32_t slot;
  std::unique_ptr<WireEndpoint> endpoint;  // none: it was closed meanwhile
};
struct Stop {};
struct PromptsFetched {
  MediaId media;
  PlayNo play = 0;
  Fetched fetched;
};
struct MusicFetched {
  std::string file;
  Fetched fetched;
};
struct UseClips {
  std::shared_ptr<const StandardClips> clips;
};
struct UseMusic {
  std::string file;
};
// Of a stepped room: what has come is taken in, then so much time passes. Waits for sounds that are being fetched.
struct Advance {
  Instant by;
  std::function<void()> done;
};
using WorkerMessage =
    std::variant<Opened, MediaConnect, MediaScene, MediaClose, MediaPlay, MediaRecord, MediaDigits, PromptsFetched,
                 MusicFetched, UseClips, UseMusic, HandOver, Expect, Adopt, Advance, Stop>;

class Worker {
 public:
  Worker(const MediaSettings& settings, std::shared_ptr<const StandardClips> clips, SoundLibrary& library,
         std::size_t slots, WorkerCallbacks callbacks);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void post(WorkerMessage message) { mailbox_->post(std::move(message)); }
  // Outlives the worker, for answers that come later.
  std::shared_ptr<Mailbox<WorkerMessage>> mailbox() const { return mailbox_; }
  MediaCounters totals() const;  // of open and closed endpoints; each is brought up to date once a second
  Instant cpu_time() const;      // of the thread

 private:
  void run();
  bool receive(std::uint64_t tag);
  void receive_all();
  void pass(const Advance& advance);
  void fetch(Fetch wanted);
  void fetched();
  void take(PromptsFetched& message);
  void take(MusicFetched& message);
  void read_mailbox();
  void dispatch(WorkerMessage& message);
  void on(Opened& message);
  void on(MediaConnect& message);
  void on(MediaScene& message);
  void on(MediaClose& message);
  void on(MediaPlay& message);
  void on(MediaRecord& message);
  void on(MediaDigits& message);
  void on(PromptsFetched& message);
  void on(MusicFetched& message);
  void on(UseClips& message);
  void on(UseMusic& message);
  void on(HandOver& message);
  void on(Expect& message);
  void on(Adopt& message);
  void on(Advance& message);
  void on(Stop& message);

  WireEndpoint* find(MediaId id);
  bool watch(const WireEndpoint& endpoint);
  void unwatch(const WireEndpoint& endpoint);

  void leave_scene(WireEndpoint& endpoint);
  void alone(WireEndpoint& endpoint);
  void voice_comes_with(WireEndpoint& endpoint, int payload_number);
  void arrange(Scene& scene);
  void set_sound(WireEndpoint& endpoint, Sound sound, const std::string& music);

  void fetch_prompts(const WireEndpoint& endpoint);
  ClipPtr music(const WireEndpoint& endpoint);
  void record(WireEndpoint& endpoint);
  void end_recording(WireEndpoint& endpoint, MediaRecorded::End end);
  void send_digit(WireEndpoint& endpoint);
  void tell(Input input) {
    if (callbacks_.input) callbacks_.input(std::move(input));
  }
  void plan_mix(Scene& scene, const std::vector<Hearing>& plan);
  void schedule(WireEndpoint& endpoint);

  void receive_rtp(std::uint32_t slot);
  void receive_rtcp(std::uint32_t slot);
  void rtp_packet(WireEndpoint& endpoint, std::size_t size, const Address& from);
  void rtcp_packet(WireEndpoint& endpoint, std::size_t size, const Address& from);
  bool relay(WireEndpoint& from, const RelayLink& link, const RtpHeader& header, std::size_t size);
  bool send_rtp(WireEndpoint& endpoint, std::span<const std::uint8_t> packet, std::size_t payload_size);

  void tick();
  void turn(std::uint64_t expired);
  void visit(WireEndpoint& endpoint);
  bool play(WireEndpoint& endpoint);
  void mix(Scene& scene);
  bool takes_mix(WireEndpoint& listener, const Mix& mix);
  void send_frame(WireEndpoint& endpoint, std::span<const std::uint8_t> octets);
  void send_clip(WireEndpoint& endpoint, const Clip& clip, std::uint32_t number);
  std::span<std::uint8_t> encode(WireEndpoint& endpoint, std::span<const std::int16_t> samples);
  void comfort(WireEndpoint& endpoint);
  void report(WireEndpoint& endpoint, bool bye);
  void tell_digit(const WireEndpoint& endpoint, const std::optional<Digit>& digit);
  void arm_timer();
  void count_in(WireEndpoint& endpoint);

  const MediaSettings settings_;
  std::shared_ptr<const StandardClips> clips_;
  SoundLibrary& library_;
  std::string music_file_;
  const WorkerCallbacks callbacks_;
  const LatchSettings latch_settings_;
  const std::shared_ptr<Mailbox<WorkerMessage>> mailbox_ = std::make_shared<Mailbox<WorkerMessage>>();
  std::vector<WorkerMessage> messages_;
  std::deque<WorkerMessage> waiting_;  // behind an Expect
  std::optional<std::uint32_t> expected_;
  std::vector<std::uint32_t> early_;  // adopted before they were expected
  Fd poll_, timer_;
  Instant tick_{0};  // the timer's period; 0: not armed
  std::uint32_t phase_ = 0;
  bool stopping_ = false;
  bool relayed_ = false;  // in this round
  Instant now_{0};
  std::size_t fetching_ = 0;  // sounds asked for and not there yet
  std::deque<Advance> held_;  // until they are
  std::uint64_t steps_ = 0;   // of frame_time / phases each, of a stepped room

  std::vector<std::unique_ptr<WireEndpoint>> slots_;
  static constexpr std::size_t buckets = 50;  // visited one each 20 ms
  std::array<std::vector<WireEndpoint*>, buckets> bucket_;
  std::array<std::vector<WireEndpoint*>, phases> playing_;
  std::array<std::vector<Scene*>, phases> mixing_;
  std::uint32_t next_phase_ = 0;
  MixRound round_;
  std::array<std::uint8_t, most_encoded_octets> encoded_{};
  std::unordered_map<SceneId, std::unique_ptr<Scene>> scenes_;
  struct Music {
    std::weak_ptr<const Clip> clip;
    std::vector<MediaId> waiting;  // for it; some: it has been asked for
    bool failed = false;
  };
  std::unordered_map<std::string, Music> music_;
  std::size_t open_ = 0;
  std::size_t next_bucket_ = 0;
  std::mt19937 random_;
  std::array<std::uint8_t, max_packet + 1> buffer_{};
  std::array<std::uint8_t, max_packet + 1> converted_{};  // the other law of G.711

  mutable std::mutex totals_mutex_;
  MediaCounters totals_;
  std::thread thread_;
};

}  // namespace tandem::connector::media
