#include <catch2/catch.hpp>

#include "tserver/features/machine_state.h"
#include "tserver/gateway/page.h"

using namespace tandem;
using namespace tandem::tserver;

namespace {

// A T-Server with one Connector, one Routing Point and one phone, driven as its program drives it.
struct Bench {
  Bench() {
    auto settings = std::make_shared<Settings>();
    settings->links = {{"connector1", ""}};
    for (const char* dn : {"sip:support@tandem.test", "sip:bob@tandem.test"}) {
      DnSettings& one = settings->dns[Dn(dn)];
      one.dn = Dn(dn);
      one.type = dn[4] == 's' ? DnType::RoutingPoint : DnType::Extension;
    }
    machine = std::make_unique<FeatureMachine>(settings, now);
    link::Hello hello;
    hello.set_application("Connector_1");
    hello.set_incarnation(1);
    give(LinkUp{0, hello, {}});
  }
  void give(Input input) {
    effects.clear();
    meter.begin(input);
    machine->handle(std::move(input), now, effects);
    meter.end(effects, 20us);
  }
  void request(const tlib::Message& message) { give(ClientRequest{SessionId{1}, message}); }
  void offer(std::uint64_t conversation) {
    link::Happening happening;
    happening.set_conversation(conversation);
    happening.set_party(conversation + 1);
    happening.mutable_offered()->set_from("sip:anna@elsewhere.test");
    happening.mutable_offered()->set_to("sip:support@tandem.test");
    give(Happened{0, happening});
  }
  bool has(const std::string& line) {
    metrics::Exposition out;
    add_metrics(out, machine->state(), meter, figures, now);
    const bool found = out.text().find("\n" + line + "\n") != std::string::npos;
    if (!found) UNSCOPED_INFO(out.text());
    return found;
  }

  Now now{.steady = 1000s, .wall = std::chrono::hours(500000)};
  std::unique_ptr<FeatureMachine> machine;
  Meter meter;
  Figures figures{.links = {{"connector1", true, 17, 2ms}}};
  Effects effects;
};

}  // namespace

TEST_CASE("a call that waits is in the numbers of its Routing Point, until its caller gives up", "[gateway]") {
  Bench bench;
  CHECK(bench.has("tandem_queue_calls{dn=\"sip:support@tandem.test\"} 0"));
  CHECK(unsettled(bench.machine->state()) == 0);
  bench.offer(10);
  bench.now.steady += 7s;
  CHECK(bench.has("tandem_calls{state=\"queued\",type=\"Inbound\"} 1"));
  CHECK(bench.has("tandem_calls_created_total 1"));
  CHECK(bench.has("tandem_queue_calls{dn=\"sip:support@tandem.test\"} 1"));
  CHECK(bench.has("tandem_queue_oldest_wait_seconds{dn=\"sip:support@tandem.test\"} 7"));
  CHECK(bench.has("tandem_queue_entered_total{dn=\"sip:support@tandem.test\"} 1"));
  CHECK(bench.has("tandem_queue_routers{dn=\"sip:support@tandem.test\"} 0"));
  CHECK(bench.has("tandem_link_calls{link=\"connector1\"} 1"));
  CHECK(unsettled(bench.machine->state()) == 1);

  link::Happening left;
  left.set_conversation(10);
  left.set_party(11);
  left.mutable_left()->set_cause(link::Left::CANCELLED);
  bench.give(Happened{0, left});
  CHECK(bench.has("tandem_queue_calls{dn=\"sip:support@tandem.test\"} 0"));
  CHECK(bench.has("tandem_queue_abandoned_total{dn=\"sip:support@tandem.test\"} 1"));
  CHECK(bench.has("tandem_queue_wait_seconds_bucket{dn=\"sip:support@tandem.test\",le=\"5\"} 0"));
  CHECK(bench.has("tandem_queue_wait_seconds_bucket{dn=\"sip:support@tandem.test\",le=\"10\"} 1"));
  CHECK(bench.has("tandem_queue_wait_seconds_sum{dn=\"sip:support@tandem.test\"} 7"));
  CHECK(unsettled(bench.machine->state()) == 0);
}

TEST_CASE("queues of clients, sessions that are kept, timers", "[gateway]") {
  Bench bench;
  bench.figures.client_queues = 700;
  bench.figures.longest_client_queue = 500;
  bench.figures.client_queue_limit = 8 << 20;
  bench.figures.kept_sessions = 5;
  bench.figures.kept_unconnected = 2;
  bench.figures.timers = 4;
  CHECK(bench.has("tandem_client_queue_bytes 700"));
  CHECK(bench.has("tandem_client_queue_largest_bytes 500"));
  CHECK(bench.has("tandem_client_queue_limit_bytes 8388608"));
  CHECK(bench.has("tandem_kept_sessions{connected=\"yes\"} 3"));
  CHECK(bench.has("tandem_kept_sessions{connected=\"no\"} 2"));
  CHECK(bench.has("tandem_timers 4"));
  CHECK_FALSE(bench.has("tandem_sync_records 0"));  // alone
}

TEST_CASE("how far the backup is", "[gateway]") {
  Bench bench;
  auto settings = std::make_shared<Settings>(*bench.machine->state().settings);
  settings->hot_standby = true;
  bench.give(SettingsChanged{settings});
  bench.figures.sync_deltas = 12;
  bench.figures.sync_bytes = 3456;
  bench.figures.sync_snapshots = 2;
  CHECK(bench.has("tandem_sync_state{state=\"off\"} 1"));
  CHECK(bench.has("tandem_sync_deltas_total 12"));
  CHECK(bench.has("tandem_sync_bytes_total 3456"));
  CHECK(bench.has("tandem_sync_snapshots_total 2"));
  bench.give(PairReport{.sync = PairReport::Sync::Joining});
  CHECK(bench.has("tandem_sync_state{state=\"off\"} 0"));
  CHECK(bench.has("tandem_sync_state{state=\"joining\"} 1"));
  CHECK_FALSE(bench.has("tandem_sync_lag_seconds -0.001"));
  bench.give(PairReport{.sync = PairReport::Sync::CaughtUp, .lag_ms = 3, .records = 77});
  CHECK(bench.has("tandem_sync_state{state=\"caught-up\"} 1"));
  CHECK(bench.has("tandem_sync_lag_seconds 0.003"));
  CHECK(bench.has("tandem_sync_records 77"));
}

TEST_CASE("requests count by type and result, events once and by copy, time by what came in", "[gateway]") {
  Bench bench;
  bench.give(ClientOpened{SessionId{1}, "127.0.0.1:1"});
  tlib::Message early;
  early.set_type(tlib::RequestQueryServer);
  early.set_referenceid(1);
  bench.request(early);
  CHECK(bench.has("tandem_requests_total{request=\"RequestQueryServer\",result=\"refused\"} 1"));
  CHECK(bench.has("tandem_requests_total{request=\"RequestQueryServer\",result=\"accepted\"} 0"));
  CHECK(bench.has("tandem_errors_total{error=\"TERR_NOT_REGISTERED\"} 1"));
  CHECK(bench.has("tandem_events_total{event=\"EventError\"} 1"));
  CHECK(bench.has("tandem_event_copies_total 1"));
  CHECK(bench.has("tandem_handling_seconds_count{input=\"request\"} 1"));
  CHECK(bench.has("tandem_handling_seconds_bucket{input=\"request\",le=\"1e-05\"} 0"));
  CHECK(bench.has("tandem_clients 0"));
  CHECK(bench.has("tandem_link_up{link=\"connector1\"} 1"));
  CHECK(bench.has("tandem_link_queue_bytes{link=\"connector1\"} 17"));
  CHECK(bench.has("tandem_link_round_trip_seconds{link=\"connector1\"} 0.002"));
  CHECK(bench.has("tandem_dns{type=\"Extension\",service=\"in\"} 1"));
}

TEST_CASE("MMC-273, MMC-274: a Connector that drains serves the DNs it has calls with, until they are idle",
          "[gateway]") {
  Bench bench;
  bench.offer(10);
  link::Happening draining;
  draining.mutable_draining();
  bench.give(Happened{0, draining});
  CHECK(bench.has("tandem_link_draining{link=\"connector1\"} 1"));
  CHECK(bench.has("tandem_dns{type=\"Extension\",service=\"out\"} 1"));
  CHECK(bench.has("tandem_dns{type=\"Routing Point\",service=\"in\"} 1"));
  link::Happening left;
  left.set_conversation(10);
  left.set_party(11);
  left.mutable_left()->set_cause(link::Left::CANCELLED);
  bench.give(Happened{0, left});
  CHECK(bench.has("tandem_dns{type=\"Routing Point\",service=\"out\"} 1"));
  // Its next start takes everything again.
  bench.give(LinkDown{0, "gone"});
  link::Hello hello;
  hello.set_incarnation(2);
  bench.give(LinkUp{0, hello, {}});
  CHECK(bench.has("tandem_link_draining{link=\"connector1\"} 0"));
  CHECK(bench.has("tandem_dns{type=\"Routing Point\",service=\"in\"} 1"));
  // And one that says so in its snapshot is not used either.
  bench.give(LinkDown{0, "gone"});
  link::Snapshot snapshot;
  snapshot.set_draining(true);
  bench.give(LinkUp{0, hello, snapshot});
  CHECK(bench.has("tandem_dns{type=\"Routing Point\",service=\"out\"} 1"));
}
