// Both sides of a session that outlives its connection, joined by a network that cuts connections at any byte, lets
// each side know of it at any time, and delivers what several connections carry in any order; besides, another T-Server
// goes on with the session from its changes alone. Whatever happens: each request has its effect once and is answered
// once, each event arrives once and in order.
#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <random>

#include "common/net/frame.h"
#include "tserver/client/continuity.h"
#include "tserver/clients/encoding.h"
#include "tserver/clients/kept_sessions.h"

using namespace tandem;
using tserver::KeptSessions;
using tserver::SessionId;

namespace {

constexpr std::size_t kFrameLimit = 1 << 16;

std::string frame(const std::string& body) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>((body.size() >> shift) & 0xff);
  return bytes + body;
}

// One connection: bytes on their way, and who still believes in it.
struct Wire {
  std::string to_server, to_client;
  net::FrameDecoder at_server{kFrameLimit}, at_client{kFrameLimit};
  bool cut = false;  // nothing more arrives
  bool server_has = true, client_has = true;
  SessionId session;
  std::uint64_t sent = 0;  // StreamNumber
};

struct World {
  explicit World(unsigned seed) : random(seed) { server.keep_changes(true); }

  unsigned pick(unsigned below) { return static_cast<unsigned>(random() % below); }

  // --- The T-Server: the edge around the pure part, and a machine that counts ---

  void tell(std::int32_t answered) {
    tlib::Message event;
    event.set_type(tlib::EventUserEvent);
    event.set_userevent(static_cast<std::int32_t>(told.size() + 1));
    told.push_back(event.userevent());
    server.add(session, answered, std::make_shared<const std::string>(event.SerializeAsString()));
  }
  void end_input() {
    backup.apply(server.take_changes());
    for (Wire& wire : wires) {
      if (wire.server_has && wire.session == session && session) pump(wire);
    }
  }
  void pump(Wire& wire) {
    while (const auto* event = server.find(wire.session)->after(wire.sent)) {
      wire.to_client +=
          frame(std::string(tserver::ClientFields(event->number, event->reference_id).bytes()) + *event->body);
      wire.sent = event->number;
    }
  }
  void at_server(Wire& wire, const tlib::Message& message) {
    if (message.type() == tlib::RequestRegisterClient) {
      const auto attached =
          server.attach({message.sessiontoken(), {}, message.streamnumber(), message.sessionattempt()});
      if (std::holds_alternative<KeptSessions::Overtaken>(attached)) {
        server_drops(wire);
      } else if (const auto* resumed = std::get_if<KeptSessions::Resumed>(&attached)) {
        REQUIRE(resumed->session == session);
        for (Wire& other : wires) {
          if (&other != &wire && other.session == session) server_drops(other);
        }
        wire.session = session;
        wire.sent = message.streamnumber();
        tlib::Message answer;
        answer.set_type(tlib::EventSessionResumed);
        wire.to_client += frame(answer.SerializeAsString());
        pump(wire);
      } else {
        const auto* opened = std::get_if<KeptSessions::Opened>(&attached);
        REQUIRE(opened != nullptr);
        REQUIRE_FALSE(session);  // never anew
        wire.session = session = opened->session;
        tell(message.referenceid());
      }
    } else if (message.type() == tlib::RequestMakeCall) {
      server.confirm(session, message.streamnumber());
      if (server.take(session, message.requestid())) {
        ++effects[message.referenceid()];
        if (pick(2) == 0) {
          under_way.push_back(message.referenceid());
        } else {
          tell(message.referenceid());
        }
      }
    } else {
      server.confirm(session, message.streamnumber());
    }
    end_input();
  }
  void server_drops(Wire& wire) {
    wire.server_has = false;
    wire.session = {};
    wire.cut = true;
  }
  // It dies; the other one has what it was told.
  void take_over() {
    for (Wire& wire : wires) {
      if (wire.server_has) server_drops(wire);
    }
    std::swap(server, backup);
    backup = KeptSessions({});
    backup.replace_all(server.records());
    server.keep_changes(true);
    server.take_over(both());
  }

  // --- The client ---

  void dial() {
    Wire& wire = wires.emplace_back();
    current = &wire;
    ready = false;
    tlib::Message open;
    open.set_type(tlib::RequestRegisterClient);
    open.set_referenceid(++reference);
    client.ask(open);
    wire.to_server += frame(open.SerializeAsString());
  }
  void request() {
    if (heard.empty()) return;  // the session is not open yet
    tlib::Message message;
    message.set_type(tlib::RequestMakeCall);
    message.set_referenceid(++reference);
    asked.push_back(reference);
    client.add(message);
    if (ready) current->to_server += frame(message.SerializeAsString());
  }
  void confirm() {
    tlib::Message message;
    message.set_type(tlib::ConfirmEvents);
    message.set_streamnumber(client.confirm());
    if (ready) current->to_server += frame(message.SerializeAsString());
  }
  void at_client(Wire& wire, const tlib::Message& message) {
    if (&wire != current) return;
    if (message.type() == tlib::EventSessionResumed) {
      ready = true;
      for (const tlib::Message* one : client.unanswered()) wire.to_server += frame(one->SerializeAsString());
      return;
    }
    ready = true;  // the answer of a new session is an event
    const auto taken = client.take(message);
    REQUIRE(taken != client::Continuity::Event::Missing);
    if (taken == client::Continuity::Event::Repeated) return;
    heard.push_back(message.userevent());
    if (message.has_referenceid()) ++answers[message.referenceid()];
  }

  // --- The network ---

  template <class To>
  void deliver(std::string& bytes, net::FrameDecoder& decoder, std::size_t count, To to) {
    const std::string piece = bytes.substr(0, count);
    bytes.erase(0, count);
    decoder.feed(piece);
    while (true) {
      const auto next = decoder.next();
      REQUIRE(next.has_value());
      if (!*next) return;
      tlib::Message message;
      REQUIRE(message.ParseFromArray((*next)->data(), static_cast<int>((*next)->size())));
      to(message);
    }
  }
  void some_bytes(Wire& wire, std::size_t most) {
    if (wire.cut) return;
    if (wire.server_has && !wire.to_server.empty() && pick(2) == 0) {
      deliver(wire.to_server, wire.at_server, 1 + pick(static_cast<unsigned>(std::min(most, wire.to_server.size()))),
              [&](const tlib::Message& message) {
                if (wire.server_has) at_server(wire, message);
              });
    } else if (wire.client_has && !wire.to_client.empty()) {
      deliver(wire.to_client, wire.at_client, 1 + pick(static_cast<unsigned>(std::min(most, wire.to_client.size()))),
              [&](const tlib::Message& message) {
                if (wire.client_has) at_client(wire, message);
              });
    }
  }
  void learn(Wire& wire) {
    if (!wire.cut) return;
    if (wire.server_has && pick(2) == 0) {
      wire.server_has = false;
      if (std::exchange(wire.session, {}) == session && session) server.detach(session, both());
    } else if (wire.client_has) {
      wire.client_has = false;
      if (&wire == current) dial();
    }
  }
  Wire& any_wire() {
    return wires[wires.size() - 1 - pick(static_cast<unsigned>(std::min<std::size_t>(wires.size(), 4)))];
  }

  void step(bool rough) {
    now += 1ms;
    Wire& wire = any_wire();
    switch (pick(rough ? 60 : 40)) {
      case 0:
      case 1:
        if (asked.size() < 200) request();
        break;
      case 2:
        if (session && told.size() < 400) {
          tell(0);
          end_input();
        }
        break;
      case 3:
        if (!under_way.empty()) {  // answered in any order
          const auto one = under_way.begin() + pick(static_cast<unsigned>(under_way.size()));
          const std::int32_t answered = *one;
          under_way.erase(one);
          tell(answered);
          end_input();
        }
        break;
      case 4:
        confirm();
        break;
      case 5:
      case 6:
      case 7:
        learn(wire);
        break;
      case 40:
        wire.cut = true;
        break;
      case 41:  // the client has no patience
        if (wires.size() < 100) dial();
        break;
      case 42:
        if (pick(5) == 0) take_over();
        break;
      default:
        some_bytes(wire, pick(4) == 0 ? 1000 : 30);
    }
  }
  bool done() const {
    return client.waiting() == 0 && heard.size() == told.size() && under_way.empty() && asked.size() >= 50;
  }

  std::mt19937_64 random;
  KeptSessions server{{}}, backup{{}};
  SessionId session;
  client::Continuity client{"0123456789abcdef"};
  std::deque<Wire> wires;
  Wire* current = nullptr;
  bool ready = false;
  Instant now{1s};
  Now both() const { return {now, std::chrono::duration_cast<std::chrono::microseconds>(now)}; }
  std::int32_t reference = 0;
  std::vector<std::int32_t> asked, told, heard, under_way;
  std::map<std::int32_t, int> effects, answers;
};

}  // namespace

TEST_CASE("whatever the network does, each request has its effect once and each event arrives once, in order") {
  for (unsigned seed = 1; seed <= 400; ++seed) {
    INFO("seed " << seed);
    World world(seed);
    world.dial();
    for (int i = 0; i < 3000; ++i) world.step(true);
    int steps = 0;
    while (!world.done() && ++steps < 200000) world.step(false);
    REQUIRE(world.done());
    CHECK(world.heard == world.told);
    for (const std::int32_t one : world.asked) {
      CHECK(world.effects[one] == 1);
      CHECK(world.answers[one] == 1);
    }
    CHECK(world.effects.size() == world.asked.size());
    CHECK(world.backup.find(world.session)->head() == world.server.find(world.session)->head());
  }
}
