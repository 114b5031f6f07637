#include "tserver/client/script.h"

#include <catch2/catch.hpp>

#include "messages.h"
#include "tserver/client/json.h"

using namespace tandem;
using namespace tandem::client;
using namespace std::chrono_literals;

namespace {

tlib::Message event(std::string_view line) {
  auto message = from_json_line(line);
  REQUIRE(message.has_value());
  return *message;
}

std::string wrong(Script& script) {
  const auto step = script.next();
  REQUIRE(!step);
  return step.error().text;
}

// The request that comes next, as JSON.
std::string sends(Script& script) {
  const auto step = script.next();
  INFO((step ? std::string() : step.error().text));
  REQUIRE(step.has_value());
  REQUIRE(std::holds_alternative<Script::Send>(*step));
  return to_json_line(std::get<Script::Send>(*step).request);
}

bool idle(Script& script) {
  const auto step = script.next();
  return step && std::holds_alternative<Script::NoLine>(*step);
}

std::chrono::milliseconds waits(Script& script) {
  const auto step = script.next();
  INFO((step ? std::string() : step.error().text));
  REQUIRE(step.has_value());
  REQUIRE(std::holds_alternative<Script::Wait>(*step));
  return std::get<Script::Wait>(*step).time;
}

const char* const kRouteRequest =
    R"({"event":"EventRouteRequest","CallID":5,"ConnID":"0071024a1b2c3d4e","ThisDN":"sip:support@tandem.test",)"
    R"("UserData":{"case":"42","deep":{"er":1}}})";

}  // namespace

TEST_CASE("Requests go out in order; empty lines and comments are passed over", "[script]") {
  Script script;
  CHECK(idle(script));
  for (const char* line : {"", "# a comment", "  ", R"({"request":"RequestQueryServer"})",
                           R"({"request":"RequestQueryAddress","ThisDN":"a"})", "\r"}) {
    script.add_line(line);
  }
  CHECK(sends(script) == R"({"request":"RequestQueryServer"})");
  CHECK(sends(script) == R"({"request":"RequestQueryAddress","ThisDN":"a"})");
  CHECK(idle(script));
  script.add_line(R"({"request":"RequestMakeCal"})");
  CHECK(wrong(script) ==
        R"(line 7: request: there is no "RequestMakeCal" in MessageType, the nearest is RequestMakeCall)");
  CHECK(idle(script));
}

TEST_CASE("A wait holds the lines after it until its event has come, and names its attributes", "[script]") {
  Script script;
  script.add_line(R"({"wait":"EventRouteRequest","ThisDN":"sip:support@tandem.test","timeout":2.5})");
  script.add_line(
      R"({"request":"RequestRouteCall","ThisDN":"${ThisDN}","ConnID":"${ConnID}","CallID":"${CallID}",)"
      R"("OtherDN":"sip:${UserData.case}-${UserData.deep.er}@${domain}","UserData":{"all":"${UserData.deep}"}})");
  script.set("domain", "tandem.test");
  CHECK(waits(script) == 2500ms);
  script.seen(event(R"({"event":"EventQueued","ThisDN":"sip:support@tandem.test"})"));
  script.seen(event(R"({"event":"EventRouteRequest","ThisDN":"sip:sales@tandem.test"})"));
  CHECK(waits(script) == 2500ms);
  script.seen(event(kRouteRequest));
  CHECK(sends(script) ==
        R"({"request":"RequestRouteCall","CallID":5,"ConnID":"0071024a1b2c3d4e","ThisDN":"sip:support@tandem.test",)"
        R"("OtherDN":"sip:42-1@tandem.test","UserData":{"all":{"er":1}}})");
  CHECK(idle(script));
}

TEST_CASE("Waits take earlier events too, each event once, in any order among themselves", "[script]") {
  Script script;
  for (const char* dn : {"a", "b", "a"}) {
    script.seen(event(R"({"event":"EventEstablished","ThisDN":")" + std::string(dn) + R"("})"));
  }
  for (const char* dn : {"b", "a", "a"}) {
    script.add_line(R"({"wait":"EventEstablished","ThisDN":")" + std::string(dn) + R"("})");
  }
  CHECK(idle(script));
  script.add_line(R"({"wait":"EventEstablished"})");
  CHECK(waits(script) == 10s);
  CHECK(script.timed_out().text == R"(line 4: waited 10000 ms in vain for {"event":"EventEstablished"})");
  CHECK(idle(script));
  SECTION("forget drops what came so far") {
    script.seen(event(R"({"event":"EventEstablished"})"));
    script.add_line(R"({"forget":true})");
    script.add_line(R"({"wait":"EventEstablished","timeout":0})");
    CHECK(waits(script) == 0ms);
  }
}

TEST_CASE("Only the keys given of a KVList must be there", "[script]") {
  Script script;
  script.seen(event(kRouteRequest));
  SECTION("a wrong value") {
    script.add_line(R"({"wait":"EventRouteRequest","UserData":{"case":"43"}})");
  }
  SECTION("a missing key") {
    script.add_line(R"({"wait":"EventRouteRequest","UserData":{"case":"42","x":"y"}})");
  }
  SECTION("a missing attribute") {
    script.add_line(R"({"wait":"EventRouteRequest","OtherDN":""})");
  }
  CHECK(waits(script) == 10s);
  script.timed_out();
  script.add_line(R"({"wait":"EventRouteRequest","UserData":{"deep":{"er":1}}})");
  CHECK(idle(script));
}

TEST_CASE("Events and requests can be told apart by name", "[script]") {
  Script script;
  script.add_line(R"({"request":"RequestQueryServer"})");
  CHECK(sends(script) == R"({"request":"RequestQueryServer"})");
  script.sent(17);
  script.add_line(R"({"wait":"EventServerInfo","ReferenceID":"${sent.ReferenceID}","as":"info"})");
  script.seen(event(R"({"event":"EventServerInfo","ReferenceID":16,"ServerVersion":"old"})"));
  CHECK(waits(script) == 10s);
  script.seen(event(R"({"event":"EventServerInfo","ReferenceID":17,"ServerVersion":"new"})"));
  script.seen(event(kRouteRequest));
  script.add_line(R"({"wait":"EventRouteRequest"})");
  script.add_line(R"({"request":"RequestQueryLocation","Location":"${info.ServerVersion} ${info.event} ${CallID}"})");
  CHECK(sends(script) == R"({"request":"RequestQueryLocation","Location":"new EventServerInfo 5"})");
  script.add_line(R"({"request":"RequestQueryLocation","Location":"${ServerVersion}"})");
  CHECK(wrong(script) == "line 5: there is no ${ServerVersion}: no wait before has taken an event with it");
}

TEST_CASE("Wrong directives are told with their line", "[script]") {
  Script script;
  const auto refused = [&](const char* line) {
    script.add_line(line);
    return wrong(script);
  };
  CHECK(refused("[1]") == "line 1: expected an object, not an array");
  CHECK(refused(R"({"wait":"RequestMakeCall"})") ==
        R"(line 2: RequestMakeCall is a request: it stands under "request")");
  CHECK(refused(R"({"wait":"EventRinging","DN":1})") == "line 3: DN: expected a string, not a number");
  CHECK(refused(R"({"wait":"EventRinging","timeout":-1})") == "line 4: timeout: expected seconds");
  CHECK(refused(R"({"wait":"EventRinging","timeout":1e300})") == "line 5: timeout: expected seconds");
  CHECK(refused(R"({"wait":"EventRinging","as":1})") == "line 6: as: expected a name");
  CHECK(refused(R"({"sleep":"x"})") == R"(line 7: expected {"sleep": seconds})");
  CHECK(refused(R"({"forget":1})") == R"(line 8: expected {"forget": true})");
  CHECK(refused(R"({"event":"EventRinging"})") == R"(line 9: expected a "request", a "wait", a "sleep" or a "forget")");
  script.add_line(R"({"sleep":0.25})");
  const auto step = script.next();
  REQUIRE(step.has_value());
  CHECK(std::get<Script::Sleep>(*step).time == 250ms);
  script.add_line(R"({"request":"RequestQueryLocation","Location":"${ not closed"})");
  CHECK(sends(script) == R"({"request":"RequestQueryLocation","Location":"${ not closed"})");
}
