#include <catch2/catch.hpp>

#include "phone.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

namespace {

struct World {
  FrontEnd front{settings(), kSecret};
  Phone alice{"alice", "alice-secret", udp("203.0.113.5", 5062)};
  Phone bob{"bob", "bob-secret", udp("203.0.113.6", 5064)};

  std::vector<Target> targets(const std::string& to) {
    Unreachable why;
    return front.resolve(to, why);
  }
  Unreachable why_not(const std::string& to) {
    Unreachable why;
    CHECK(front.resolve(to, why).empty());
    return why;
  }
};

const std::string kContact = "sip:alice@203.0.113.5:5062";

}  // namespace

TEST_CASE("A phone registers: challenge, 200 with its contact, one happening, reachable") {
  World w;
  const Reply challenge = w.front.registered(w.alice.ask({{kContact, {}, {}, "", 0}}), at(0s));
  CHECK(challenge.status == 401);
  CHECK(headers(challenge, "WWW-Authenticate").size() == 1);
  CHECK(w.front.take_changed(at(0s)).empty());

  const Reply ok = w.alice.enrol(w.front, kContact, at(0s));
  CHECK(ok.status == 200);
  CHECK(headers(ok, "Contact") == std::vector<std::string>{"<" + kContact + ">;expires=300"});

  const auto changed = w.front.take_changed(at(10s));
  REQUIRE(changed.size() == 1);
  CHECK(changed[0].ShortDebugString() ==
        "aor: \"sip:alice@tandem.test\" contacts { uri: \"sip:alice@203.0.113.5:5062\" expires_s: 290 path: "
        "\"203.0.113.5:5062;udp\" "
        "call_id: \"reg-alice\" cseq: 3 q_milli: 1000 } connector: \"Connector_1\"");
  CHECK(w.front.take_changed(at(10s)).empty());

  const auto targets = w.targets("sip:Alice@Tandem.test");
  REQUIRE(targets.size() == 1);
  CHECK(targets[0].request_uri == kContact);
  CHECK(targets[0].next_hop.empty());
  CHECK(targets[0].dn == "sip:alice@tandem.test");
  CHECK(targets[0].local_ip == "192.0.2.1");
  CHECK(w.front.registrations(at(10s)).size() == 1);
  const auto log = w.front.take_log();
  REQUIRE(log.size() == 1);
  CHECK(log[0].text == "front end: sip:alice@tandem.test registered from 203.0.113.5:5062;udp, Call-ID reg-alice");
}

TEST_CASE("Wrong passwords and unknown names look the same") {
  World w;
  w.alice.password = "guess";
  Phone nobody{"nobody", "x", udp("203.0.113.7", 5060)};
  Phone mute{"mute", "", udp("203.0.113.8", 5060)};
  for (Phone* phone : {&w.alice, &nobody, &mute}) {
    INFO(phone->user);
    CHECK(w.front.registered(phone->ask({}), at(0s)).status == 401);
    const Reply reply = phone->enrol(w.front, kContact, at(0s));
    CHECK(reply.status == 403);
    CHECK(reply.reason == "Wrong user name or password");
  }
  CHECK(w.front.take_changed(at(0s)).empty());
  for (const CoreLog& line : w.front.take_log()) CHECK(line.text.find("guess") == std::string::npos);
}

TEST_CASE("One may register only as oneself") {
  World w;
  auto as = [&](const std::string& to) {
    auto asked = w.alice.ask({{kContact, {}, {}, "", 0}});
    asked.facts.to_uri = to;
    return w.alice.send(w.front, asked, at(0s)).status;
  };
  CHECK(as("sip:bob@tandem.test") == 403);
  CHECK(as("sip:nobody@tandem.test") == 404);
  CHECK(as("sip:alice@elsewhere.test") == 404);
  CHECK(as("tel:+123") == 404);
  CHECK(as("sip:alice@192.0.2.1") == 200);  // our own address means our domain
}

TEST_CASE("Expiry: contact parameter, header, default, minimum and maximum") {
  World w;
  const auto expires_of = [&](std::optional<std::uint32_t> parameter, std::optional<std::uint32_t> header_value) {
    const Reply reply = w.alice.send(w.front, w.alice.ask({{kContact, parameter, {}, "", 0}}, header_value), at(0s));
    return std::to_string(reply.status) + " " + header(reply, "Contact") + header(reply, "Min-Expires");
  };
  const std::string ok = "200 <" + kContact + ">;expires=";
  CHECK(expires_of(120, 300) == ok + "120");
  CHECK(expires_of({}, 300) == ok + "300");
  CHECK(expires_of({}, {}) == ok + "3600");
  CHECK(expires_of(100000, {}) == ok + "3600");
  CHECK(expires_of(59, {}) == "423 60");
  CHECK(expires_of({}, 1) == "423 60");
  CHECK(expires_of(0, 300) == "200 ");
}

TEST_CASE("Bindings end by themselves and that is told") {
  World w;
  CHECK_FALSE(w.front.next_expiry());
  w.alice.enrol(w.front, kContact, at(0s), 100);
  w.alice.enrol(w.front, "sip:alice@203.0.113.5:5099", at(0s), 200);
  CHECK(w.front.take_changed(at(0s)).size() == 1);
  REQUIRE(w.front.next_expiry());
  CHECK(*w.front.next_expiry() == at(100s).steady);

  w.front.expire(at(99s));
  CHECK(w.front.take_changed(at(99s)).empty());
  w.front.expire(at(100s));
  auto changed = w.front.take_changed(at(100s));
  REQUIRE(changed.size() == 1);
  REQUIRE(changed[0].contacts_size() == 1);
  CHECK(changed[0].contacts(0).uri() == "sip:alice@203.0.113.5:5099");
  w.front.expire(at(200s));
  changed = w.front.take_changed(at(200s));
  REQUIRE(changed.size() == 1);
  CHECK(changed[0].contacts_size() == 0);
  CHECK(w.why_not("sip:alice@tandem.test").status == 480);
  CHECK_FALSE(w.front.next_expiry());
}

TEST_CASE("A refresh moves the expiry") {
  World w;
  w.alice.enrol(w.front, kContact, at(0s), 100);
  w.alice.enrol(w.front, kContact, at(90s), 100);
  CHECK(*w.front.next_expiry() == at(190s).steady);
  w.front.expire(at(100s));
  CHECK(w.targets("sip:alice@tandem.test").size() == 1);
}

TEST_CASE("Wildcard unregistration") {
  World w;
  w.alice.enrol(w.front, kContact, at(0s));
  w.alice.enrol(w.front, "sip:alice@203.0.113.5:5099", at(0s));
  w.front.take_changed(at(0s));

  auto star = w.alice.ask({}, 300);
  star.star = true;
  CHECK(w.alice.send(w.front, star, at(1s)).status == 400);  // Expires isn't 0
  star = w.alice.ask({{kContact, {}, {}, "", 0}}, 0);
  star.star = true;
  CHECK(w.alice.send(w.front, star, at(1s)).status == 400);  // not alone
  CHECK(w.targets("sip:alice@tandem.test").size() == 2);

  star = w.alice.ask({}, 0);
  star.star = true;
  const Reply reply = w.alice.send(w.front, star, at(1s));
  CHECK(reply.status == 200);
  CHECK(header(reply, "Contact").empty());
  CHECK(w.targets("sip:alice@tandem.test").empty());
  const auto changed = w.front.take_changed(at(1s));
  REQUIRE(changed.size() == 1);
  CHECK(changed[0].contacts_size() == 0);
}

TEST_CASE("A query lists the contacts and changes nothing") {
  World w;
  w.alice.enrol(w.front, kContact, at(0s));
  w.front.take_changed(at(0s));
  const Reply reply = w.alice.send(w.front, w.alice.ask({}), at(100s));
  CHECK(reply.status == 200);
  CHECK(headers(reply, "Contact") == std::vector<std::string>{"<" + kContact + ">;expires=200"});
  CHECK(w.front.take_changed(at(100s)).empty());
}

TEST_CASE("Requests that were overtaken are refused, those of another Call-ID are not") {
  World w;
  w.alice.cseq = 100;
  w.alice.enrol(w.front, kContact, at(0s));
  w.alice.cseq = 50;
  const Reply late = w.alice.enrol(w.front, kContact, at(1s), 200);
  CHECK(late.status == 400);
  CHECK(late.reason == "CSeq out of order");
  auto star = w.alice.ask({}, 0);
  star.star = true;
  CHECK(w.alice.send(w.front, star, at(1s)).status == 400);

  w.alice.call_id = "after-restart";
  w.alice.cseq = 1;
  CHECK(w.alice.enrol(w.front, kContact, at(1s), 200).status == 200);
  CHECK(w.targets("sip:alice@tandem.test").size() == 1);
}

TEST_CASE("All of a request happens or none of it") {
  World w;
  const auto reply = w.alice.send(
      w.front, w.alice.ask({{"sip:alice@203.0.113.5:1", {}, {}, "", 0}, {"sip:alice@203.0.113.5:2", 5, {}, "", 0}}),
      at(0s));
  CHECK(reply.status == 423);
  CHECK(w.targets("sip:alice@tandem.test").empty());
  CHECK(
      w.alice
          .send(w.front, w.alice.ask({{"sip:alice@203.0.113.5:1", {}, {}, "", 0}, {"tel:+123", {}, {}, "", 0}}), at(0s))
          .status == 400);
  CHECK(w.targets("sip:alice@tandem.test").empty());
}

TEST_CASE("Several contacts: by falling q, the latest first; beyond the limit the oldest goes") {
  auto s = settings();
  s.contacts_per_aor = 3;
  World w{FrontEnd{s, kSecret}};
  const auto add = [&](const std::string& uri, std::optional<std::uint16_t> q) {
    CHECK(w.alice.send(w.front, w.alice.ask({{uri, {}, q, "", 0}}), at(0s)).status == 200);
  };
  add("sip:a@203.0.113.5", 500);
  add("sip:b@203.0.113.5", {});
  add("sip:c@203.0.113.5", {});
  CHECK(uris(w.targets("sip:alice@tandem.test")) ==
        std::vector<std::string>{"sip:c@203.0.113.5", "sip:b@203.0.113.5", "sip:a@203.0.113.5"});
  CHECK(w.targets("sip:alice@tandem.test")[2].q_milli == 500);
  add("sip:d@203.0.113.5", 700);
  CHECK(uris(w.targets("sip:alice@tandem.test")) ==
        std::vector<std::string>{"sip:c@203.0.113.5", "sip:b@203.0.113.5", "sip:d@203.0.113.5"});
  const Reply query = w.alice.send(w.front, w.alice.ask({}), at(0s));
  CHECK(headers(query, "Contact").back() == "<sip:d@203.0.113.5>;expires=300;q=0.700");
  std::vector<ContactAsked> four;
  for (const char* u : {"sip:1@203.0.113.5", "sip:2@203.0.113.5", "sip:3@203.0.113.5", "sip:4@203.0.113.5"}) {
    four.push_back({u, {}, {}, "", 0});
  }
  CHECK(w.alice.send(w.front, w.alice.ask(four), at(0s)).status == 403);
}

TEST_CASE("A restarted phone of the same instance replaces its old contact") {
  World w;
  w.alice.send(w.front, w.alice.ask({{"sip:alice-1@203.0.113.5", {}, {}, "<urn:uuid:1>", 0}}), at(0s));
  w.alice.call_id = "after-restart";
  w.alice.send(w.front, w.alice.ask({{"sip:alice-2@203.0.113.5", {}, {}, "<urn:uuid:1>", 0}}), at(0s));
  CHECK(uris(w.targets("sip:alice@tandem.test")) == std::vector<std::string>{"sip:alice-2@203.0.113.5"});
}

TEST_CASE("A phone has the same name in all its registrations: its instance, or else its Call-ID") {
  World w;
  w.alice.send(w.front, w.alice.ask({{"sip:alice-1@203.0.113.5", {}, {}, "<urn:uuid:1>", 0}}), at(0s));
  CHECK(w.targets("sip:alice@tandem.test").front().phone == "<urn:uuid:1>");
  const auto told = w.front.registrations(at(0s)).front();
  CHECK(told.contacts(0).instance() == "<urn:uuid:1>");
  w.bob.enrol(w.front, "sip:bob@203.0.113.6:5064", at(0s));
  CHECK(w.targets("sip:bob@tandem.test").front().phone == "reg-bob");

  FrontEnd other{settings(), kSecret};
  other.restore(told, 0s, at(0s));
  Unreachable why;
  CHECK(other.resolve("sip:alice@tandem.test", why).front().phone == "<urn:uuid:1>");
}

TEST_CASE("The registrar is bounded") {
  auto s = settings();
  s.registrations_max = 1;
  World w{FrontEnd{s, kSecret}};
  CHECK(w.alice.enrol(w.front, kContact, at(0s)).status == 200);
  const Reply full = w.bob.enrol(w.front, "sip:bob@203.0.113.6", at(0s));
  CHECK(full.status == 503);
  CHECK(header(full, "Retry-After") == "60");
}

TEST_CASE("Phones behind NAT are reached where they registered from") {
  struct Case {
    const char* contact;
    Origin origin;
    const char* next_hop;
  };
  const Case cases[] = {
      {"sip:alice@192.168.1.7:5060", udp("203.0.113.5", 40001), "sip:203.0.113.5:40001"},
      {"sip:alice@192.168.1.7:5060", udp("192.168.1.7", 5060), ""},    // same network
      {"sip:alice@127.0.0.1:5070", udp("127.0.0.1", 40001), ""},       // another port of the same host: its own choice
      {"sip:alice@203.0.113.5:5060", udp("203.0.113.5", 5060), ""},    // reachable as it says
      {"sip:alice@198.51.100.77:5060", udp("203.0.113.5", 5060), ""},  // registered by somebody for it
      {"sip:alice@xyz.invalid", udp("203.0.113.5", 40001), "sip:203.0.113.5:40001"},
      {"sip:alice@phone.example", udp("203.0.113.5", 40001), ""},
      {"sip:alice@203.0.113.5:5060;transport=tcp", tcp("203.0.113.5", 40001), "sip:203.0.113.5:40001;transport=tcp"},
      {"sip:alice@[fd00::7]:5060", udp("2001:db8::5", 40001), "sip:[2001:db8::5]:40001"},
  };
  for (const Case& c : cases) {
    World w;
    w.alice.origin = c.origin;
    INFO(c.contact << " from " << c.origin.ip);
    CHECK(w.alice.enrol(w.front, c.contact, at(0s)).status == 200);
    const auto targets = w.targets("sip:alice@tandem.test");
    REQUIRE(targets.size() == 1);
    CHECK(targets[0].request_uri == c.contact);
    CHECK(targets[0].next_hop == c.next_hop);
  }
}

TEST_CASE("When its connection closes a phone is tried where its contact says") {
  World w;
  w.alice.origin = tcp("203.0.113.5", 40001);
  w.alice.enrol(w.front, "sip:alice@203.0.113.5:5060;transport=tcp", at(0s));
  w.front.connection_closed(tcp("203.0.113.5", 40002));
  CHECK(w.targets("sip:alice@tandem.test")[0].next_hop == "sip:203.0.113.5:40001;transport=tcp");
  w.front.connection_closed(tcp("203.0.113.5", 40001));
  CHECK(w.targets("sip:alice@tandem.test")[0].next_hop.empty());
}

TEST_CASE("Path becomes the route and stands in the answer (RFC 3327)") {
  World w;
  auto asked = w.alice.ask({{"sip:alice@192.168.1.7", {}, {}, "", 0}});
  asked.path = {"sip:edge.test;lr", "sip:inner.test;lr"};
  asked.supported = {"path"};
  const Reply reply = w.alice.send(w.front, asked, at(0s));
  CHECK(headers(reply, "Path") == std::vector<std::string>{"<sip:edge.test;lr>", "<sip:inner.test;lr>"});
  const auto targets = w.targets("sip:alice@tandem.test");
  CHECK(targets[0].route == asked.path);
  CHECK(targets[0].next_hop.empty());
  CHECK(w.front.take_changed(at(0s))[0].contacts(0).route_size() == 2);
}

TEST_CASE("Nobody registers a trunk or ourselves as a phone, to have calls sent there") {
  World w;
  for (const char* contact : {"sip:+1900@198.51.100.9:5080", "sip:+1900@198.51.100.10:5070;transport=tcp",
                              "sip:+1900@198.51.100.11", "sip:alice@192.0.2.1:5060", "sip:bob@tandem.test"}) {
    INFO(contact);
    CHECK(w.alice.enrol(w.front, contact, at(0s)).status == 403);
  }
  CHECK(w.targets("sip:alice@tandem.test").empty());
}

TEST_CASE("Bindings of other Connectors") {
  World w;
  link::Registration r;
  r.set_aor("sip:alice@tandem.test");
  r.set_connector("Connector_2");
  auto* contact = r.add_contacts();
  contact->set_uri("sip:alice@192.168.1.7:5060");
  contact->set_expires_s(100);
  contact->set_path("203.0.113.5:40001;udp");
  contact->set_q_milli(1000);

  w.front.learn(r, at(0s));
  auto targets = w.targets("sip:alice@tandem.test");
  REQUIRE(targets.size() == 1);
  CHECK(targets[0].next_hop == "sip:203.0.113.5:40001");
  CHECK(w.front.take_changed(at(0s)).empty());  // not ours to report
  CHECK(w.front.registrations(at(0s)).empty());
  CHECK(*w.front.next_expiry() == at(100s).steady);

  SECTION("they expire in silence") {
    w.front.expire(at(100s));
    CHECK(w.targets("sip:alice@tandem.test").empty());
    CHECK(w.front.take_changed(at(100s)).empty());
  }
  SECTION("they are replaced as a whole, and forgotten") {
    contact->set_uri("sip:alice@203.0.113.9:5060");
    contact->set_path("203.0.113.9:5060;udp");
    w.front.learn(r, at(0s));
    CHECK(uris(w.targets("sip:alice@tandem.test")) == std::vector<std::string>{"sip:alice@203.0.113.9:5060"});
    r.clear_contacts();
    w.front.learn(r, at(0s));
    CHECK(w.targets("sip:alice@tandem.test").empty());
    CHECK_FALSE(w.front.next_expiry());
  }
  SECTION("a connection there is none of ours: the contact is tried") {
    contact->set_uri("sip:alice@203.0.113.5:5060;transport=tcp");
    contact->set_path("203.0.113.5:40001;tcp");
    w.front.learn(r, at(0s));
    CHECK(w.targets("sip:alice@tandem.test")[0].next_hop.empty());
  }
  SECTION("what is reported in our own name or of a DN we don't know is ignored") {
    r.set_connector("Connector_1");
    r.set_aor("sip:bob@tandem.test");
    w.front.learn(r, at(0s));
    r.set_connector("Connector_2");
    r.set_aor("sip:nobody@tandem.test");
    w.front.learn(r, at(0s));
    CHECK(w.why_not("sip:bob@tandem.test").status == 480);
    CHECK(w.why_not("sip:nobody@tandem.test").status == 404);
  }
  SECTION("a phone that moves here leaves there") {
    w.alice.origin = udp("203.0.113.5", 40001);
    w.alice.enrol(w.front, "sip:alice@192.168.1.7:5060", at(1s));
    CHECK(w.targets("sip:alice@tandem.test").size() == 1);
    CHECK(*w.front.next_expiry() == at(301s).steady);
  }
  SECTION("a phone that moves away over another connection is known by its instance") {
    w.bob.send(w.front, w.bob.ask({{"sip:bob@203.0.113.6:5064", {}, {}, "<urn:uuid:2>", 0}}), at(0s));
    link::Registration moved;
    moved.set_aor("sip:bob@tandem.test");
    moved.set_connector("Connector_2");
    auto* c = moved.add_contacts();
    c->set_uri("sip:bob@203.0.113.6:40007");
    c->set_instance("<urn:uuid:2>");
    c->set_call_id("reg-bob");
    c->set_cseq(99);
    c->set_expires_s(60);
    w.front.learn(moved, at(1s));
    CHECK(uris(w.targets("sip:bob@tandem.test")) == std::vector<std::string>{"sip:bob@203.0.113.6:40007"});
  }
  SECTION("a phone that moves away is told as gone") {
    w.bob.enrol(w.front, "sip:bob@203.0.113.6:5064", at(0s));
    w.front.take_changed(at(0s));
    link::Registration moved;
    moved.set_aor("sip:bob@tandem.test");
    moved.set_connector("Connector_2");
    auto* c = moved.add_contacts();
    c->set_uri("sip:bob@203.0.113.6:5064");
    c->set_call_id("reg-bob");
    c->set_cseq(99);
    c->set_expires_s(60);
    c->set_path("203.0.113.6:5064;udp");
    w.front.learn(moved, at(1s));
    CHECK(w.targets("sip:bob@tandem.test").size() == 1);
    const auto changed = w.front.take_changed(at(1s));
    REQUIRE(changed.size() == 1);
    CHECK(changed[0].contacts_size() == 0);
  }
}

TEST_CASE("New settings: bindings of DNs that are gone go, the others stay") {
  World w;
  w.alice.enrol(w.front, kContact, at(0s));
  w.bob.enrol(w.front, "sip:bob@203.0.113.6:5064", at(0s));
  w.front.take_changed(at(0s));
  auto s = settings();
  s.dns.erase(Dn{"sip:bob@tandem.test"});
  w.front.configure(s);
  const auto changed = w.front.take_changed(at(0s));
  REQUIRE(changed.size() == 1);
  CHECK(changed[0].aor() == "sip:bob@tandem.test");
  CHECK(changed[0].contacts_size() == 0);
  CHECK(w.targets("sip:alice@tandem.test").size() == 1);
}

TEST_CASE("In external mode nobody registers here") {
  auto s = settings();
  s.mode = FrontEndMode::External;
  s.server_address = "198.51.100.1";
  World w{FrontEnd{s, kSecret}};
  CHECK(w.alice.enrol(w.front, kContact, at(0s)).status == 403);
}

TEST_CASE("A source that guesses passwords is ignored for a while, others are not") {
  auto s = settings();
  s.failed_auths = 3;
  World w{FrontEnd{s, kSecret}};
  w.alice.password = "guess";
  for (int i = 0; i < 4; ++i) CHECK(w.alice.enrol(w.front, kContact, at(0s)).status == 403);
  CHECK(w.alice.enrol(w.front, kContact, at(1s)).status == 0);
  CHECK_FALSE(w.front.welcome(w.alice.origin, at(1s)));
  CHECK(w.front.welcome(w.bob.origin, at(1s)));
  CHECK(w.bob.enrol(w.front, "sip:bob@203.0.113.6", at(1s)).status == 200);
  w.alice.password = "alice-secret";
  CHECK(w.alice.enrol(w.front, kContact, at(61s)).status == 200);
}
