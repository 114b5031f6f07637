#include "connector/media/speech.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/algorithm/string.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>

extern char** environ;

namespace tandem::connector::media {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t longest_text = 4000;
constexpr std::size_t most_waiting = 200;
constexpr std::size_t most_kept = 2000;  // files; the older half goes when there are more
constexpr unsigned look_every = 100;     // texts

std::string default_folder() {
  return (fs::temp_directory_path() / ("tandem-speech-" + std::to_string(::getuid()))).string();
}

std::string hashed(const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  std::string out;
  for (unsigned i = 0; i < size; ++i) {
    out += "0123456789abcdef"[digest[i] >> 4];
    out += "0123456789abcdef"[digest[i] & 15];
  }
  return out;
}

bool good_language(const std::string& language) {
  return !language.empty() && language.size() <= 32 && language.front() != '-' &&
         std::all_of(language.begin(), language.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '+'; });
}

// The attributes of a child that is a group of its own, with no signal blocked or ignored.
class Attributes {
 public:
  Attributes() {
    ::posix_spawnattr_init(&attributes_);
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~Attributes() { ::posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

class FileActions {
 public:
  explicit FileActions(const std::string& input) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_addopen(&actions_, 0, input.c_str(), O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions_, 1, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions_, 2, "/dev/null", O_WRONLY, 0);
  }
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

void remove_quietly(const std::string& file) {
  std::error_code ignored;
  fs::remove(file, ignored);
}

}  // namespace

Speech::Speech(const MediaSettings& settings)
    : command_(settings.speech_command),
      default_language_(settings.speech_language),
      folder_(settings.speech_folder.empty() ? default_folder() : settings.speech_folder),
      patience_(settings.speech_timeout),
      at_once_(std::max(1u, settings.speech_processes)) {}

Speech::~Speech() {
  for (const auto& running : running_) {
    ::kill(-running.pid, SIGKILL);
    ::waitpid(running.pid, nullptr, 0);
    remove_quietly(running.file + ".part");
    remove_quietly(running.file + ".txt");
  }
}

Speech::Spoken Speech::say(const std::string& text, const std::string& language) {
  Spoken spoken;
  const auto& speaks = language.empty() ? default_language_ : language;
  if (command_.empty()) spoken.failure = "no command to speak texts with is configured";
  if (text.empty()) spoken.failure = "an empty text";
  if (text.size() > longest_text) spoken.failure = "text longer than " + std::to_string(longest_text) + " octets";
  if (!good_language(speaks)) spoken.failure = "language \"" + speaks.substr(0, 32) + "\" is not a language";
  if (!spoken.failure.empty()) return spoken;
  spoken.file = folder_ + "/" + hashed(command_ + '\0' + speaks + '\0' + text) + ".wav";
  std::error_code error;
  spoken.ready = fs::exists(spoken.file, error);
  if (spoken.ready) return spoken;
  const auto same = [&](const auto& other) { return other.file == spoken.file; };
  if (std::any_of(running_.begin(), running_.end(), same) || std::any_of(waiting_.begin(), waiting_.end(), same))
    return spoken;
  if (waiting_.size() >= most_waiting) {
    spoken.failure = "too many texts wait to be spoken";
    return spoken;
  }
  waiting_.push_back({text, speaks, spoken.file});
  return spoken;
}

std::string Speech::start(const Task& task, Instant now) {
  std::error_code error;
  if (fs::create_directories(folder_, error)) fs::permissions(folder_, fs::perms::owner_all, error);
  const auto text_file = task.file + ".txt";
  if (!(std::ofstream(text_file, std::ios::binary) << task.text << '\n')) return folder_ + " can't be written to";
  std::vector<std::string> words;
  boost::split(words, command_, boost::is_any_of(" \t"), boost::token_compress_on);
  std::vector<char*> arguments;
  for (auto& word : words) {
    boost::replace_all(word, "{language}", task.language);
    boost::replace_all(word, "{file}", task.file + ".part");
    if (!word.empty()) arguments.push_back(word.data());
  }
  if (arguments.empty()) return "no command to speak texts with is configured";
  const std::string program = arguments.front();
  arguments.push_back(nullptr);
  const Attributes attributes;
  const FileActions actions(text_file);
  Running running;
  running.file = task.file;
  const int failed =
      ::posix_spawnp(&running.pid, program.c_str(), actions.get(), attributes.get(), arguments.data(), environ);
  if (failed != 0) {
    remove_quietly(text_file);
    return program + ": " + std::strerror(failed);
  }
  running.done = Fd(static_cast<int>(::syscall(SYS_pidfd_open, running.pid, 0)));
  running.deadline = now + patience_;
  running_.push_back(std::move(running));
  return "";
}

void Speech::add_to(std::vector<pollfd>& watched) const {
  for (const auto& running : running_) {
    if (running.done) watched.push_back({running.done.get(), POLLIN, 0});
  }
}

int Speech::timeout_ms(Instant now) const {
  if (!failed_.empty() || (!waiting_.empty() && running_.size() < at_once_)) return 0;
  Instant soonest = 24h;
  for (const auto& running : running_) {
    // Without a descriptor for the process it has to be asked now and then.
    soonest = std::min(soonest, running.done ? running.deadline - now : Instant{20ms});
  }
  return running_.empty() ? -1 : static_cast<int>(std::clamp<std::int64_t>(soonest / 1ms + 1, 0, 86'400'000));
}

std::vector<Speech::Spoken> Speech::finished(Instant now) {
  std::vector<Spoken> out = std::exchange(failed_, {});
  for (std::size_t i = 0; i < running_.size();) {
    auto& running = running_[i];
    int status = 0;
    const bool late = now >= running.deadline;
    if (late) ::kill(-running.pid, SIGKILL);
    const auto ended = ::waitpid(running.pid, &status, late ? 0 : WNOHANG);
    if (ended == 0) {
      ++i;
      continue;
    }
    Spoken spoken{running.file, "", false};
    const auto part = running.file + ".part";
    std::error_code error;
    if (late) {
      spoken.failure = "the command that speaks texts took too long";
    } else if (ended < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
      spoken.failure = "the command that speaks texts failed";
    } else if (fs::rename(part, running.file, error); error) {
      spoken.failure = "the command that speaks texts made no file";
    }
    spoken.ready = spoken.failure.empty();
    remove_quietly(part);
    remove_quietly(running.file + ".txt");
    out.push_back(std::move(spoken));
    running = std::move(running_.back());
    running_.pop_back();
    if (++spoken_ % look_every == 0) forget_oldest();
  }
  while (!waiting_.empty() && running_.size() < at_once_) {
    const auto task = std::move(waiting_.front());
    waiting_.pop_front();
    auto failure = start(task, now);
    if (!failure.empty()) out.push_back({task.file, std::move(failure), false});
  }
  return out;
}

void Speech::forget_oldest() const {
  std::vector<std::pair<fs::file_time_type, fs::path>> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    if (entry.path().extension() == ".wav") files.emplace_back(entry.last_write_time(error), entry.path());
  }
  if (files.size() <= most_kept) return;
  std::sort(files.begin(), files.end());
  for (std::size_t i = 0; i < files.size() / 2; ++i) fs::remove(files[i].second, error);
}

}  // namespace tandem::connector::media
