// What clients may say about sessions that are kept: names, numbers, confirmations, requests, from several connections,
// as frames after a byte that says from whom and what else happens. Bounds hold, numbers have no gaps, a request is
// taken once, and a backup has the same from the changes alone.
#include <google/protobuf/stubs/logging.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <set>
#include <string>

#include "common/net/frame.h"
#include "tserver/clients/intake.h"
#include "tserver/clients/kept_sessions.h"

namespace {

using namespace tandem;
using namespace tandem::tserver;

void require(bool good) {
  if (!good) std::abort();
}

constexpr KeptOptions kOptions{.keep = std::chrono::seconds(2), .limits = {.events = 4, .bytes = 64}, .unconnected = 2};

struct World {
  KeptSessions kept{kOptions}, backup{kOptions};
  std::map<unsigned, SessionId> connections;
  std::set<std::pair<SessionId, std::uint64_t>> taken;
  Instant now{1s};

  void attach(unsigned connection, const tlib::Message& message) {
    const auto attached = kept.attach({message.sessiontoken(), {}, message.streamnumber(), message.sessionattempt()});
    SessionId session;
    if (const auto* resumed = std::get_if<KeptSessions::Resumed>(&attached)) {
      session = resumed->session;
      std::uint64_t number = message.streamnumber();
      while (const SessionEvent* event = kept.find(session)->after(number)) require(event->number == ++number);
      require(number == kept.find(session)->head().last_number);
    } else if (const auto* opened = std::get_if<KeptSessions::Opened>(&attached)) {
      session = opened->session;
    } else {
      return;
    }
    std::erase_if(connections, [&](const auto& one) { return one.second == session; });
    connections[connection] = session;
  }

  void hear(unsigned connection, const std::string& frame) {
    Intake intake = take_in(frame);
    const auto found = connections.find(connection);
    const SessionId session = found == connections.end() ? SessionId{} : found->second;
    if (const auto* message = std::get_if<tlib::Message>(&intake)) {
      if (message->has_sessiontoken()) return attach(connection, *message);
      kept.confirm(session, message->streamnumber());
      if (kept.find(session) != nullptr && message->has_requestid() && kept.take(session, message->requestid())) {
        require(taken.emplace(session, message->requestid()).second);
        kept.add(session, message->referenceid(), std::make_shared<const std::string>(message->thisdn()));
      }
    } else if (const auto* poll = std::get_if<Poll>(&intake)) {
      kept.confirm(session, poll->confirmed);
    } else if (const auto* alive = std::get_if<Alive>(&intake)) {
      kept.confirm(session, alive->confirmed);
    } else if (std::holds_alternative<End>(intake)) {
      kept.end(session);
    }
  }

  void happen(unsigned what, unsigned connection) {
    const auto found = connections.find(connection);
    if (what == 1 && found != connections.end()) {
      const SessionId session = found->second;
      connections.erase(found);
      kept.detach(session, {now, std::chrono::duration_cast<std::chrono::microseconds>(now)});
    } else if (what == 2) {
      now += 1s;
      for (const auto& over : kept.overdue(now)) require(kept.find(over.session) == nullptr);
    } else if (what == 3 && found != connections.end()) {
      kept.add(found->second, 0, std::make_shared<const std::string>(40, 'x'));
    }
  }

  void check() {
    backup.apply(kept.take_changes());
    const auto left = kept.records(), right = backup.records();
    require(left.size() == right.size());
    for (std::size_t i = 0; i < left.size(); ++i) {
      require(left[i].head == right[i].head);
      require(left[i].events.size() == right[i].events.size());
      require(left[i].events.size() <= kOptions.limits.events);
      require(left[i].head.confirmed <= left[i].head.last_number);
    }
    require(kept.unconnected() <= kOptions.unconnected);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool silent = [] {
    google::protobuf::SetLogHandler(nullptr);
    return true;
  }();
  static_cast<void>(silent);
  World world;
  world.kept.keep_changes(true);
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  while (rest.size() >= 2) {  // who and what, length, frame
    const auto head = static_cast<unsigned char>(rest[0]);
    const std::size_t length = std::min<std::size_t>(static_cast<unsigned char>(rest[1]), rest.size() - 2);
    const std::string frame(rest.substr(2, length));
    rest.remove_prefix(2 + length);
    if ((head >> 4) == 0) {
      world.hear(head & 3, frame);
    } else {
      world.happen(head >> 4, head & 3);
    }
    world.check();
  }
  return 0;
}
