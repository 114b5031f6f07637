// The media room as the Connector's program sees it: opens endpoints, takes the core's orders about them, tells what it
// heard.
//
// All members are called in one thread, the core's. Endpoints live in worker threads; callbacks come from those, so the
// program posts what they bring to the core's thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connector/core/machine.h"
#include "connector/core/media_port.h"
#include "connector/media/endpoint.h"
#include "connector/media/settings.h"

namespace tandem::connector {

// The last word on an endpoint.
struct MediaClosed {
  MediaId media;
  MediaCounters counters;
  double jitter_ms = 0;  // of what the party sent last
};
// As a log line: "media 0000000001000003 closed: 312 packets (53664 bytes) in, ...".
std::string to_text(const MediaClosed& closed);

struct MediaCallbacks {
  std::function<void(Input)> input;                 // MediaSilent, DigitReceived, MediaPlayed, MediaRecorded
  std::function<void(const MediaClosed&)> closed;   // after MediaClose
  std::function<void(const std::string&)> trouble;  // a line for the log: a file that can't be read
};

class MediaRoom final : public MediaAllocator {
 public:
  // Binds the first sockets and starts the threads. Throws std::runtime_error with one line that names the setting that
  // is wrong.
  MediaRoom(MediaSettings settings, MediaCallbacks callbacks);
  ~MediaRoom() override;
  MediaRoom(const MediaRoom&) = delete;
  MediaRoom& operator=(const MediaRoom&) = delete;

  // `local_ip` should be one of the addresses set; another is taken to be ours and tried, and the default used if it
  // isn't.
  std::optional<Endpoint> open(const std::string& local_ip) override;
  std::optional<Endpoint> open_again(const std::string& local_ip, std::uint16_t rtp_port) override;

  // Orders about media that isn't open (any more) are ignored.
  void handle(MediaConnect order);
  void handle(MediaScene order);
  void handle(MediaClose order);
  void handle(MediaPlay order);
  void handle(MediaRecord order);
  void handle(MediaDigits order);
  // Other files from now on, read in the background: music_file and ringtone_file of the settings. What can't be read
  // is told to `trouble` of the callbacks, and what was there before stays.
  void use_files(std::string music_file, std::string ringtone_file);

  // Of a room whose settings say `stepped`: what was sent to it so far is taken in, then so much time passes there.
  // Returns when it has. Multiples of 5 ms.
  void advance(Instant by);

  std::size_t endpoints() const;           // open now
  MediaCounters totals() const;            // since the start, a second old at most
  std::vector<Instant> cpu_times() const;  // CPU each worker has used

 private:
  class Rooms;
  std::unique_ptr<Rooms> rooms_;
};

}  // namespace tandem::connector
