#include "records_of.h"

#include <algorithm>

#include "proto/sync.pb.h"
#include "tserver/records/keys.h"
#include "tserver/records/tracker.h"

namespace tandem::tserver::test {
namespace {

// A call's record without what ends with the primary's own clients.
std::string survives(const std::string& bytes) {
  sync::Record record;
  record.ParseFromString(bytes);
  if (!record.has_call()) return bytes;
  auto& places = *record.mutable_call()->mutable_virtual_queues();
  places.erase(std::remove_if(places.begin(), places.end(), [](const auto& place) { return place.by() == 0; }),
               places.end());
  return record.SerializeAsString();
}

std::string text_of(const std::string& bytes) {
  sync::Record record;
  record.ParseFromString(bytes);
  return record.DebugString();
}

}  // namespace

Replica records_of(const State& state, Now now) {
  // Only marks are touched, and they are as before afterwards.
  State& of = const_cast<State&>(state);
  const Touched marks = of.touched;
  Replica all;
  Tracker tracker(now);
  tracker.begin(of, now, [&](const std::string& key, const std::string& record) { all.put(key, record); });
  of.touched = marks;
  return all;
}

std::vector<std::string> differences(const Replica& told, const Replica& is, const std::string& what, bool links) {
  std::vector<std::string> out;
  const auto counts = [&](const std::string& key) {
    const RecordKind kind = kind_of(key);
    return kind != RecordKind::Counters && (links || kind != RecordKind::Link);
  };
  for (const auto& [key, record] : told.records()) {
    if (!counts(key)) continue;
    const auto it = is.records().find(key);
    if (it == is.records().end()) {
      out.push_back(what + " lacks " + key);
    } else if (it->second != record && it->second != survives(record)) {
      out.push_back(what + " differs in " + key + "\n" + text_of(record) + "--- is\n" + text_of(it->second));
    }
  }
  for (const auto& [key, record] : is.records()) {
    if (counts(key) && !told.records().contains(key)) out.push_back(what + " has too much: " + key);
  }
  return out;
}

}  // namespace tandem::tserver::test
