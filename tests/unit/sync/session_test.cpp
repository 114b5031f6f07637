// Both ends of a synchronisation session, without a network.
#include "tserver/sync/session.h"

#include <catch2/catch.hpp>

using namespace tandem;
using namespace tandem::tserver;

namespace {

const SyncIdentity kOne{.application = "T1", .version = "1", .peer = "T2", .incarnation = 1};
const SyncIdentity kTwo{.application = "T2", .version = "1", .peer = "T1", .incarnation = 2};

template <class Effect>
const Effect* find(const SyncEffects& effects) {
  for (const SyncEffect& effect : effects) {
    if (const auto* found = std::get_if<Effect>(&effect)) return found;
  }
  return nullptr;
}

struct Pair {
  explicit Pair(SyncIdentity one = kOne, SyncIdentity two = kTwo, std::uint64_t seen = 0)
      : primary(std::move(one), 7, {}, now), backup(std::move(two), seen, {}, now, from_backup) {}

  void pass(Instant by) {
    now.steady += by;
    now.wall += std::chrono::duration_cast<std::chrono::microseconds>(by);
  }
  // Carries what was said over; the primary's snapshot is `records`.
  void exchange() {
    while (!from_backup.empty() || !from_primary.empty()) {
      for (SyncEffect& effect : std::exchange(from_backup, {})) {
        if (auto* send = std::get_if<SyncSend>(&effect)) primary.received(send->envelope, now, from_primary);
        if (auto* close = std::get_if<SyncClose>(&effect)) backup_closed = close->why;
        if (auto* report = std::get_if<SyncReport>(&effect)) at_backup = report->report;
      }
      for (SyncEffect& effect : std::exchange(from_primary, {})) {
        if (auto* send = std::get_if<SyncSend>(&effect)) backup.received(send->envelope, now, from_backup);
        if (std::holds_alternative<SyncSnapshot>(effect)) snapshot();
        if (auto* close = std::get_if<SyncClose>(&effect)) primary_closed = close->why;
        if (auto* report = std::get_if<SyncReport>(&effect)) at_primary = report->report;
      }
    }
  }
  void say(sync::Envelope envelope) { backup.received(envelope, now, from_backup); }
  void snapshot() {
    ++snapshots;
    sync::Envelope envelope;
    envelope.mutable_snapshot_begin()->set_sequence(primary.sequence());
    envelope.mutable_snapshot_begin()->set_epoch(7);
    say(envelope);
    for (const auto& [key, record] : known.records()) {
      sync::Put& put = *envelope.mutable_records()->add_put();
      put.set_key(key);
      put.set_record(record);
    }
    envelope.mutable_records();
    say(envelope);
    envelope.mutable_snapshot_end()->set_count(known.records().size() + miscount);
    envelope.mutable_snapshot_end()->set_checksum(known.checksum());
    say(envelope);
  }
  void delta(const std::string& key, const std::string& record) {
    sync::Envelope envelope;
    envelope.mutable_delta()->add_put()->set_key(key);
    envelope.mutable_delta()->mutable_put(0)->set_record(record);
    known.apply(envelope.delta());
    REQUIRE(primary.delta(*envelope.mutable_delta()));
    say(envelope);
  }
  void poll() {
    pass(200ms);
    primary.check(now, {known.records().size(), known.checksum()}, from_primary);
    exchange();
  }

  Now now{100s, 1790000000s};
  SyncEffects from_primary, from_backup;
  PrimarySession primary;
  BackupSession backup;
  Replica known;
  std::uint64_t miscount = 0;
  int snapshots = 0;
  std::string primary_closed, backup_closed;
  PairReport at_primary, at_backup;
};

}  // namespace

TEST_CASE("a backup joins, catches up, and follows") {
  Pair pair;
  pair.known.put("a", "1");
  pair.exchange();
  REQUIRE(pair.backup.knowledge() != nullptr);
  CHECK(pair.at_backup.sync == PairReport::Sync::Joining);
  pair.delta("b", "2");
  pair.poll();
  CHECK(pair.backup.caught_up());
  CHECK(pair.at_backup.sync == PairReport::Sync::CaughtUp);
  CHECK(pair.at_primary.sync == PairReport::Sync::CaughtUp);
  CHECK(pair.at_backup.records == 2);
  CHECK(pair.at_primary.lag_ms == 0);
  CHECK(pair.at_primary.links == 0);
  pair.backup.set_links(2);
  pair.poll();
  CHECK(pair.at_primary.links == 2);
  pair.delta("a", "3");
  CHECK(pair.backup.knowledge()->records() == pair.known.records());
  CHECK(pair.snapshots == 1);
}

TEST_CASE("the primary knows when the backup has confirmed all") {
  Pair pair;
  pair.exchange();
  CHECK_FALSE(pair.primary.confirmed());  // the snapshot, so far
  pair.poll();
  CHECK(pair.primary.confirmed());
  pair.delta("a", "1");
  CHECK_FALSE(pair.primary.confirmed());
  pair.exchange();
  CHECK_FALSE(pair.primary.confirmed());  // it says so at a poll only
  SECTION("asked now") {
    pair.primary.poll_now();
    pair.primary.check(pair.now, {pair.known.records().size(), pair.known.checksum()}, pair.from_primary);
    pair.exchange();
    CHECK(pair.primary.confirmed());
  }
  SECTION("with other records than ours it confirms nothing") {
    pair.known.put("b", "untold");
    pair.poll();
    CHECK_FALSE(pair.primary.confirmed());
    pair.poll();
    CHECK(pair.primary.confirmed());
  }
}

TEST_CASE("records that differ are told anew, and not taken over meanwhile") {
  Pair pair;
  pair.exchange();
  pair.known.put("a", "1");  // the backup was not told
  pair.pass(200ms);
  pair.primary.check(pair.now, {1, pair.known.checksum()}, pair.from_primary);
  REQUIRE(find<SyncSend>(pair.from_primary) != nullptr);
  auto poll = find<SyncSend>(pair.from_primary)->envelope;
  pair.from_primary.clear();
  pair.say(poll);
  CHECK(pair.backup.knowledge() == nullptr);
  // What was under way when it asked for another snapshot does no harm.
  sync::Envelope late;
  late.mutable_delta()->set_sequence(1);
  late.mutable_delta()->set_epoch(7);
  const auto asked = pair.from_backup.size();
  pair.say(late);
  CHECK(pair.from_backup.size() == asked);
  pair.exchange();
  CHECK(pair.snapshots == 2);
  pair.poll();
  CHECK(pair.backup.caught_up());
}

TEST_CASE("a snapshot that is not whole is refused") {
  Pair pair;
  pair.miscount = 1;
  pair.exchange();
  CHECK(pair.backup_closed == "the snapshot's count or checksum is wrong");
  CHECK(pair.backup.knowledge() == nullptr);
}

TEST_CASE("a delta that is missing ends the session, one of an old epoch is passed over") {
  Pair pair;
  pair.exchange();
  pair.delta("a", "1");
  sync::Envelope old;
  old.mutable_delta()->set_sequence(9);
  old.mutable_delta()->set_epoch(6);
  pair.say(old);
  CHECK(pair.from_backup.empty());
  sync::Envelope missing;
  missing.mutable_delta()->set_sequence(3);
  missing.mutable_delta()->set_epoch(7);
  pair.say(missing);
  pair.exchange();
  CHECK(pair.backup_closed == "a delta is missing");
  CHECK(pair.backup.knowledge() != nullptr);  // what it knew is better than nothing
}

TEST_CASE("who is not the other of the pair, has another protocol, or was overtaken is refused") {
  SECTION("a stranger") {
    Pair pair(kOne, {.application = "T3", .version = "1", .peer = "T1"});
    pair.exchange();
    CHECK(pair.primary_closed == "T3 is not the other T-Server of the pair: that is T2");
  }
  SECTION("another major version") {
    Pair pair;
    auto hello = find<SyncSend>(pair.from_backup)->envelope;
    hello.mutable_hello()->set_major(2);
    pair.primary.received(hello, pair.now, pair.from_primary);
    REQUIRE(find<SyncClose>(pair.from_primary) != nullptr);
    const std::string minor = std::to_string(kSyncMinor);
    CHECK(find<SyncClose>(pair.from_primary)->why == "T2 synchronises by protocol 2." + minor + ", we by 1." + minor);
  }
  SECTION("a later minor version, with what we don't know") {
    Pair pair;
    auto hello = find<SyncSend>(pair.from_backup)->envelope;
    hello.mutable_hello()->set_minor(9);
    hello.GetReflection()->MutableUnknownFields(&hello)->AddVarint(99, 1);
    pair.from_backup.clear();
    pair.primary.received(hello, pair.now, pair.from_primary);
    pair.exchange();
    CHECK(pair.primary_closed.empty());
    CHECK(pair.backup.knowledge() != nullptr);
  }
  SECTION("a primary of an old epoch") {
    Pair pair(kOne, kTwo, 8);
    pair.exchange();
    CHECK(pair.backup_closed == "T1 has an old epoch");
  }
}

TEST_CASE("silence ends a session on both sides") {
  Pair pair;
  pair.exchange();
  pair.pass(5s);
  pair.backup.check(pair.now, pair.from_backup);
  REQUIRE(find<SyncClose>(pair.from_backup) != nullptr);
  CHECK(pair.backup.due() == Instant::max());  // nothing more is to be looked for while it closes
  pair.primary.check(pair.now, {}, pair.from_primary);
  REQUIRE(find<SyncClose>(pair.from_primary) != nullptr);
  // Nothing more is waited for: what is due at once, again and again, would stop everything else.
  CHECK(pair.backup.due() == Instant::max());
  CHECK(pair.primary.due() == Instant::max());
}
