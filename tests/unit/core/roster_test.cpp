// What subscribers of a conference are told (RFC 4575), and the pool its address comes from.
#include <catch2/catch.hpp>

#include "connector/core/conference_pool.h"
#include "connector/core/roster.h"

using namespace tandem;
using namespace tandem::connector;

TEST_CASE("OCS-51: the whole state of a conference as XML") {
  const Roster roster{.uri = "sip:conf01@tandem.test",
                      .locked = true,
                      .entries = {{"sip:a@tandem.test", "1", "organizer", "connected", false, "sendrecv"},
                                  {"sip:b&c@tandem.test", "2", "participant", "alerting", true, ""},
                                  {"sip:a@tandem.test", "3", "participant", "on-hold", true, "inactive"}}};
  CHECK(conference_info(roster, 7) ==
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\" entity=\"sip:conf01@tandem.test\" "
        "state=\"full\" version=\"7\">"
        "<conference-description><conf-uris><entry><uri>sip:conf01@tandem.test</uri><purpose>participation</purpose>"
        "</entry></conf-uris></conference-description>"
        "<conference-state><user-count>2</user-count><active>true</active><locked>true</locked></conference-state>"
        "<users><user entity=\"sip:a@tandem.test\" state=\"full\"><roles><entry>organizer</entry></roles>"
        "<endpoint entity=\"1\" state=\"full\"><status>connected</status><joining-method>dialed-in</joining-method>"
        "<media id=\"1\"><type>audio</type><status>sendrecv</status></media></endpoint>"
        "<endpoint entity=\"3\" state=\"full\"><status>on-hold</status><joining-method>dialed-out</joining-method>"
        "<media id=\"1\"><type>audio</type><status>inactive</status></media></endpoint></user>"
        "<user entity=\"sip:b&amp;c@tandem.test\" state=\"full\"><roles><entry>participant</entry></roles>"
        "<endpoint entity=\"2\" state=\"full\"><status>alerting</status><joining-method>dialed-out</joining-method>"
        "</endpoint></user></users></conference-info>\n");
}

TEST_CASE("what is written into XML can't leave its place") {
  CHECK(xml_escaped("<a b=\"c\" d='e'>&") == "&lt;a b=&quot;c&quot; d=&apos;e&apos;&gt;&amp;");
  CHECK(xml_escaped(std::string("a\0\x01\t\n", 5)) == "a??\t\n");
  CHECK(xml_escaped("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80") == "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
  // Cut short, overlong, a surrogate, beyond the last, a byte alone, no character.
  CHECK(xml_escaped("\xc3") == "?");
  CHECK(xml_escaped("\xc0\xaf") == "??");
  CHECK(xml_escaped("\xed\xa0\x80") == "???");
  CHECK(xml_escaped("\xf4\x90\x80\x80") == "????");
  CHECK(xml_escaped("\x80x") == "?x");
  CHECK(xml_escaped("\xef\xbf\xbf") == "?");
}

TEST_CASE("MMC-231, MMC-232: conferences are made ahead and topped up") {
  ConferencePool pool;
  const ConferencePolicy policy{.count = 4, .ready = 2};
  pool.top_up(policy, Instant{0});
  CHECK(pool.ready() == 2);
  CHECK(pool.take(policy, Instant{0})->number == 1);
  CHECK(pool.ready() == 2);
  CHECK(pool.take(policy, Instant{0})->number == 2);
  CHECK(pool.take(policy, Instant{0})->number == 3);
  CHECK(pool.ready() == 1);
  CHECK(pool.take(policy, Instant{0})->number == 4);
  CHECK_FALSE(pool.take(policy, Instant{0}));
}

TEST_CASE("MMC-230: a used conference serves again until it is too old, or worn") {
  ConferencePool pool;
  ConferencePolicy policy{.count = 3};
  auto one = *pool.take(policy, Instant{0});
  pool.give_back(one, policy, std::chrono::hours(1));
  CHECK(pool.ready() == 1);
  one = *pool.take(policy, std::chrono::hours(2));
  CHECK(one.number == 1);
  CHECK(one.uses == 2);
  SECTION("too old when it comes back") {
    pool.give_back(one, policy, std::chrono::hours(8));
    CHECK(pool.ready() == 0);
    CHECK(pool.take(policy, std::chrono::hours(8))->number == 2);
  }
  SECTION("too old while it waits") {
    pool.give_back(one, policy, std::chrono::hours(3));
    CHECK(pool.take(policy, std::chrono::hours(9))->number == 2);
    CHECK(pool.take(policy, std::chrono::hours(9))->number == 3);
    CHECK(pool.take(policy, std::chrono::hours(9))->number == 1);
  }
  SECTION("worn") {
    policy.uses = 2;
    pool.give_back(one, policy, std::chrono::hours(3));
    CHECK(pool.ready() == 0);
  }
  SECTION("not to be kept") {
    policy.keep = false;
    pool.give_back(one, policy, std::chrono::hours(3));
    CHECK(pool.ready() == 0);
  }
}
