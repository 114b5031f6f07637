// The role's place in etcd, against a store of the test's own that answers as etcd 3.4's gateway does. MMC-91, MMC-96.
#include "tserver/standby/etcd_seat.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <deque>
#include <map>

using namespace tandem;
using namespace tandem::tserver;

namespace json = boost::json;

namespace {

constexpr std::uint64_t kStartMs = 1790000000000;
constexpr Now kStart{100s, std::chrono::microseconds(kStartMs * 1000)};
const std::string kRole = "L3RhbmRlbS9UU2VydmVyXzEvcm9sZQ==";          // /tandem/TServer_1/role
const std::string kBase = "L3RhbmRlbS9UU2VydmVyXzEvZXBvY2gtYmFzZQ==";  // /tandem/TServer_1/epoch-base

std::string text(const json::value& value, const char* name) {
  const json::value* found = value.as_object().if_contains(name);
  return found == nullptr ? "0" : std::string(found->as_string());
}

// etcd, as far as it is asked.
class Store {
 public:
  etcd::Reply answer(const etcd::Post& post) {
    asked.push_back(post.path);
    if (leaderless) return {503, R"({"error":"etcdserver: no leader","message":"etcdserver: no leader","code":14})"};
    const json::value body = json::parse(post.body);
    if (post.path == "/v3/kv/range") return {200, range(body)};
    if (post.path == "/v3/kv/txn") return {200, txn(body)};
    if (post.path == "/v3/lease/grant") {
      leases[std::to_string(++last_lease)] = true;
      return {200, R"({"header":{"revision":")" + std::to_string(revision) + R"("},"ID":")" +
                       std::to_string(last_lease) + R"(","TTL":")" + text(body, "TTL") + R"("})"};
    }
    const std::string lease = text(body, "ID");
    const bool known = leases.contains(lease);
    if (post.path == "/v3/lease/keepalive") {
      return {200, R"({"result":{"header":{"revision":"9"},"ID":")" + lease + '"' + (known ? R"(,"TTL":"2"}})" : "}}") +
                       "\n"};
    }
    if (!known) return {404, R"({"error":"requested lease not found","message":"requested lease not found","code":5})"};
    end(lease);
    return {200, "{}"};
  }

  void end(const std::string& lease) {
    leases.erase(lease);
    for (auto it = keys.begin(); it != keys.end();) it = it->second.lease == lease ? keys.erase(it) : std::next(it);
    ++revision;
  }

  struct Key {
    std::string value, lease;
    std::uint64_t created = 0, changed = 0;
  };
  bool leaderless = false;
  std::map<std::string, Key> keys;
  std::map<std::string, bool> leases;
  std::uint64_t revision = 1, last_lease = 70;
  std::vector<std::string> asked;

 private:
  std::string range(const json::value& body) {
    CHECK(text(body, "key") == "L3RhbmRlbS9UU2VydmVyXzEv");
    CHECK(text(body, "range_end") == "L3RhbmRlbS9UU2VydmVyXzEw");
    json::array found;
    for (const auto& [name, key] : keys) {
      json::object one{{"key", name},
                       {"value", key.value},
                       {"create_revision", std::to_string(key.created)},
                       {"mod_revision", std::to_string(key.changed)}};
      if (key.lease != "0") one["lease"] = key.lease;
      found.push_back(std::move(one));
    }
    json::object answer{{"header", {{"revision", std::to_string(revision)}}}};
    if (!found.empty()) answer["kvs"] = found;
    return json::serialize(answer);
  }

  std::string txn(const json::value& body) {
    bool fits = true;
    for (const json::value& one : body.at("compare").as_array()) {
      const auto it = keys.find(text(one, "key"));
      const bool created = text(one, "target") == "CREATE";
      const std::uint64_t is = it == keys.end() ? 0 : created ? it->second.created : it->second.changed;
      fits = fits && text(one, created ? "create_revision" : "mod_revision") == std::to_string(is);
    }
    if (fits) {
      ++revision;
      for (const json::value& one : body.at("success").as_array()) {
        const json::value& put = one.at("request_put");
        Key& key = keys[text(put, "key")];
        key.value = text(put, "value");
        key.lease = text(put, "lease");
        key.changed = revision;
        if (key.created == 0) key.created = revision;
      }
    }
    return json::serialize(json::object{{"header", {{"revision", std::to_string(revision)}}}, {"succeeded", fits}});
  }
};

// One T-Server's side.
struct Side {
  Side(Store& in, std::string name) : store(in), seat({{"/tandem/TServer_1/"}, std::move(name), 2}) {}

  std::string acquire() {
    EtcdSeat::Effects out;
    seat.acquire(now, out);
    return run(std::move(out));
  }
  std::string renew() {
    EtcdSeat::Effects out;
    seat.renew(now, out);
    return run(std::move(out));
  }
  void release() {
    EtcdSeat::Effects out;
    seat.release(now, out);
    static_cast<void>(run(std::move(out)));
  }
  // Carries questions until there are none, or until `steps` were answered; what the arbiter answers, or "".
  std::string run(EtcdSeat::Effects effects) {
    std::string said;
    std::deque<EtcdSeat::Effect> queue(effects.begin(), effects.end());
    while (!queue.empty()) {
      const EtcdSeat::Effect next = queue.front();
      queue.pop_front();
      if (const auto* input = std::get_if<RoleInput>(&next)) {
        CHECK(said.empty());
        said = told(*input);
        continue;
      }
      const auto& post = std::get<etcd::Post>(next);
      now.steady += 10ms;
      now.wall += 10ms;
      Result<etcd::Reply, Failure> reply = Failure{"no answer in time"};
      if (post.path == lost_after) store.answer(post);  // carried out, but its answer is lost
      if (post.path != lost_after && post.path != lost) reply = store.answer(post);
      if (before_next) std::exchange(before_next, nullptr)();
      EtcdSeat::Effects more;
      seat.answered(reply, now, more);
      queue.insert(queue.end(), more.begin(), more.end());
    }
    return said;
  }
  std::string told(const RoleInput& said) {
    if (const auto* in = std::get_if<RoleGranted>(&said)) {
      until = in->until;
      again = in->again;
      return "granted " + std::to_string(in->epoch - kStartMs);
    }
    if (const auto* in = std::get_if<RoleRenewed>(&said)) {
      until = in->until;
      return "renewed";
    }
    if (const auto* in = std::get_if<RoleHeld>(&said)) return "held by " + in->by;
    if (const auto* in = std::get_if<RoleLost>(&said)) return "lost: " + in->why;
    return "silent: " + std::get<ArbiterSilent>(said).why;
  }

  Store& store;
  EtcdSeat seat;
  Now now = kStart;
  Instant until{0};
  bool again = false;
  std::string lost, lost_after;  // paths
  std::function<void()> before_next;
};

}  // namespace

TEST_CASE(
    "MMC-96: one of two gets the role from etcd; the other gets it when the lease has ended, with a higher epoch") {
  Store store;
  Side one(store, "TServer_1"), two(store, "TServer_2");
  // 20 ms on the way; revision 2.
  CHECK(one.acquire() == "granted 22");
  CHECK(one.until == kStart.steady + 2s + 10ms);  // from before the lease was asked for
  CHECK(store.keys.at(kRole).lease == "71");
  CHECK(two.acquire() == "held by TServer_1");
  CHECK(store.leases.size() == 1);  // whoever only looks writes nothing
  CHECK(one.renew() == "renewed");
  CHECK(one.until == kStart.steady + 2s + 40ms);
  store.end("71");
  // The wall clock of the other is behind: the base stays, the revision has risen.
  two.now.wall -= std::chrono::hours(1);
  CHECK(two.acquire() == "granted 24");
  CHECK(one.renew() == "lost: TServer_2 has taken the role");
  CHECK(one.acquire() == "held by TServer_2");
}

TEST_CASE("epochs rise though etcd lost its data, and though another arbiter decided meanwhile") {
  Store store;
  Side one(store, "TServer_1");
  CHECK(one.acquire() == "granted 22");
  store.keys.clear();
  store.revision = 1;
  one.now.wall += 60s;
  CHECK(one.renew() == "lost: etcd has no holder of the role any more");
  CHECK(one.acquire() == "granted 60073");
}

TEST_CASE("who has the role again is told whether anybody had it meanwhile") {
  Store store;
  Side one(store, "TServer_1"), two(store, "TServer_2");
  CHECK(one.acquire() == "granted 22");
  CHECK_FALSE(one.again);  // for the first time
  one.release();
  CHECK(one.acquire() == "granted 64");
  CHECK(one.again);
  store.end("72");
  CHECK(two.acquire() == "granted 66");
  CHECK_FALSE(two.again);
  two.release();
  CHECK(one.acquire() == "granted 98");
  CHECK_FALSE(one.again);  // the other one had it
  store.keys.clear();
  store.end("74");
  CHECK(one.acquire() == "granted 130");
  CHECK_FALSE(one.again);  // nobody knows
}

TEST_CASE("the role is given back at once, and its lease with it") {
  Store store;
  Side one(store, "TServer_1"), two(store, "TServer_2");
  REQUIRE(one.acquire() == "granted 22");
  one.release();
  CHECK(one.seat.idle());
  CHECK(store.keys.count(kRole) == 0);
  CHECK(store.leases.empty());
  CHECK(two.acquire() == "granted 24");
  CHECK(one.renew() == "lost: the role was given back");
}

TEST_CASE("a role given back while it is renewed is given back after that") {
  Store store;
  Side one(store, "TServer_1");
  REQUIRE(one.acquire() == "granted 22");
  one.before_next = [&one] {
    EtcdSeat::Effects out;
    one.seat.release(one.now, out);
    CHECK(out.empty());
    CHECK_FALSE(one.seat.idle());
  };
  CHECK(one.renew() == "lost: the role was given back");
  CHECK(store.keys.count(kRole) == 0);
  CHECK(one.seat.idle());
}

TEST_CASE("the lease has ended, the key is gone, somebody else's key is there: the role is lost") {
  Store store;
  Side one(store, "TServer_1");
  REQUIRE(one.acquire() == "granted 22");
  SECTION("the lease ends between looking and keeping") {
    one.before_next = [&store] { store.leases.clear(); };
    CHECK(one.renew() == "lost: the lease has ended");
  }
  SECTION("an operator deletes the key: the lease is given back, too") {
    store.keys.erase(kRole);
    CHECK(one.renew() == "lost: etcd has no holder of the role any more");
    CHECK(store.leases.empty());
  }
}

TEST_CASE("an unanswered question is no answer; what it may have left is cleared away") {
  Store store;
  Side one(store, "TServer_1"), two(store, "TServer_2");
  SECTION("nothing is known when looking fails") {
    one.lost = "/v3/kv/range";
    CHECK(one.acquire() == "silent: no answer in time");
  }
  SECTION("the role was taken, but the answer is lost: its lease is given back before it is tried again") {
    one.lost_after = "/v3/kv/txn";
    CHECK(one.acquire() == "silent: no answer in time");
    CHECK(store.keys.count(kRole) == 0);
    one.lost_after.clear();
    CHECK(one.acquire() == "granted 64");
    CHECK(two.acquire() == "held by TServer_1");
  }
  SECTION("a renewal that isn't answered leaves the role as it is") {
    REQUIRE(one.acquire() == "granted 22");
    const Instant until = one.until;
    one.lost_after = "/v3/lease/keepalive";
    CHECK(one.renew() == "silent: no answer in time");
    CHECK(one.until == until);
    one.lost_after.clear();
    CHECK(one.renew() == "renewed");
  }
  SECTION("giving back rests after three attempts, and goes on with the next question") {
    REQUIRE(one.acquire() == "granted 22");
    store.asked.clear();
    const bool leaderless = GENERATE(true, false);
    store.leaderless = leaderless;
    if (!leaderless) one.lost = "/v3/lease/revoke";
    one.release();
    CHECK(one.seat.idle());
    CHECK(store.asked.size() == (leaderless ? 3 : 0));
    CHECK(one.acquire().starts_with("silent: "));
    CHECK(store.keys.count(kRole) == 1);
    SECTION("nobody else has to wait for the lease's end") {
      store.leaderless = false;
      one.lost.clear();
      CHECK(one.acquire().starts_with("granted "));
      CHECK(store.leases.size() == 1);
    }
    SECTION("for half a minute: the lease has ended then") {
      one.now.steady += 31s;
      CHECK(one.acquire().starts_with("silent: "));
      store.leaderless = false;
      CHECK(one.acquire() == "held by TServer_1");  // of this store, that ends none by itself
    }
  }
}

TEST_CASE("two that look at once: one is told that another takes it") {
  Store store;
  Side one(store, "TServer_1"), two(store, "TServer_2");
  one.before_next = [&two] { CHECK(two.acquire() == "granted 22"); };
  CHECK(one.acquire() == "held by another T-Server that takes it just now");
  CHECK(store.leases.size() == 1);
  CHECK(one.acquire() == "held by TServer_2");
}

TEST_CASE("answers that are no answers of etcd are told in words") {
  Store store;
  const auto after = [&](Result<etcd::Reply, Failure> reply) {
    Side one(store, "TServer_1");
    EtcdSeat::Effects out;
    one.seat.acquire(one.now, out);
    REQUIRE(out.size() == 1);
    out.clear();
    one.seat.answered(reply, one.now, out);
    REQUIRE(out.size() == 1);
    return one.told(std::get<RoleInput>(out[0]));
  };
  CHECK(after(etcd::Reply{200, "<html>"}) == "silent: etcd's answer is no JSON object");
  CHECK(after(etcd::Reply{200, "{}"}) == "silent: etcd's answer names no revision");
  CHECK(after(etcd::Reply{503, R"({"error":"no leader","message":"etcdserver: no leader","code":14})"}) ==
        "silent: etcdserver: no leader");
  CHECK(after(etcd::Reply{404, "404 page not found"}) == "silent: answer 404");
}
