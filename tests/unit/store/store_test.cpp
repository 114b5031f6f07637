// Call data on disk: the newest of each record, over a crash, a damaged file, a disk that can't be written.
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include "connector/store/store.h"

namespace tandem::connector {
namespace {

struct Folder {
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tandem-store-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

struct Lines final : Logger {
  bool enabled(LogLevel) const override { return true; }
  void write(LogLevel, std::string_view line) override { text.append(line).append("\n"); }
  std::string text;
};

ha::Record record(std::uint64_t number, const std::string& id) {
  ha::Record out;
  out.set_major(1);
  out.mutable_conversation()->set_conversation(number);
  out.mutable_conversation()->set_conversation_id(id);
  return out;
}

KeptBytes put(std::uint64_t number, const std::string& id) {
  return {{{KeptKey::Kind::Conversation, number}, record(number, id).SerializeAsString()}};
}

std::vector<std::string> ids(const StoredCalls& calls) {
  std::vector<std::string> out;
  for (const auto& bytes : calls.records) {
    ha::Record one;
    REQUIRE(one.ParseFromString(bytes));
    out.push_back(one.conversation().conversation_id());
  }
  return out;
}

}  // namespace

TEST_CASE("The newest of each record is there the next time") {
  const Folder folder;
  Lines log;
  {
    Store store({folder.path, "C1"}, log);
    const auto calls = store.open();
    REQUIRE(calls.has_value());
    CHECK(calls->records.empty());
    store.write(put(1, "one"));
    store.write(put(2, "two"));
    store.write(put(~0ULL, "last"));
    store.write(put(1, "one again"));
    store.write({{{KeptKey::Kind::Conversation, 2}, {}}});
    store.flush();
    CHECK(store.counts().failures == 0);
  }
  Store store({folder.path, "C1"}, log);
  const auto calls = store.open();
  REQUIRE(calls.has_value());
  CHECK(ids(*calls) == std::vector<std::string>{"last", "one again"});
  CHECK(calls->last_written.count() > 0);
  CHECK(log.text.empty());
}

TEST_CASE("It says when a primary T-Server was in reach last") {
  const Folder folder;
  Lines log;
  const auto life = [&](bool in_reach) {
    Store store({folder.path, "C1"}, log);
    const auto before = store.open();
    REQUIRE(before.has_value());
    store.in_reach(in_reach);
    store.write(put(1, "one"));
    store.flush();
    return *before;
  };
  life(false);
  const auto never = life(true);
  CHECK(never.in_reach == never.last_written);
  const auto now = life(false);
  CHECK(now.in_reach == now.last_written);
  CHECK(now.in_reach > never.in_reach);
  const auto later = life(false);
  CHECK(later.in_reach == now.in_reach);
  CHECK(later.last_written > now.last_written);
}

TEST_CASE("Two processes don't share a file") {
  const Folder folder;
  Lines log;
  Store one({folder.path, "C1"}, log), same({folder.path, "C1"}, log), other({folder.path, "C2"}, log);
  CHECK(one.open().has_value());
  CHECK_FALSE(same.open().has_value());
  CHECK(other.open().has_value());
}

TEST_CASE("A damaged file is set aside") {
  const Folder folder;
  Lines log;
  std::ofstream(folder.path / "C1.calls") << std::string(8192, 'x');
  Store store({folder.path, "C1"}, log);
  const auto calls = store.open();
  REQUIRE(calls.has_value());
  CHECK(calls->records.empty());
  CHECK(std::filesystem::exists(folder.path / "C1.calls.damaged"));
  CHECK(log.text.find("set aside") != std::string::npos);
  store.write(put(1, "one"));
  store.flush();
  CHECK(store.counts().failures == 0);
}

TEST_CASE("A folder that can't be had is said") {
  Lines log;
  Store store({"/proc/nowhere", "C1"}, log);
  CHECK_FALSE(store.open().has_value());
  store.write(put(1, "one"));  // nothing comes of it
}

TEST_CASE("Only what differs is a change, and what isn't said again is dropped") {
  Keeper keeper;
  KeptBytes out;
  keeper.put(record(1, "one"), out);
  keeper.put(record(1, "one"), out);
  keeper.put(record(2, "two"), out);
  CHECK(out.size() == 2);
  out.clear();
  keeper.drop({KeptKey::Kind::Conversation, 3}, out);
  CHECK(out.empty());
  keeper.tell_again();
  keeper.put(record(1, "one"), out);
  keeper.drop_unsaid(out);
  REQUIRE(out.size() == 2);
  CHECK(out[0].bytes == record(1, "one").SerializeAsString());
  CHECK(out[1].key.number == 2);
  CHECK(out[1].bytes.empty());
}

}  // namespace tandem::connector
