// Payload numbers from one leg to another.
#include <catch2/catch.hpp>

#include "connector/media/payloads.h"

using namespace tandem::connector;
using namespace tandem::connector::media;

namespace {

Payload format(std::uint8_t number, std::string encoding, std::uint32_t rate = 8000, std::uint8_t channels = 1) {
  Payload payload;
  payload.number = number;
  payload.encoding = std::move(encoding);
  payload.clock_rate = rate;
  payload.channels = channels;
  return payload;
}

struct Rule {
  Relaying how;
  int number;
  bool event;
  friend bool operator==(const Rule&, const Rule&) = default;
};
std::ostream& operator<<(std::ostream& out, const Rule& rule) {
  return out << static_cast<int>(rule.how) << " to " << rule.number << (rule.event ? " event" : "");
}
Rule rule(const PayloadRules& rules, std::size_t number) {
  return {rules[number].how, rules[number].number, rules[number].event};
}
const Rule drop{Relaying::Drop, 0, false};

}  // namespace

TEST_CASE("what both share passes under the listener's number") {
  const auto rules = payload_rules(
      {format(0, "PCMU"), format(8, "pcma"), format(101, "telephone-event"), format(96, "opus", 48000, 2)},
      {format(111, "opus", 48000, 2), format(8, "PCMA"), format(0, "PCMU"), format(96, "telephone-event")});
  CHECK(rule(rules, 0) == Rule{Relaying::Pass, 0, false});
  CHECK(rule(rules, 8) == Rule{Relaying::Pass, 8, false});
  CHECK(rule(rules, 101) == Rule{Relaying::Pass, 96, true});
  CHECK(rule(rules, 96) == Rule{Relaying::Pass, 111, false});
  CHECK(rules[96].clock_rate() == 48000);
  for (std::size_t i = 0; i < 128; ++i) {
    if (i != 0 && i != 8 && i != 96 && i != 101) CHECK(rule(rules, i) == drop);
  }
}

TEST_CASE("G.711 is converted where the law that comes isn't the listener's, and only then") {
  CHECK(rule(payload_rules({format(0, "PCMU")}, {format(8, "PCMA")}), 0) == Rule{Relaying::ToPcma, 8, false});
  CHECK(rule(payload_rules({format(8, "PCMA")}, {format(0, "PCMU")}), 8) == Rule{Relaying::ToPcmu, 0, false});
  CHECK(rule(payload_rules({format(8, "PCMA")}, {format(0, "PCMU"), format(8, "PCMA")}), 8) ==
        Rule{Relaying::Pass, 8, false});
  // Shared or not, the other law must not reach one who didn't agree to it.
  CHECK(rule(payload_rules({format(0, "PCMU"), format(8, "PCMA")}, {format(8, "PCMA")}), 0) ==
        Rule{Relaying::ToPcma, 8, false});
  CHECK(rule(payload_rules({format(0, "PCMU")}, {format(18, "G729")}), 0) == drop);
  CHECK(rule(payload_rules({format(18, "G729")}, {format(0, "PCMU")}), 18) == drop);
  CHECK(rule(payload_rules({format(96, "PCMU", 16000)}, {format(8, "PCMA")}), 96) == drop);
  CHECK(rule(payload_rules({format(96, "L16", 8000, 1)}, {format(97, "L16", 8000, 2)}), 96) == drop);
}

TEST_CASE("telephone events reach only those who agreed to them, at the same clock") {
  CHECK(rule(payload_rules({format(101, "telephone-event")}, {format(0, "PCMU")}), 101) ==
        Rule{Relaying::Drop, 0, true});
  const auto rules = payload_rules({format(101, "telephone-event"), format(102, "telephone-event", 48000)},
                                   {format(97, "telephone-event", 48000), format(98, "telephone-event")});
  CHECK(rule(rules, 101) == Rule{Relaying::Pass, 98, true});
  CHECK(rule(rules, 102) == Rule{Relaying::Pass, 97, true});
}

TEST_CASE("a party may send under another number than it wants to hear (RFC 3264 section 5.1)") {
  auto dynamic = format(97, "iLBC");
  dynamic.receive_number = 99;
  const auto rules = payload_rules({dynamic}, {format(120, "iLBC")});
  CHECK(rule(rules, 99) == Rule{Relaying::Pass, 120, false});
  CHECK(rule(rules, 97) == Rule{Relaying::Pass, 120, false});  // believed as well
  // Towards it, the number it wants is used.
  CHECK(rule(payload_rules({format(120, "iLBC")}, {dynamic}), 120) == Rule{Relaying::Pass, 97, false});
  // Where both meanings meet, the announced one counts.
  auto other = format(99, "G726-32");
  other.receive_number = 97;
  const auto crossed = payload_rules({dynamic, other}, {format(120, "iLBC"), format(121, "G726-32")});
  CHECK(rule(crossed, 99) == Rule{Relaying::Pass, 120, false});
  CHECK(rule(crossed, 97) == Rule{Relaying::Pass, 121, false});
}

TEST_CASE("what we send of our own is the first real codec") {
  const std::vector<Payload> payloads{format(101, "telephone-event"), format(13, "CN"), format(8, "PCMA"),
                                      format(0, "PCMU")};
  REQUIRE(sending_payload(payloads) != nullptr);
  CHECK(sending_payload(payloads)->number == 8);
  CHECK(sending_payload({format(101, "telephone-event")}) == nullptr);
  CHECK(g711_of(payloads[2]) == G711::Pcma);
  CHECK(g711_of(format(0, "pcmu")) == G711::Pcmu);
  CHECK(g711_of(format(9, "G722")) == G711::None);
}
