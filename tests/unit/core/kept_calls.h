// What tests of calls that outlive the process share: what is kept of a core, each dialog as the sip room would have
// it, and a core that is made of it.
#pragma once

#include <catch2/catch.hpp>

#include "bench.h"

namespace tandem::connector::test {

inline const Phone kBob{.ip = "192.0.2.2", .port = 6000, .formats = "0", .attributes = ""};

inline CoreSettings keeping() {
  CoreSettings settings;
  settings.keep_calls = true;
  return settings;
}

inline void fill(ha::Dialog& dialog) {
  dialog.set_local("<sip:us@tandem.test>");
  dialog.set_local_tag("ours");
  dialog.set_remote("<sip:them@tandem.test>");
  dialog.set_remote_tag("theirs");
  dialog.set_target("sip:them@192.0.2.1");
}

inline void add_dialogs(ha::Party& party, const std::vector<LegId>& legs) {
  if (!party.has_called()) {
    fill(*party.mutable_dialog());
    if (party.has_offered()) party.mutable_dialog()->set_request("INVITE");
    return;
  }
  REQUIRE(legs.size() == static_cast<std::size_t>(party.called().forks_size()));
  for (std::size_t i = 0; i < legs.size(); ++i) {
    auto& fork = *party.mutable_called()->mutable_forks(static_cast<int>(i));
    auto& dialog = *fork.mutable_dialog();
    fill(dialog);
    dialog.set_flow(party.called().targets(static_cast<int>(fork.target())).next_hop());
    dialog.set_call_id("call of " + name(legs[i]));
    dialog.set_invite("INVITE");
  }
}

// Everything kept, each dialog as the sip room would have it.
inline std::vector<ha::Record> kept(Bench& bench) {
  bench.core->all_changed();
  std::vector<KeptChange> changes;
  bench.core->take_changes(bench.now, changes);
  std::vector<ha::Record> records;
  for (auto& change : changes) {
    if (change.gone) continue;
    if (change.record.has_party()) add_dialogs(*change.record.mutable_party(), change.legs);
    records.push_back(std::move(change.record));
  }
  return records;
}

inline CallsKept given(std::vector<ha::Record> records, bool held_back = false) {
  return CallsKept{std::make_shared<const std::vector<ha::Record>>(std::move(records)), held_back};
}

inline link::Snapshot snapshot(Bench& bench) {
  bench.step(LinkOpened{7, true});
  for (const auto& action : bench.last)
    if (const auto* sent = std::get_if<SendSnapshot>(&action)) return sent->snapshot;
  return {};
}

// Without what belongs to one life of the process: legs, media, timers.
inline std::vector<std::string> text(std::vector<ha::Record> records) {
  std::vector<std::string> lines;
  for (auto& record : records) {
    if (record.has_party()) {
      record.mutable_party()->mutable_stream()->clear_version();
      record.mutable_party()->mutable_stream()->clear_local();
      record.mutable_party()->mutable_session_timer()->clear_expires_at_ms();
      if (record.party().has_called()) {
        record.mutable_party()->mutable_called()->clear_ring_due_ms();
        for (auto& fork : *record.mutable_party()->mutable_called()->mutable_forks()) fork.clear_dialog();
      }
    }
    lines.push_back(record.ShortDebugString());
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

struct Reborn {
  explicit Reborn(Bench& before) : records(kept(before)), bench(keeping(), false) {
    bench.now = before.now;
    bench.step(given(records));
  }
  std::vector<ha::Record> records;
  Bench bench;
};

inline link::Command restoring(const std::vector<ha::Record>& records) {
  link::Command command;
  for (const auto& record : records) command.mutable_restore()->add_records(record.SerializeAsString());
  return command;
}

inline bool has(const Lines& lines, const std::string& line) {
  return std::find(lines.begin(), lines.end(), line) != lines.end();
}

inline std::ptrdiff_t count(const Lines& lines, std::string_view beginning) {
  return std::count_if(lines.begin(), lines.end(),
                       [&](const std::string& line) { return line.starts_with(beginning); });
}

// A caller who waits, and bob, whom two phones of his ring for.
inline Bench ringing() {
  Bench bench(keeping());
  bench.reachable("sip:bob@tandem.test", {{"sip:bob@192.0.2.2", 1000}, {"sip:bob@192.0.2.3", 1000}});
  bench.invited(in(1), kBob.sdp());
  bench.invite(made(1), given(1), "sip:bob@tandem.test");
  bench.step(Progressed{out(1), 180, {}});
  return bench;
}

inline link::Command giving_back(const std::vector<ha::Record>& records) {
  auto command = restoring(records);
  command.mutable_restore()->set_own(true);
  return command;
}

}  // namespace tandem::connector::test
