#include "tserver/records/install.h"

#include <algorithm>
#include <array>

#include "tserver/records/agent_record.h"
#include "tserver/records/call_record.h"
#include "tserver/records/device_record.h"
#include "tserver/records/keys.h"
#include "tserver/records/other_records.h"

namespace tandem::tserver {
namespace {

class Installing {
 public:
  Installing(State& state, Now now) : state_(state), clock_(now), reading_{clock_} {}

  void read(const sync::Record& record) {
    switch (record.what_case()) {
      case sync::Record::kCounters:
        return read_counters(state_, record.counters());
      case sync::Record::kLink:
        return read_link(reading_, state_, record.link());
      case sync::Record::kClient:
        return read_client(state_, record.client());
      case sync::Record::kDevice:
        return read_device(state_, record.device());
      case sync::Record::kAgent:
        if (!read_agent(reading_, state_, record.agent()))
          done_.left_out.push_back("agent " + record.agent().id() + " on " + record.agent().dn());
        return;
      case sync::Record::kCall: {
        std::string why;
        if (read_call(reading_, state_, record.call(), why) == nullptr)
          done_.left_out.push_back("call " + to_hex(record.call().id()) + ": " + why);
        return;
      }
      case sync::Record::kAwaited:
        return read_awaited(reading_, state_, record.awaited());
      case sync::Record::kReservation:
        return read_reservation(reading_, state_, record.reservation());
      case sync::Record::kEnded:
        state_.ended_adopted.insert(ConnId{record.ended().id()});
        return;
      case sync::Record::WHAT_NOT_SET:
        return;  // of a later version
    }
  }

  Installed finish() {
    file_calls();
    count_requests();
    done_.timers = std::move(reading_.timers);
    return std::move(done_);
  }

 private:
  // Each DN's calls in the order in which they came to it.
  void file_calls() {
    struct Entry {
      std::uint64_t joined;
      Device* device;
      Call* call;
    };
    std::vector<Entry> entries;
    for (const auto& [id, call] : state_.calls) {
      for (const Party& party : call->parties) {
        if (party.device != nullptr) entries.push_back({party.joined, party.device, call.get()});
      }
    }
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.joined < b.joined; });
    for (const Entry& entry : entries) entry.device->calls.push_back(entry.call);
  }

  void owed(const Asker& asker) {
    Client* client = state_.client(asker.session);
    if (client == nullptr) return;
    ++client->outstanding;
    client->unanswered.push_back(asker.reference_id);
  }

  void count_requests() {
    for (const auto& [id, call] : state_.calls) {
      if (call->attempt) owed(call->attempt->asker);
      if (call->treatment) owed(call->treatment->asker);
      for (const Postponed& postponed : call->postponed) owed(postponed.asker);
    }
    for (const auto& [key, awaited] : state_.awaited) owed(awaited.asker);
  }

  State& state_;
  const WallClock clock_;
  Reading reading_;
  Installed done_;
};

}  // namespace

Installed install(State& state, const Replica& replica, Now now) {
  // What is pointed at comes before what points at it.
  constexpr std::array kOrder{RecordKind::Counters, RecordKind::Link,        RecordKind::Client,
                              RecordKind::Device,   RecordKind::Agent,       RecordKind::Call,
                              RecordKind::Awaited,  RecordKind::Reservation, RecordKind::Ended};
  std::array<std::vector<const std::string*>, kOrder.size()> by_kind;
  for (const auto& [key, record] : replica.records()) {
    const auto it = std::find(kOrder.begin(), kOrder.end(), kind_of(key));
    if (it != kOrder.end()) by_kind[static_cast<std::size_t>(it - kOrder.begin())].push_back(&record);
  }
  state.identity = Identity(state.settings->server_id, now);
  Installing installing(state, now);
  sync::Record record;
  for (const auto& records : by_kind) {
    for (const std::string* bytes : records) {
      if (record.ParseFromString(*bytes)) installing.read(record);
    }
  }
  return installing.finish();
}

}  // namespace tandem::tserver
