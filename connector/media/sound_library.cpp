#include "connector/media/sound_library.h"

#include <poll.h>
#include <pthread.h>
#include <sndfile.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <list>
#include <map>

#include "connector/media/recording.h"
#include "connector/media/speech.h"

namespace tandem::connector::media {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t most_messages = 20000;  // a recording makes one a second
constexpr std::size_t most_fetches = 1000;    // that wait for a text to be spoken
constexpr std::size_t most_cached_octets = 256u << 20;

Instant steady_now() {
  return std::chrono::steady_clock::now().time_since_epoch();
}

struct CloseFile {
  void operator()(SNDFILE* file) const { sf_close(file); }
};
using File = std::unique_ptr<SNDFILE, CloseFile>;

}  // namespace

std::string file_below(const std::string& folder, const std::string& name) {
  if (folder.empty() || name.empty() || name.find('\0') != std::string::npos) return "";
  fs::path relative(name);
  if (relative.is_absolute()) return "";
  for (const auto& part : relative) {
    if (part == "..") return "";
  }
  if (!relative.has_extension()) relative += ".wav";
  std::error_code error;
  const auto root = fs::canonical(folder, error);
  if (error) return "";
  const auto file = fs::canonical(root / relative, error);
  if (error || !fs::is_regular_file(file, error)) return "";
  // A link may lead out as well.
  const auto inside = std::mismatch(root.begin(), root.end(), file.begin(), file.end());
  return inside.first == root.end() ? file.string() : "";
}

bool good_recording_name(const std::string& name) {
  return !name.empty() && name.size() <= 128 && name.front() != '.' &&
         std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.'; });
}

// What the thread owns.
class SoundLibrary::Desk {
 public:
  Desk(const MediaSettings& settings, std::function<void(Input)> told)
      : settings_(settings), told_(std::move(told)), speech_(settings) {}

  ~Desk() {
    while (!recordings_.empty()) end(recordings_.begin()->first, MediaRecorded::End::Ordered);
  }

  // False: it is time to end.
  bool work(Mailbox<LibraryMessage>& mailbox, std::atomic<std::size_t>& waiting) {
    watched_.assign(1, {mailbox.descriptor(), POLLIN, 0});
    speech_.add_to(watched_);
    ::poll(watched_.data(), watched_.size(), speech_.timeout_ms(steady_now()));
    mailbox.take(messages_);
    waiting -= messages_.size();
    for (auto& message : messages_) {
      if (std::holds_alternative<LibraryStops>(message)) return false;
      std::visit([this](auto& alternative) { on(alternative); }, message);
    }
    for (const auto& spoken : speech_.finished(steady_now())) {
      for (auto fetch = fetches_.begin(); fetch != fetches_.end();) {
        auto next = std::next(fetch);
        if (fetch->waits_for == spoken.file) {
          if (!spoken.failure.empty()) {
            fetch->order.reply({{}, spoken.failure});
            fetches_.erase(fetch);
          } else {
            fetch->waits_for.clear();
            go_on(fetch);
          }
        }
        fetch = next;
      }
    }
    return true;
  }

 private:
  struct Fetching {
    Fetch order;
    std::vector<ClipPtr> clips;
    std::string waits_for;  // file of a text that is being spoken
  };
  struct Cached {
    ClipPtr clip;
    fs::file_time_type written;
    std::uint64_t used = 0;
  };
  struct Recorded {
    File file;
    std::string name, path;
    std::uint32_t rate = 8000;
    std::uint64_t samples = 0;
    std::string failure;
  };

  void on(Fetch& order) {
    if (fetches_.size() >= most_fetches) return order.reply({{}, "too many sounds are waited for"});
    fetches_.push_back({std::move(order), {}, ""});
    go_on(std::prev(fetches_.end()));
  }
  void on(LibraryStops&) {}

  void go_on(std::list<Fetching>::iterator fetch) {
    const auto fail = [&](std::string why) {
      fetch->order.reply({{}, std::move(why)});
      fetches_.erase(fetch);
    };
    while (fetch->clips.size() < fetch->order.wanted.size()) {
      const auto& wanted = fetch->order.wanted[fetch->clips.size()];
      std::string path = wanted.name;
      if (wanted.kind == WantedSound::Kind::Prompt) {
        path = file_below(settings_.prompts_folder, wanted.name);
        if (path.empty()) path = file_below(settings_.recordings_folder, wanted.name);
        if (path.empty()) return fail("no prompt \"" + wanted.name + "\"");
      } else if (wanted.kind == WantedSound::Kind::Text) {
        const auto spoken = speech_.say(wanted.name, wanted.language);
        if (!spoken.failure.empty()) return fail(spoken.failure);
        if (!spoken.ready) {
          fetch->waits_for = spoken.file;
          return;
        }
        path = spoken.file;
      }
      auto clip = load(path);
      if (!clip) return fail(clip.error().text);
      fetch->clips.push_back(*clip);
    }
    fetch->order.reply({std::move(fetch->clips), ""});
    fetches_.erase(fetch);
  }

  Result<ClipPtr, Failure> load(const std::string& path) {
    std::error_code error;
    const auto written = fs::last_write_time(path, error);
    if (error) return Failure{path + ": " + error.message()};
    const auto known = cache_.find(path);
    if (known != cache_.end() && known->second.written == written) {
      known->second.used = ++uses_;
      return known->second.clip;
    }
    auto recording = read_recording(path);
    if (!recording) return recording.error();
    ClipPtr clip = std::make_shared<Clip>(recording->samples, recording->rate);
    cache_[path] = {clip, written, ++uses_};
    make_room();
    return clip;
  }

  // The longest unused go first.
  void make_room() {
    std::size_t octets = 0;
    for (const auto& [path, cached] : cache_) octets += cached.clip->octets();
    while (octets > most_cached_octets && cache_.size() > 1) {
      const auto oldest = std::min_element(cache_.begin(), cache_.end(),
                                           [](const auto& a, const auto& b) { return a.second.used < b.second.used; });
      octets -= oldest->second.clip->octets();
      cache_.erase(oldest);
    }
  }

  void on(RecordingBegins& order) {
    if (recordings_.contains(order.key)) end(order.key, MediaRecorded::End::Ordered);
    Recorded recorded;
    recorded.name = order.name;
    recorded.rate = order.rate;
    if (settings_.recordings_folder.empty()) {
      recorded.failure = "no folder for recordings is configured";
    } else if (!good_recording_name(order.name)) {
      recorded.failure = "not a name for a recording";
    } else {
      std::error_code ignored;
      fs::create_directories(settings_.recordings_folder, ignored);
      recorded.path = settings_.recordings_folder + "/" + order.name + ".wav";
      SF_INFO info{};
      info.samplerate = static_cast<int>(order.rate);
      info.channels = 1;
      info.format = SF_FORMAT_WAV | SF_FORMAT_PCM_16;
      recorded.file.reset(sf_open((recorded.path + ".part").c_str(), SFM_WRITE, &info));
      if (!recorded.file) recorded.failure = recorded.path + ": " + sf_strerror(nullptr);
    }
    const bool failed = !recorded.failure.empty();
    recordings_[order.key] = std::move(recorded);
    if (failed) end(order.key, MediaRecorded::End::Failed);
  }

  void on(RecordingGoesOn& order) {
    const auto recording = recordings_.find(order.key);
    if (recording == recordings_.end()) return;
    const auto count = static_cast<sf_count_t>(order.samples.size());
    if (sf_writef_short(recording->second.file.get(), order.samples.data(), count) != count) {
      recording->second.failure = recording->second.path + ": " + sf_strerror(recording->second.file.get());
      return end(order.key, MediaRecorded::End::Failed);
    }
    recording->second.samples += order.samples.size();
  }

  void on(RecordingEnds& order) { end(order.key, order.end); }

  // The file gets its name only now that it is whole.
  void end(const RecordingKey key, MediaRecorded::End how) {
    const auto found = recordings_.find(key);
    if (found == recordings_.end()) return;
    auto recorded = std::move(found->second);
    recordings_.erase(found);
    const bool opened = recorded.file != nullptr;
    recorded.file.reset();
    std::error_code error;
    if (opened) fs::rename(recorded.path + ".part", recorded.path, error);
    if (error && recorded.failure.empty()) recorded.failure = recorded.path + ": " + error.message();
    MediaRecorded out{key.media, key.play, how, recorded.name};
    out.duration_ms = static_cast<std::uint32_t>(recorded.samples * 1000 / recorded.rate);
    if (how == MediaRecorded::End::Failed && recorded.failure.empty()) recorded.failure = "the disk is too slow";
    if (!recorded.failure.empty()) {
      out.end = MediaRecorded::End::Failed;
      out.text = recorded.failure;
    }
    if (told_) told_(out);
  }

  const MediaSettings settings_;
  const std::function<void(Input)> told_;
  Speech speech_;
  std::vector<pollfd> watched_;
  std::vector<LibraryMessage> messages_;
  std::list<Fetching> fetches_;
  std::map<std::string, Cached> cache_;
  std::uint64_t uses_ = 0;
  std::map<RecordingKey, Recorded> recordings_;
};

SoundLibrary::SoundLibrary(const MediaSettings& settings, std::function<void(Input)> told)
    : desk_(std::make_unique<Desk>(settings, std::move(told))) {
  thread_ = std::thread([this] {
    while (desk_->work(mailbox_, waiting_)) {
    }
  });
  ::pthread_setname_np(thread_.native_handle(), "sounds");
}

SoundLibrary::~SoundLibrary() {
  ++waiting_;
  mailbox_.post(LibraryStops{});
  thread_.join();
}

bool SoundLibrary::post(LibraryMessage message) {
  if (waiting_.load() >= most_messages) {
    if (const auto* fetch = std::get_if<Fetch>(&message)) fetch->reply({{}, "too many sounds are waited for"});
    // An end is always taken: it frees what was begun.
    if (!std::holds_alternative<RecordingEnds>(message)) return false;
  }
  ++waiting_;
  mailbox_.post(std::move(message));
  return true;
}

}  // namespace tandem::connector::media
