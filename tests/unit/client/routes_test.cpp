#include "tserver/client/routes.h"

#include <catch2/catch.hpp>

#include "tserver/client/json.h"
#include "tserver/client/pretty.h"

using namespace tandem;
using namespace tandem::client;

namespace {

tlib::Message event(std::string_view line) {
  auto message = from_json_line(line);
  REQUIRE(message.has_value());
  return *message;
}

}  // namespace

TEST_CASE("Route requests are answered with the destinations in turn", "[routes]") {
  Routes routes;
  REQUIRE(!routes.add("sip:Support@tandem.test=sip:alice@tandem.test,sip:bob@tandem.test;x=y"));
  REQUIRE(!routes.add("9000=sip:carol@tandem.test"));
  CHECK(routes.points() == std::vector<std::string>{"9000", "sip:support@tandem.test"});
  const auto request =
      event(R"({"event":"EventRouteRequest","ConnID":"0000000000000007","ThisDN":"sip:support@tandem.test"})");
  const auto routed = [](const std::string& to) {
    return R"({"request":"RequestRouteCall","ConnID":"0000000000000007","ThisDN":"sip:support@tandem.test","OtherDN":")" +
           to + R"(","RouteType":"RouteTypeUnknown"})";
  };
  CHECK(to_json_line(routes.answer(request).value()) == routed("sip:alice@tandem.test"));
  CHECK(to_json_line(routes.answer(request).value()) == routed("sip:bob@tandem.test;x=y"));
  CHECK(to_json_line(routes.answer(request).value()) == routed("sip:alice@tandem.test"));
  CHECK(!routes.answer(event(R"({"event":"EventRouteRequest","ThisDN":"9001"})")));
  CHECK(!routes.answer(event(R"({"event":"EventQueued","ThisDN":"9000"})")));
  for (const char* bad : {"", "=", "a", "a=", "=b", "a=b,", "a=,b", "a=,"}) {
    INFO(bad);
    CHECK(routes.add(bad).value().text == "expected RP=DEST[,DEST...], not \"" + std::string(bad) + "\"");
  }
  CHECK(routes.add("9000=x").value().text == "9000 is routed twice");
}

TEST_CASE("Events in columns, for people", "[pretty]") {
  CHECK(pretty_heading() ==
        "time          event                     ThisDN                        role              "
        "OtherDN                       ConnID            state");
  CHECK(
      pretty(
          event(R"({"event":"EventReleased","TimeinSecs":1700000000,"TimeinuSecs":7900,"ThisDN":"sip:bob@tandem.test",)"
                R"("ThisDNRole":"RoleDestination","OtherDN":"sip:alice@tandem.test","ConnID":"0071024a1b2c3d4e",)"
                R"("CallState":"CallStateBusy","ThirdPartyDN":"x","ThirdPartyDNRole":"RoleDeletedBy"})"),
          std::chrono::hours{1}) ==
      "23:13:20.007  EventReleased             sip:bob@tandem.test           Destination       "
      "sip:alice@tandem.test         0071024a1b2c3d4e  Busy  DeletedBy x");
  CHECK(pretty(event(R"({"event":"EventError","ErrorCode":59,"ErrorMessage":"not\u001b[31m\nhere"})")) ==
        "-             EventError                -                             -                 "
        "-                             -                 TERR_NOT_CONFIGURED  not [31m here");
  CHECK(pretty(event(R"({"event":"EventAttachedDataChanged","CallState":"CallStateOk","UserData":{"k":"v"}})")) ==
        "-             EventAttachedDataChanged  -                             -                 "
        "-                             -                 {\"k\":\"v\"}");
  CHECK(pretty(event(R"({"event":"EventServerConnected"})")) ==
        "-             EventServerConnected      -                             -                 "
        "-                             -");
}
