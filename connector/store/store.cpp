#include "connector/store/store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <ctime>
#include <filesystem>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "connector/store/sqlite.h"

namespace tandem::connector {

using namespace std::chrono_literals;

namespace {

constexpr const char* kPrepare =
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=NORMAL;"
    "PRAGMA journal_size_limit=16777216;"
    "PRAGMA temp_store=MEMORY;"
    "CREATE TABLE IF NOT EXISTS record(kind INTEGER NOT NULL, number INTEGER NOT NULL, data BLOB NOT NULL,"
    " PRIMARY KEY(kind, number)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS life(id INTEGER PRIMARY KEY CHECK(id = 1), wall_us INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS reach(id INTEGER PRIMARY KEY CHECK(id = 1), wall_us INTEGER NOT NULL);";

std::int64_t wall_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// The process that has the file is told by a lock beside it; the kernel gives it back however the process ends.
class FileLock {
 public:
  FileLock() = default;
  explicit FileLock(const std::string& file) : fd_(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    if (fd_ >= 0 && ::flock(fd_, LOCK_EX | LOCK_NB) == 0) return;
    release();
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileLock& operator=(FileLock&& other) noexcept {
    release();
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }
  ~FileLock() { release(); }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  void release() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  int fd_ = -1;
};

}  // namespace

struct Store::Impl {
  Impl(StoreSettings given, Logger& logger) : settings(std::move(given)), log(logger) {}

  Result<void, Failure> begin();
  std::string wrong();
  void set_aside(const std::string& why);
  Result<StoredCalls, Failure> read();
  void run();
  bool write_all(const std::unordered_map<KeptKey, std::string, KeptKeyHash>& changes);
  void say(const std::string& text) { log.write(LogLevel::Standard, "kept calls, " + file + ": " + text); }

  StoreSettings settings;
  Logger& log;
  std::string file;
  FileLock lock;
  sqlite::Database database;
  sqlite::Statement put, drop, live, reach, begin_transaction, commit, rollback;

  std::mutex mutex;
  std::condition_variable wake, written;
  std::unordered_map<KeptKey, std::string, KeptKeyHash> waiting;
  bool stopping = false, busy = false;
  std::atomic<bool> failing{false};  // set by the writer, which then has no lock
  std::atomic<bool> in_reach{false};
  std::size_t rows = 0;  // about how many there are: whether there is something to say that we live for
  std::atomic<std::uint64_t> transactions{0}, records{0}, bytes{0}, failures{0}, writer_us{0};
  std::thread thread;
};

Result<void, Failure> Store::Impl::begin() {
  auto opened = sqlite::Database::open(file);
  if (!opened) return opened.error();
  database = std::move(*opened);
  return {};
}

// Why the file can't be used; empty: it can.
std::string Store::Impl::wrong() {
  const auto schema = database.number("PRAGMA user_version");
  if (schema < 0) return database.error();
  if (schema != 0 && schema != kSchema) return "of another schema, " + std::to_string(schema);
  if (const auto found = database.text("PRAGMA quick_check(1)"); found != "ok")
    return found.empty() ? database.error() : found;
  if (!database.execute(kPrepare)) return database.error();
  if (schema == 0 && !database.execute(("PRAGMA user_version=" + std::to_string(kSchema)).c_str()))
    return database.error();
  return {};
}

void Store::Impl::set_aside(const std::string& why) {
  database = {};
  const std::string aside = file + ".damaged";
  std::error_code ignored;
  std::filesystem::rename(file, aside, ignored);
  std::filesystem::remove(file + "-wal", ignored);
  std::filesystem::remove(file + "-shm", ignored);
  say("can't be used (" + why + "), set aside as " + aside + "; its calls are lost");
}

Result<StoredCalls, Failure> Store::Impl::read() {
  StoredCalls out;
  auto all = database.prepare("SELECT data FROM record ORDER BY kind, number");
  if (!all) return Failure{database.error()};
  while (all.row()) out.records.emplace_back(all.bytes(0));
  out.last_written = std::chrono::microseconds(std::max<std::int64_t>(database.number("SELECT wall_us FROM life"), 0));
  out.in_reach = std::chrono::microseconds(std::max<std::int64_t>(database.number("SELECT wall_us FROM reach"), 0));
  if (out.in_reach.count() == 0) out.in_reach = out.last_written;  // an earlier version didn't say
  put = database.prepare(
      "INSERT INTO record(kind, number, data) VALUES(?1, ?2, ?3)"
      " ON CONFLICT(kind, number) DO UPDATE SET data = excluded.data");
  drop = database.prepare("DELETE FROM record WHERE kind = ?1 AND number = ?2");
  live = database.prepare("INSERT INTO life(id, wall_us) VALUES(1, ?1) ON CONFLICT(id) DO UPDATE SET wall_us = ?1");
  reach = database.prepare("INSERT INTO reach(id, wall_us) VALUES(1, ?1) ON CONFLICT(id) DO UPDATE SET wall_us = ?1");
  begin_transaction = database.prepare("BEGIN IMMEDIATE");
  commit = database.prepare("COMMIT");
  rollback = database.prepare("ROLLBACK");
  if (!put || !drop || !live || !reach || !begin_transaction || !commit || !rollback) return Failure{database.error()};
  rows = out.records.size();
  return out;
}

bool Store::Impl::write_all(const std::unordered_map<KeptKey, std::string, KeptKeyHash>& changes) {
  bool good = begin_transaction.run();
  for (auto one = changes.begin(); good && one != changes.end(); ++one) {
    auto& statement = one->second.empty() ? drop : put;
    statement.bind(1, static_cast<std::int64_t>(one->first.kind));
    statement.bind(2, static_cast<std::int64_t>(one->first.number));
    if (!one->second.empty()) statement.bind(3, one->second);
    good = statement.run();
  }
  const auto now = wall_us();
  good = good && live.bind(1, now).run();
  if (in_reach) good = good && reach.bind(1, now).run();
  good = good && commit.run();
  if (good) {
    ++transactions;
    records += changes.size();
    for (const auto& [key, data] : changes) bytes += data.size();
    if (failing) say("can be written again");
    failing = false;
    return true;
  }
  ++failures;
  const std::string why = database.error();
  rollback.run();
  if (!failing) say("can't be written: " + why + "; calls go on, and what is kept of them is old until it can");
  failing = true;
  return false;
}

void Store::Impl::run() {
  std::unique_lock guard(mutex);
  while (true) {
    wake.wait_for(guard, settings.alive, [&] { return stopping || !waiting.empty(); });
    if (waiting.empty() && stopping) break;
    if (waiting.empty() && rows == 0) continue;
    auto changes = std::exchange(waiting, {});
    busy = true;
    guard.unlock();
    const bool good = write_all(changes);
    timespec used{};
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used) == 0)
      writer_us = static_cast<std::uint64_t>(used.tv_sec) * 1000000 + static_cast<std::uint64_t>(used.tv_nsec) / 1000;
    if (good && !changes.empty())
      rows =
          static_cast<std::size_t>(std::max<std::int64_t>(database.number("SELECT EXISTS(SELECT 1 FROM record)"), 0));
    guard.lock();
    busy = false;
    if (!good) {
      // What came meanwhile is newer.
      for (auto& [key, data] : changes) waiting.try_emplace(key, std::move(data));
      if (stopping) break;
      written.notify_all();
      wake.wait_for(guard, settings.retry, [&] { return stopping; });
    }
    if (waiting.empty()) written.notify_all();
  }
  written.notify_all();
}

Store::Store(StoreSettings settings, Logger& log) : impl_(std::make_unique<Impl>(std::move(settings), log)) {}

Store::~Store() {
  if (!impl_->thread.joinable()) return;
  {
    const std::lock_guard guard(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->wake.notify_all();
  impl_->thread.join();
}

Result<StoredCalls, Failure> Store::open() {
  auto& impl = *impl_;
  std::error_code problem;
  std::filesystem::create_directories(impl.settings.folder, problem);
  impl.file = (std::filesystem::path(impl.settings.folder) / (impl.settings.name + ".calls")).string();
  impl.lock = FileLock(impl.file + ".lock");
  if (!impl.lock) return Failure{impl.file + " can't be had: another process uses it, or the folder can't be written"};
  // Who was in a call, and their addresses, are nobody else's business.
  const auto mask = ::umask(0077);
  auto opened = impl.begin();
  std::string why = opened ? impl.wrong() : opened.error().text;
  if (!why.empty()) {
    impl.set_aside(why);
    opened = impl.begin();
    why = opened ? impl.wrong() : opened.error().text;
  }
  ::umask(mask);
  if (!why.empty()) return Failure{impl.file + ": " + why};
  auto calls = impl.read();
  if (!calls) return calls;
  impl.thread = std::thread([&impl] { impl.run(); });
  return calls;
}

void Store::write(KeptBytes changes) {
  if (changes.empty() || !impl_->thread.joinable()) return;
  {
    const std::lock_guard guard(impl_->mutex);
    for (auto& change : changes) impl_->waiting[change.key] = std::move(change.bytes);
  }
  impl_->wake.notify_one();
}

void Store::in_reach(bool now) {
  impl_->in_reach = now;
}

void Store::flush() {
  if (!impl_->thread.joinable()) return;
  std::unique_lock guard(impl_->mutex);
  impl_->wake.notify_one();
  impl_->written.wait(guard, [&] { return (impl_->waiting.empty() && !impl_->busy) || impl_->failing; });
}

StoreCounts Store::counts() const {
  StoreCounts counts{impl_->transactions, impl_->records, impl_->bytes, impl_->failures, impl_->writer_us};
  {
    const std::lock_guard guard(impl_->mutex);
    counts.waiting = impl_->waiting.size();
  }
  for (const char* part : {"", "-wal", "-shm"}) {
    std::error_code missing;
    const auto size = std::filesystem::file_size(impl_->file + part, missing);
    if (!missing) counts.file_bytes += size;
  }
  return counts;
}

}  // namespace tandem::connector
