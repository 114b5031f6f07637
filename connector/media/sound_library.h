// The thread that reads and writes files for the workers, so that none of them ever waits for a disk: sounds by file,
// texts spoken by a command, recordings. It is told by messages and answers through the functions given with them.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "connector/core/machine.h"
#include "connector/media/clip.h"
#include "connector/media/mailbox.h"
#include "connector/media/settings.h"

namespace tandem::connector::media {

// A sound that is wanted: a file as the configuration names it, one of the prompts' folder, or a text.
struct WantedSound {
  enum class Kind { File, Prompt, Text } kind = Kind::File;
  std::string name;      // path, id or text
  std::string language;  // Text
};

// All that was wanted in its order, or why not.
struct Fetched {
  std::vector<ClipPtr> clips;
  std::string failure;  // empty: all are there
};
using FetchReply = std::function<void(Fetched)>;

struct Fetch {
  std::vector<WantedSound> wanted;
  FetchReply reply;  // called in the library's thread
};

// What one endpoint says goes to a file. The library answers once with MediaRecorded, when it ended or can't go on.
struct RecordingKey {
  MediaId media;
  PlayNo play = 0;
  friend auto operator<=>(const RecordingKey&, const RecordingKey&) = default;
};
struct RecordingBegins {
  RecordingKey key;
  std::string name;
  std::uint32_t rate = 8000;
};
struct RecordingGoesOn {
  RecordingKey key;
  std::vector<std::int16_t> samples;
};
struct RecordingEnds {
  RecordingKey key;
  MediaRecorded::End end = MediaRecorded::End::Ordered;
};
struct LibraryStops {};
using LibraryMessage = std::variant<Fetch, RecordingBegins, RecordingGoesOn, RecordingEnds, LibraryStops>;

class SoundLibrary {
 public:
  SoundLibrary(const MediaSettings& settings, std::function<void(Input)> told);
  // Ends recordings as they are; what is still being fetched is never answered.
  ~SoundLibrary();
  SoundLibrary(const SoundLibrary&) = delete;
  SoundLibrary& operator=(const SoundLibrary&) = delete;

  // False: so much waits already that this was refused (and, for a fetch, answered as failed).
  bool post(LibraryMessage message);

 private:
  class Desk;
  Mailbox<LibraryMessage> mailbox_;
  std::atomic<std::size_t> waiting_{0};  // messages
  std::unique_ptr<Desk> desk_;           // the thread's own
  std::thread thread_;
};

// `name` below `folder`, with ".wav" added where it has no extension. Empty: it leads out of the folder, or there is
// no such file. Looks at the file system.
std::string file_below(const std::string& folder, const std::string& name);
// Is this a name for a recording: letters, digits, - _ . and not hidden, at most 128 octets? Pure.
bool good_recording_name(const std::string& name);

}  // namespace tandem::connector::media
