#include "tserver/records/tracker.h"

#include <unordered_set>

#include "tserver/records/agent_record.h"
#include "tserver/records/call_record.h"
#include "tserver/records/checksum.h"
#include "tserver/records/device_record.h"
#include "tserver/records/keys.h"
#include "tserver/records/other_records.h"

namespace tandem::tserver {

struct Tracker::Sink {
  std::function<void(const std::string& key, const std::string& record)> put;
  std::function<void(const std::string& key)> erase;
  std::unordered_set<std::string>* seen = nullptr;  // every key there is, when all are looked at
};

void Tracker::begin(State& state, Now now, const Put& put) {
  on_ = true;
  told_.clear();
  checksum_ = 0;
  clock_ = WallClock(now);
  Sink sink{put, [](const std::string&) {}};
  all(state, sink);
  state.touched.clear();
  state.touched.on = true;
}

void Tracker::end(State& state) {
  on_ = false;
  told_.clear();
  checksum_ = 0;
  state.touched.clear();
  state.touched.on = false;
}

void Tracker::changes(State& state, Now now, sync::Delta& delta) {
  if (!on_) return;
  clock_.follow(now);
  Sink sink{[&](const std::string& key, const std::string& record) {
              sync::Put& put = *delta.add_put();
              put.set_key(key);
              put.set_record(record);
            },
            [&](const std::string& key) { delta.add_deleted(key); }};
  if (state.touched.everything_) {
    std::unordered_set<std::string> seen;
    sink.seen = &seen;
    all(state, sink);
    std::vector<std::string> gone;
    for (const auto& [key, sum] : told_) {
      if (!seen.contains(key)) gone.push_back(key);
    }
    for (const std::string& key : gone) drop(key, sink);
  } else {
    touched(state, sink);
  }
  state.touched.clear();
}

void Tracker::all(State& state, Sink& sink) {
  deadlines_ = &state.deadlines;
  put_counters(state, sink);
  put_links(state, sink);
  for (const auto& [session, client] : state.clients) put_client(*client, sink);
  for (const auto& [dn, device] : state.devices) put_device(*device, sink);
  for (const auto& [id, call] : state.calls) put_call(state, *call, sink);
  for (const auto& [key, awaited] : state.awaited) put_awaited(state, key, awaited, sink);
  for (const auto& [key, reservation] : state.reservations) put_reservation(key, reservation, sink);
  for (const ConnId id : state.ended_adopted) put_ended(id, sink);
}

void Tracker::widen(State& state) {
  Touched& marks = state.touched;
  const auto find = [&](ConnId id) {
    const auto it = state.calls.find(id);
    return it == state.calls.end() ? nullptr : it->second.get();
  };
  for (std::size_t i = 0, n = marks.calls_.size(); i < n; ++i) {
    const Call* call = find(marks.calls_[i]);
    if (call == nullptr) continue;
    for (const Party& party : call->parties) {
      if (party.device != nullptr) marks.device(*party.device);
    }
    if (call->main) marks.call(call->main);
    for (const ConnId id : call->joint) marks.call(id);
  }
  for (const Device* device : marks.devices_) {
    if (!device->extension()) continue;  // thousands may wait on a Routing Point, each for itself
    for (const Call* call : device->calls) marks.call(call->id);
  }
}

void Tracker::touched(State& state, Sink& sink) {
  deadlines_ = &state.deadlines;
  const Touched& marks = state.touched;
  widen(state);
  put_counters(state, sink);
  if (marks.links_) put_links(state, sink);
  for (const SessionId session : marks.clients_) {
    const auto it = state.clients.find(session);
    if (it != state.clients.end()) {
      put_client(*it->second, sink);
    } else {
      drop(record_key(RecordKind::Client, session.value), sink);
    }
  }
  for (const Device* device : marks.devices_) put_device(*device, sink);
  for (const ConnId id : marks.calls_) {
    const auto it = state.calls.find(id);
    if (it != state.calls.end()) {
      put_call(state, *it->second, sink);
    } else {
      drop(record_key(RecordKind::Call, id.value), sink);
    }
  }
  for (const std::uint64_t key : marks.awaited_) {
    const auto it = state.awaited.find(key);
    if (it != state.awaited.end()) {
      put_awaited(state, key, it->second, sink);
    } else {
      drop(record_key(RecordKind::Awaited, key), sink);
    }
  }
  for (const std::string& key : marks.reservations_) {
    const auto it = state.reservations.find(key);
    if (it != state.reservations.end()) {
      put_reservation(key, it->second, sink);
    } else {
      drop(record_key(RecordKind::Reservation, key), sink);
    }
  }
  for (const ConnId id : marks.ended_) put_ended(id, sink);
}

void Tracker::put_counters(const State& state, Sink& sink) {
  write_counters(state, *counters_.mutable_counters());
  tell(record_key(RecordKind::Counters), counters_, sink);
}

void Tracker::put_ended(ConnId id, Sink& sink) {
  sync::Record& made = record();
  made.mutable_ended()->set_id(id.value);
  tell(record_key(RecordKind::Ended, id.value), made, sink);
}

void Tracker::put_call(const State& state, const Call& call, Sink& sink) {
  sync::Record& made = record();
  write_call({clock_, *deadlines_}, state, call, *made.mutable_call());
  tell(record_key(RecordKind::Call, call.id.value), made, sink);
}

void Tracker::put_device(const Device& device, Sink& sink) {
  if (has_record(device)) {
    sync::Record& made = record();
    write_device(device, *made.mutable_device());
    tell(record_key(RecordKind::Device, device.dn.str()), made, sink);
  } else {
    drop(record_key(RecordKind::Device, device.dn.str()), sink);
  }
  if (!device.extension()) return;
  if (device.agent != nullptr) {
    sync::Record& made = record();
    write_agent({clock_, *deadlines_}, device, *made.mutable_agent());
    tell(record_key(RecordKind::Agent, device.dn.str()), made, sink);
  } else {
    drop(record_key(RecordKind::Agent, device.dn.str()), sink);
  }
}

void Tracker::put_client(const Client& client, Sink& sink) {
  if (!is_kept(client.session)) return;
  sync::Record& made = record();
  write_client(client, *made.mutable_client());
  tell(record_key(RecordKind::Client, client.session.value), made, sink);
}

void Tracker::put_links(const State& state, Sink& sink) {
  for (const CtiLink& link : state.links) {
    sync::Record& made = record();
    write_link({clock_, *deadlines_}, state, link, *made.mutable_link());
    tell(record_key(RecordKind::Link, link.name), made, sink);
  }
}

void Tracker::put_awaited(const State& state, std::uint64_t key, const Awaited& awaited, Sink& sink) {
  sync::Record& made = record();
  write_awaited({clock_, *deadlines_}, state, awaited, *made.mutable_awaited());
  tell(record_key(RecordKind::Awaited, key), made, sink);
}

void Tracker::put_reservation(const std::string& key, const Reservation& reservation, Sink& sink) {
  sync::Record& made = record();
  write_reservation({clock_, *deadlines_}, key, reservation, *made.mutable_reservation());
  tell(record_key(RecordKind::Reservation, key), made, sink);
}

void Tracker::tell(std::string key, const sync::Record& record, Sink& sink) {
  record.SerializeToString(&bytes_);
  const std::uint64_t sum = record_sum(key, bytes_);
  if (sink.seen != nullptr) sink.seen->insert(key);
  const auto [it, is_new] = told_.try_emplace(std::move(key), sum);
  if (!is_new) {
    if (it->second == sum) return;
    checksum_ -= it->second;
    it->second = sum;
  }
  checksum_ += sum;
  sink.put(it->first, bytes_);
}

void Tracker::drop(const std::string& key, Sink& sink) {
  const auto it = told_.find(key);
  if (it == told_.end()) return;
  checksum_ -= it->second;
  told_.erase(it);
  sink.erase(key);
}

}  // namespace tandem::tserver
