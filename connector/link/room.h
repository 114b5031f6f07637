// The link room: the port that T-Servers connect to, in a thread of its own. Inputs go to the core in batches, reports
// come from it in batches; nothing else crosses.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/log/log.h"
#include "common/net/tls.h"
#include "connector/core/machine.h"
#include "connector/link/session.h"

namespace tandem::connector {

struct LinkSettings {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any free one
  bool tls = true;         // plain TCP is for trying things only
  net::TlsOptions tls_files;
  LinkIdentity identity;
  std::size_t queue_bytes_max = 32 << 20;     // waiting for one T-Server; above it the link is closed: SLOW_READER
  std::size_t reports_waiting_max = 200000;   // on their way from the core's thread
  std::size_t frame_bytes_max = 4 << 20;      // longest message from a T-Server
  std::uint32_t commands_per_second = 20000;  // read from one T-Server; reading pauses above it
  std::size_t links_max = 16;
};

class LinkRoom {
 public:
  // Hands over what came, in the link's thread. False: the core can't keep up; the links are closed.
  using Deliver = std::function<bool(std::vector<Input>)>;

  LinkRoom(LinkSettings settings, Logger& log, Deliver deliver);
  ~LinkRoom();  // stops
  LinkRoom(const LinkRoom&) = delete;
  LinkRoom& operator=(const LinkRoom&) = delete;

  // Listens; the port, or what is in the way.
  Result<std::uint16_t, Failure> open();
  void start();  // the thread
  // For new connections; files that can't be used change nothing.
  Result<void, Failure> set_tls(const net::TlsOptions& files);
  // Says goodbye to every T-Server, sends what is queued, ends the thread. Not from the link's thread.
  void stop();

  // From one thread, the core's: collects, then hands over what was collected in one piece.
  void perform(Report&& action);
  void perform(SendSnapshot&& action);
  void flush();

  struct Impl;  // opaque

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandem::connector
