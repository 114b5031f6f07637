#include "tserver/model/identity.h"

#include <catch2/catch.hpp>
#include <set>

using namespace tandem;
using namespace tandem::tserver;

namespace {

Now at(std::chrono::milliseconds since_1970) {
  return {Instant(0), since_1970};
}
constexpr std::chrono::milliseconds kStart{1790000000000};

}  // namespace

TEST_CASE("the server id is in the top 14 bits of a ConnID") {
  Identity identity(16383, at(kStart));
  CHECK(identity.next_conn_id().value >> 50 == 16383);
  identity.set_server_id(5);
  CHECK(identity.next_conn_id().value >> 50 == 5);
  Identity zero(0, at(kStart));
  CHECK(zero.next_conn_id().value >> 50 == 0);
  CHECK(zero.next_conn_id());
}

TEST_CASE("a later start begins above every ConnID of an earlier one") {
  Identity first(1, at(kStart));
  std::uint64_t last = 0;
  for (int i = 0; i < 500000; ++i) {  // a second of half a million calls
    const std::uint64_t id = first.next_conn_id().value;
    REQUIRE(id > last);
    last = id;
  }
  Identity second(1, at(kStart + std::chrono::milliseconds(1000)));
  CHECK(second.next_conn_id().value > last);
}

TEST_CASE("a clock that stands before 2024 still gives ConnIDs") {
  Identity identity(0, at(std::chrono::milliseconds(5)));
  CHECK(identity.next_conn_id());
  CHECK(identity.next_link_id() >> 63 == 1);
}

TEST_CASE("CallUUIDs have 32 characters and differ") {
  std::set<std::string> seen;
  Identity identity(1, at(kStart));
  for (int i = 0; i < 1000; ++i) {
    const std::string uuid = call_uuid(identity.next_conn_id());
    REQUIRE(uuid.size() == 32);
    REQUIRE(uuid.find_first_not_of("0123456789ABCDEF") == std::string::npos);
    REQUIRE(seen.insert(uuid).second);
  }
}

TEST_CASE("a run that follows another one gives out nothing that one may have given out untold") {
  Identity former(1, at(kStart)), older(1, at(kStart - std::chrono::milliseconds(1000)));
  for (int i = 0; i < 3; ++i) {
    former.next_conn_id();
    former.next_link_id();
  }
  const auto told = former.ranges();
  const ConnId untold = former.next_conn_id();
  const std::uint64_t untold_link = former.next_link_id();
  older.follow(told, 3);
  CHECK(older.next_conn_id() > untold);
  CHECK(older.next_link_id() > untold_link);
  CHECK_FALSE(older.made(untold));
  CHECK_FALSE(older.made_link_id(untold_link));
}

TEST_CASE("ids on the link are the T-Server's own, also after a restart") {
  Identity first(1, at(kStart));
  Identity second(1, at(kStart + std::chrono::milliseconds(100)));
  std::uint64_t last = 0;
  for (int i = 0; i < 100000; ++i) last = first.next_link_id();
  CHECK(last >> 63 == 1);
  CHECK(second.next_link_id() > last);
}
