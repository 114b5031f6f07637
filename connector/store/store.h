// Records of what survives on disk: one SQLite file for each Connector, written by a thread of its own.
//
// Whoever writes never waits: what isn't written yet lies in a table by key, so that a slow or full disk costs memory
// for what lives now and no more, and the file has the newest of each record once it can be written again. All that
// waits is one transaction. What was written is there after the process was killed; after a loss of power the last few
// seconds may be missing.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/log/log.h"
#include "connector/store/keeper.h"

namespace tandem::connector {

struct StoreSettings {
  std::string folder;                     // made if it isn't there
  std::string name;                       // of the file, without ".calls"
  std::chrono::milliseconds retry{1000};  // after a write that failed
  std::chrono::milliseconds alive{500};   // how often the file says that we live, while there is something in it
};

struct StoredCalls {
  std::vector<std::string> records;           // bytes of ha::Record
  std::chrono::microseconds last_written{0};  // wall clock
  std::chrono::microseconds in_reach{0};      // the same, with a primary T-Server in reach
};

struct StoreCounts {
  std::uint64_t transactions = 0, records = 0, bytes = 0, failures = 0;
  std::uint64_t writer_us = 0;   // CPU time of the writer
  std::uint64_t waiting = 0;     // records not written yet
  std::uint64_t file_bytes = 0;  // on disk, with what SQLite keeps beside it
};

class Store {
 public:
  static constexpr int kSchema = 1;

  Store(StoreSettings settings, Logger& log);
  ~Store();  // writes what waits, if it can
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Opens the file and reads it. A damaged one, or one of another schema, is set aside and a new one begun. Failure: it
  // can't be had at all, for instance since another process has it; then nothing is kept.
  Result<StoredCalls, Failure> open();
  // From one thread. Replaces what waits for the same keys.
  void write(KeptBytes changes);
  // Whether a primary T-Server is in reach: who isn't in reach may lose its calls to another Connector.
  void in_reach(bool now);
  // Waits until everything given was written, or can't be now.
  void flush();
  StoreCounts counts() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandem::connector
