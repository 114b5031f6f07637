// Calls that outlive the process (MMC-110, MMC-112): what is kept of a core makes another one that is its equal, calls
// the phones again, and can be taken over by a third.
#include <catch2/catch.hpp>

#include "bench.h"

namespace tandem::connector::test {
namespace {

CoreSettings keeping() {
  CoreSettings settings;
  settings.keep_calls = true;
  return settings;
}

// Everything kept, each dialog as the sip room would have it.
std::vector<ha::Record> kept(Bench& bench) {
  bench.core->all_changed();
  std::vector<KeptChange> changes;
  bench.core->take_changes(bench.now, changes);
  std::vector<ha::Record> records;
  for (auto& change : changes) {
    if (change.gone) continue;
    if (change.record.has_party()) {
      auto& dialog = *change.record.mutable_party()->mutable_dialog();
      dialog.set_local("<sip:us@tandem.test>");
      dialog.set_local_tag("ours");
      dialog.set_remote("<sip:them@tandem.test>");
      dialog.set_remote_tag("theirs");
      dialog.set_target("sip:them@192.0.2.1");
      if (change.record.party().has_offered()) dialog.set_request("INVITE");
    }
    records.push_back(std::move(change.record));
  }
  return records;
}

CallsKept given(std::vector<ha::Record> records, bool held_back = false) {
  return CallsKept{std::make_shared<const std::vector<ha::Record>>(std::move(records)), held_back};
}

link::Snapshot snapshot(Bench& bench) {
  bench.step(LinkOpened{7, true});
  for (const auto& action : bench.last)
    if (const auto* sent = std::get_if<SendSnapshot>(&action)) return sent->snapshot;
  return {};
}

// Without what belongs to one life of the process: legs, media, timers.
std::vector<std::string> text(std::vector<ha::Record> records) {
  std::vector<std::string> lines;
  for (auto& record : records) {
    if (record.has_party()) {
      record.mutable_party()->mutable_stream()->clear_version();
      record.mutable_party()->mutable_stream()->clear_local();
      record.mutable_party()->mutable_session_timer()->clear_expires_at_ms();
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

}  // namespace

TEST_CASE("A core made of what another kept is its equal and calls its phones again") {
  Bench before(keeping());
  before.talking();
  Reborn after(before);
  CHECK(text(kept(after.bench)) == text(after.records));
  CHECK(after.bench.step(PortsOpened{}) ==
        Lines{"reinvite out1 m1 [0 PCMU, 8 PCMA, 101 telephone-event 0-15] sendrecv v1 expires 1800 uac",
              "reinvite out2 m2 [0 PCMU, 8 PCMA, 101 telephone-event 0-15] sendrecv v1 expires 1800 uac"});
  CHECK(snapshot(after.bench).ShortDebugString() == snapshot(before).ShortDebugString());
}

TEST_CASE("Consultations, holds and who hears whom come back") {
  Bench before(keeping());
  before.talking();
  before.join(made(1), given(1), given(9));
  before.invite(given(9), given(2), "sip:carol@tandem.test");
  link::Audio audio;
  audio.set_muted(true);
  before.audio(made(1), made(2), audio);
  Reborn after(before);
  auto now = snapshot(after.bench), then = snapshot(before);
  // Who is being called isn't kept: its INVITE is gone with the process.
  REQUIRE(then.conversations_size() == 2);
  REQUIRE(now.conversations_size() == 2);
  CHECK(now.conversations(0).ShortDebugString() == then.conversations(0).ShortDebugString());
  CHECK(now.conversations(1).parties_size() == 1);
  CHECK(text(kept(after.bench)) == text(after.records));
}

TEST_CASE("A phone that doesn't know the call any more leaves it") {
  Bench before(keeping());
  before.talking();
  Reborn after(before);
  after.bench.step(PortsOpened{});
  after.bench.step(LinkOpened{1, true});
  const auto lines = after.bench.step(ReinviteRejected{out(1), 481, 0, 0});
  CHECK(std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
          return line.find("left TRANSPORT_FAILED") != std::string::npos;
        }) == 1);
  // One that can't be reached yet is tried again, at the place it registered from meanwhile.
  after.bench.step(ReinviteRejected{out(2), 503, 0, 0});
  const auto again = after.bench.wait(std::chrono::milliseconds(2000));
  CHECK(std::any_of(again.begin(), again.end(),
                    [](const std::string& line) { return line.starts_with("reinvite out2"); }));
}

TEST_CASE("Calls that another may have wait for a word") {
  Bench before(keeping());
  before.talking();
  Bench after(keeping(), false);
  after.now = before.now;
  after.step(given(kept(before), true));
  CHECK(after.step(PortsOpened{}) == Lines{});
  after.step(LinkOpened{1, true});
  link::Command resume;
  resume.mutable_resume();
  CHECK(after.command(resume).size() == 2);

  Bench other(keeping(), false);
  other.now = before.now;
  other.step(given(kept(before), true));
  other.step(PortsOpened{});
  other.step(LinkOpened{1, true});
  link::Command disown;
  disown.set_conversation(made(1));
  disown.mutable_disown();
  const auto lines = other.command(disown);
  CHECK(std::none_of(lines.begin(), lines.end(),
                     [](const std::string& line) { return line.starts_with("bye") || line.starts_with("report"); }));
  CHECK(snapshot(other).conversations_size() == 0);
}

TEST_CASE("Another Connector takes calls over by command") {
  Bench before(keeping());
  before.talking();
  Bench other(keeping());
  other.now = before.now;
  other.step(PortsOpened{});
  const auto records = kept(before);
  link::Command part;
  part.mutable_restore()->add_records(records.front().SerializeAsString());
  part.mutable_restore()->set_more(true);
  CHECK(other.command(part) == Lines{});
  link::Command rest;
  for (std::size_t i = 1; i < records.size(); ++i) rest.mutable_restore()->add_records(records[i].SerializeAsString());
  const auto lines = other.command(rest);
  CHECK(std::count_if(lines.begin(), lines.end(), [](const std::string& l) { return l.starts_with("reinvite"); }) == 2);
  CHECK(snapshot(other).conversations(0).parties_size() == 2);
}

TEST_CASE("Records nobody can use do no harm") {
  Bench bench(keeping(), false);
  std::vector<ha::Record> records(5);
  records[1].set_major(9);
  records[2].set_major(1);
  records[2].mutable_party()->set_party(5);
  records[3].set_major(1);
  records[3].mutable_conversation()->set_conversation(6);
  records[3].mutable_conversation()->add_parties(77);
  records[4].set_major(1);
  records[4].mutable_conversation();
  bench.step(given(records));
  CHECK(bench.step(PortsOpened{}) == Lines{});
  CHECK(snapshot(bench).conversations_size() == 0);
}

}  // namespace tandem::connector::test
