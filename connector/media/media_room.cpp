#include "connector/media/media_room.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <deque>
#include <latch>
#include <stdexcept>
#include <unordered_map>

#include "connector/media/mailbox.h"
#include "connector/media/recording.h"
#include "connector/media/sockets.h"
#include "connector/media/tone.h"
#include "connector/media/worker.h"

namespace tandem::connector {

using namespace media;

namespace {

constexpr std::size_t most_addresses = 32;
// An id is the slot in the low 24 bits and a serial number above.
constexpr std::size_t most_slots = 1u << 24;
constexpr double digit_level_dbm0 = -8;  // both frequencies together

std::size_t pairs_in(const std::vector<PortRange>& ranges) {
  std::size_t pairs = 0;
  for (const auto& range : ranges) pairs += (range.last + 1u - ((range.first + 1u) & ~1u)) / 2;
  return pairs;
}

void check(const MediaSettings& settings) {
  for (const auto& range : settings.ports) {
    if (range.first < 1024 || range.last <= range.first) {
      throw std::runtime_error("rtp port range " + std::to_string(range.first) + "-" + std::to_string(range.last) +
                               ": expected first-last with 1024 <= first < last");
    }
  }
  if (pairs_in(settings.ports) == 0) throw std::runtime_error("rtp port range: no even port with the next one in it");
  if (settings.addresses.empty()) throw std::runtime_error("media addresses: at least one is needed");
  if (settings.workers < 1 || settings.workers > 64) throw std::runtime_error("media workers: expected 1 to 64");
}

Instant steady_now() {
  return std::chrono::steady_clock::now().time_since_epoch();
}

}  // namespace

std::string to_text(const MediaClosed& closed) {
  const auto& c = closed.counters;
  char text[400];
  std::snprintf(text, sizeof text,
                "media %s closed: %llu packets (%llu bytes) in, %llu lost, jitter %.1f ms; %llu packets (%llu bytes) "
                "out, %llu not sent; "
                "strangers %llu, invalid %llu, unwanted %llu; rtcp %llu in %llu out",
                to_string(closed.media).c_str(), static_cast<unsigned long long>(c.packets_in),
                static_cast<unsigned long long>(c.bytes_in), static_cast<unsigned long long>(c.lost), closed.jitter_ms,
                static_cast<unsigned long long>(c.packets_out), static_cast<unsigned long long>(c.bytes_out),
                static_cast<unsigned long long>(c.send_failed), static_cast<unsigned long long>(c.strangers),
                static_cast<unsigned long long>(c.invalid), static_cast<unsigned long long>(c.unwanted),
                static_cast<unsigned long long>(c.rtcp_in), static_cast<unsigned long long>(c.rtcp_out));
  return text;
}

// Everything behind the door. The workers come last, so that they end first.
class MediaRoom::Rooms {
 public:
  Rooms(MediaSettings settings, MediaCallbacks callbacks)
      : settings_(std::move(settings)), callbacks_(std::move(callbacks)) {
    check(settings_);
    clips_ = standard_clips();
    library_ = std::make_unique<SoundLibrary>(settings_, callbacks_.input);
    for (const auto& ip : settings_.addresses) add_pool(ip);
    const std::size_t ports = pairs_in(settings_.ports) * settings_.addresses.size();
    const std::size_t slots = std::min(settings_.max_endpoints > 0 ? settings_.max_endpoints : ports, most_slots);
    slots_.resize(slots);
    free_.reserve(slots);
    for (std::size_t slot = slots; slot > 0; --slot) free_.push_back(static_cast<std::uint32_t>(slot - 1));
    const std::size_t wanted = std::min(std::max<std::size_t>(1, settings_.preopened), pairs_in(settings_.ports));
    if (pools_.front()->sockets.prepare(wanted) == 0) {
      throw std::runtime_error("no RTP port of the range could be bound at " + settings_.addresses.front());
    }
    for (unsigned i = 0; i < settings_.workers; ++i) workers_.push_back(make_worker(slots));
  }

  // At `rtp_port` if it can be had, 0: at any.
  std::optional<Endpoint> open(const std::string& local_ip, std::uint16_t rtp_port) {
    take_back();
    if (free_.empty()) return std::nullopt;
    const auto pool_number = pool_for(local_ip);
    auto& pool = *pools_[pool_number];
    auto sockets = rtp_port != 0 ? pool.sockets.take_port(rtp_port) : std::nullopt;
    if (!sockets) sockets = pool.sockets.take(steady_now());
    if (!sockets) return std::nullopt;
    const auto slot = free_.back();
    free_.pop_back();
    auto& entry = slots_[slot];
    entry.id = MediaId{++serial_ << 24 | slot};
    entry.pool = pool_number;
    entry.worker = least_loaded();
    ++load_[entry.worker];
    ++open_;
    Endpoint endpoint;
    endpoint.media = entry.id;
    endpoint.rtp_port = sockets->local.port();
    endpoint.ip = sockets->local.any() && !local_ip.empty() ? local_ip : pool.ip;
    workers_[entry.worker]->post(Opened{entry.id, slot, std::move(*sockets)});
    return endpoint;
  }

  template <class Order>
  void tell_owner(Order order) {
    if (const auto* entry = find(order.media)) workers_[entry->worker]->post(std::move(order));
  }

  // All members move to where the scene is, or to where most of them are.
  void scene(MediaScene order) {
    std::erase_if(order.members, [this](const MediaMember& member) { return find(member.media) == nullptr; });
    const auto known = scenes_.find(order.scene);
    if (order.members.empty()) {
      if (known == scenes_.end()) return;
      workers_[known->second.worker]->post(std::move(order));
      for (auto& slot : slots_of(known->first)) slot->scene = SceneId{};
      scenes_.erase(known);
      return;
    }
    const auto worker = known != scenes_.end() ? known->second.worker : home_of(order.members);
    for (auto* slot : known != scenes_.end() ? slots_of(order.scene) : std::vector<Slot*>{}) leave(*slot);
    auto& at = scenes_[order.scene];
    at.worker = worker;
    for (const auto& member : order.members) {
      auto& slot = *find(member.media);
      if (slot.scene == order.scene) continue;  // named twice
      leave(slot);
      slot.scene = order.scene;
      at.slots.push_back(static_cast<std::uint32_t>(&slot - slots_.data()));
      if (slot.worker != worker) move(slot, worker);
    }
    workers_[worker]->post(std::move(order));
  }

  void use_files(std::string music_file, const std::string& ringtone_file) {
    for (const auto& worker : workers_) worker->post(UseMusic{music_file});
    if (ringtone_file.empty()) {
      auto clips = std::make_shared<StandardClips>(*clips_);
      clips->ringback = std::make_shared<Clip>(settings_.ringback);
      for (const auto& worker : workers_) worker->post(UseClips{clips});
      return;
    }
    std::vector<std::shared_ptr<Mailbox<WorkerMessage>>> mailboxes;
    for (const auto& worker : workers_) mailboxes.push_back(worker->mailbox());
    Fetch fetch;
    fetch.wanted.push_back({WantedSound::Kind::File, ringtone_file, ""});
    fetch.reply = [mailboxes, base = clips_, trouble = callbacks_.trouble](Fetched fetched) {
      if (!fetched.failure.empty()) {
        if (trouble) trouble("ringtone stays as it is: " + fetched.failure);
        return;
      }
      auto clips = std::make_shared<StandardClips>(*base);
      clips->ringback = fetched.clips.front();
      for (const auto& mailbox : mailboxes) mailbox->post(UseClips{clips});
    };
    library_->post(std::move(fetch));
  }

  void close(const MediaClose& order) {
    auto* entry = find(order.media);
    if (entry == nullptr) return;
    workers_[entry->worker]->post(order);
    forget(*entry);  // the slot is free when the worker has given it back
  }

  void advance(Instant by) {
    std::latch passed(static_cast<std::ptrdiff_t>(workers_.size()));
    for (const auto& worker : workers_) worker->post(Advance{by, [&passed] { passed.count_down(); }});
    passed.wait();
  }

  std::size_t open_count() const { return open_; }
  MediaCounters totals() const {
    MediaCounters sum;
    for (const auto& worker : workers_) sum += worker->totals();
    return sum;
  }
  std::vector<Instant> cpu_times() const {
    std::vector<Instant> times;
    for (const auto& worker : workers_) times.push_back(worker->cpu_time());
    return times;
  }

 private:
  struct Pool {
    std::string ip;
    SocketPool sockets;
  };
  struct Slot {
    MediaId id;
    std::size_t pool = 0;
    std::size_t worker = 0;
    SceneId scene;
  };
  struct SceneAt {
    std::size_t worker = 0;
    std::vector<std::uint32_t> slots;
  };

  std::shared_ptr<const StandardClips> standard_clips() const {
    auto clips = std::make_shared<StandardClips>();
    clips->ringback = settings_.ringtone_file.empty() ? std::make_shared<Clip>(settings_.ringback) : ringtone();
    clips->busy = std::make_shared<Clip>(settings_.busy);
    clips->fast_busy = std::make_shared<Clip>(settings_.fast_busy);
    clips->silence = std::make_shared<Clip>(std::vector<std::int16_t>(160, 0), 8000);
    clips->pause = std::make_shared<Clip>(std::vector<std::int16_t>(8000, 0), 8000);
    for (std::size_t i = 0; i < clips->digits.size(); ++i) {
      using std::chrono::milliseconds;
      clips->digits[i] =
          std::make_shared<Clip>(ToneSettings{digit_frequencies(digit_of(static_cast<std::uint8_t>(i))),
                                              digit_level_dbm0,
                                              {std::chrono::duration_cast<milliseconds>(settings_.digit_length),
                                               std::chrono::duration_cast<milliseconds>(settings_.digit_pause)}});
    }
    return clips;
  }

  ClipPtr ringtone() const {
    auto recording = read_recording(settings_.ringtone_file);
    if (!recording) throw std::runtime_error("ringtone " + recording.error().text);
    return std::make_shared<Clip>(recording->samples, recording->rate);
  }

  void add_pool(const std::string& ip) {
    const auto local = Address::parse(ip, 0);
    if (!local) throw std::runtime_error("media address " + ip + ": not an IPv4 or IPv6 address");
    pools_.push_back(std::make_unique<Pool>(Pool{ip, SocketPool(*local, settings_.ports, settings_.receive_buffer_bytes,
                                                                settings_.send_buffer_bytes, settings_.quarantine)}));
  }

  // Number of the pool that faces `local_ip`; 0 is the default one.
  std::size_t pool_for(const std::string& local_ip) {
    const auto wanted = Address::parse(local_ip, 0);
    if (!wanted) return 0;
    for (std::size_t i = 0; i < pools_.size(); ++i) {
      if (pools_[i]->sockets.local().same_ip(*wanted)) return i;
    }
    for (std::size_t i = 0; i < pools_.size(); ++i) {
      const auto& local = pools_[i]->sockets.local();
      if (local.any() && local.family() == wanted->family()) return i;
    }
    if (pools_.size() >= most_addresses || std::find(refused_.begin(), refused_.end(), local_ip) != refused_.end())
      return 0;
    add_pool(local_ip);
    if (pools_.back()->sockets.prepare(1) > 0) return pools_.size() - 1;
    pools_.pop_back();
    if (refused_.size() < most_addresses) refused_.push_back(local_ip);
    return 0;
  }

  std::unique_ptr<Worker> make_worker(std::size_t slots) {
    WorkerCallbacks callbacks;
    callbacks.input = callbacks_.input;
    callbacks.closed = [this](MediaId id, const MediaCounters& counters, double jitter_ms) {
      if (callbacks_.closed) callbacks_.closed({id, counters, jitter_ms});
    };
    callbacks.returned = [this](Returned back) { returned_.post(std::move(back)); };
    callbacks.trouble = callbacks_.trouble;
    load_.push_back(0);
    return std::make_unique<Worker>(settings_, clips_, *library_, slots, std::move(callbacks));
  }

  void take_back() {
    returned_.take(back_);
    const auto now = steady_now();
    for (auto& back : back_) {
      if (slots_[back.slot].id == back.id) forget(slots_[back.slot]);  // given back unasked
      pools_[slots_[back.slot].pool]->sockets.give_back(std::move(back.sockets), now);
      free_.push_back(back.slot);
    }
  }

  void leave(Slot& slot) {
    const auto known = scenes_.find(slot.scene);
    slot.scene = SceneId{};
    if (known == scenes_.end()) return;
    std::erase(known->second.slots, static_cast<std::uint32_t>(&slot - slots_.data()));
    if (known->second.slots.empty()) scenes_.erase(known);
  }

  std::vector<Slot*> slots_of(SceneId scene) {
    std::vector<Slot*> out;
    const auto known = scenes_.find(scene);
    if (known == scenes_.end()) return out;
    for (const auto slot : known->second.slots) out.push_back(&slots_[slot]);
    return out;
  }

  // The worker that has most of them; the first of these.
  std::size_t home_of(const std::vector<MediaMember>& members) {
    std::vector<std::size_t> count(workers_.size());
    for (const auto& member : members) ++count[find(member.media)->worker];
    return static_cast<std::size_t>(std::max_element(count.begin(), count.end()) - count.begin());
  }

  void move(Slot& slot, std::size_t worker) {
    const auto number = static_cast<std::uint32_t>(&slot - slots_.data());
    workers_[worker]->post(Expect{number});
    workers_[slot.worker]->post(HandOver{slot.id, number, workers_[worker].get()});
    --load_[slot.worker];
    slot.worker = worker;
    ++load_[worker];
  }

  void forget(Slot& slot) {
    leave(slot);
    --load_[slot.worker];
    --open_;
    slot.id = MediaId{};
  }

  std::size_t least_loaded() const {
    return static_cast<std::size_t>(std::min_element(load_.begin(), load_.end()) - load_.begin());
  }

  Slot* find(MediaId id) {
    const auto slot = static_cast<std::size_t>(id.value & (most_slots - 1));
    if (!id || slot >= slots_.size() || slots_[slot].id != id) return nullptr;
    return &slots_[slot];
  }

  const MediaSettings settings_;
  const MediaCallbacks callbacks_;
  std::shared_ptr<const StandardClips> clips_;
  std::unique_ptr<SoundLibrary> library_;  // before the workers, who end their recordings with it
  std::vector<std::unique_ptr<Pool>> pools_;
  std::vector<std::string> refused_;  // local addresses that turned out not to be ours
  std::vector<Slot> slots_;
  std::unordered_map<SceneId, SceneAt> scenes_;
  std::vector<std::uint32_t> free_;
  std::vector<std::size_t> load_;
  std::uint64_t serial_ = 0;
  std::size_t open_ = 0;
  Mailbox<Returned> returned_{Waking::No};
  std::vector<Returned> back_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

MediaRoom::MediaRoom(MediaSettings settings, MediaCallbacks callbacks)
    : rooms_(std::make_unique<Rooms>(std::move(settings), std::move(callbacks))) {}
MediaRoom::~MediaRoom() = default;

std::optional<Endpoint> MediaRoom::open(const std::string& local_ip) {
  return rooms_->open(local_ip, 0);
}

std::optional<Endpoint> MediaRoom::open_again(const std::string& local_ip, std::uint16_t rtp_port) {
  return rooms_->open(local_ip, rtp_port);
}
void MediaRoom::handle(MediaConnect order) {
  rooms_->tell_owner(std::move(order));
}
void MediaRoom::handle(MediaScene order) {
  rooms_->scene(std::move(order));
}
void MediaRoom::handle(MediaClose order) {
  rooms_->close(order);
}
void MediaRoom::handle(MediaPlay order) {
  rooms_->tell_owner(std::move(order));
}
void MediaRoom::handle(MediaRecord order) {
  rooms_->tell_owner(std::move(order));
}
void MediaRoom::handle(MediaDigits order) {
  rooms_->tell_owner(std::move(order));
}
void MediaRoom::use_files(std::string music_file, std::string ringtone_file) {
  rooms_->use_files(std::move(music_file), ringtone_file);
}
void MediaRoom::advance(Instant by) {
  rooms_->advance(by);
}
std::size_t MediaRoom::endpoints() const {
  return rooms_->open_count();
}
MediaCounters MediaRoom::totals() const {
  return rooms_->totals();
}
std::vector<Instant> MediaRoom::cpu_times() const {
  return rooms_->cpu_times();
}

}  // namespace tandem::connector
