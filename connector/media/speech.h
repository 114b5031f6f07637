// Texts spoken by a command that makes a WAV file, a few at once, each for a bounded time. Spoken once, kept in a
// folder. Starts processes; used by the library's thread alone.
#pragma once

#include <poll.h>
#include <sys/types.h>

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "connector/media/fd.h"
#include "connector/media/settings.h"

namespace tandem::connector::media {

class Speech {
 public:
  explicit Speech(const MediaSettings& settings);
  ~Speech();  // kills what runs
  Speech(const Speech&) = delete;
  Speech& operator=(const Speech&) = delete;

  struct Spoken {
    std::string file;     // where it is, or will be
    std::string failure;  // empty: `file` is or will be there
    bool ready = false;
  };
  // Not ready: finished() tells of `file` later.
  Spoken say(const std::string& text, const std::string& language);

  // For the thread's poll(): what to wait for, and how long at most.
  void add_to(std::vector<pollfd>& watched) const;
  int timeout_ms(Instant now) const;  // -1: for ever
  // What ended since the last call; starts what waits.
  std::vector<Spoken> finished(Instant now);

 private:
  struct Task {
    std::string text, language, file;
  };
  struct Running {
    std::string file;
    pid_t pid = -1;
    Fd done;
    Instant deadline{0};
  };
  std::string start(const Task& task, Instant now);
  void forget_oldest() const;

  const std::string command_, default_language_, folder_;
  const Instant patience_;
  const std::size_t at_once_;
  std::deque<Task> waiting_;
  std::vector<Running> running_;
  std::vector<Spoken> failed_;
  unsigned spoken_ = 0;
};

}  // namespace tandem::connector::media
