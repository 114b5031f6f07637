// The room as the Connector uses it: opening, closing, tones, silence, digits, reports, several workers.
#include <catch2/catch.hpp>

#include <filesystem>
#include <set>

#include "connector/media/g711.h"
#include "phone.h"
#include "sound.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

namespace {

struct Single {
  explicit Single(MediaSettings settings = quiet_settings()) : room(std::move(settings), notices.callbacks()) {
    at = room.open("").value();
  }
  void connect(std::vector<Payload> payloads, Direction direction = Direction::SendRecv, bool watch = false) {
    room.handle(MediaConnect{at.media, agree(phone, std::move(payloads), direction), watch});
  }
  MediaClosed close() {
    room.handle(MediaClose{at.media});
    return notices.closed().value();
  }
  Notices notices;
  MediaRoom room;
  Phone phone;
  Endpoint at;
};

}  // namespace

TEST_CASE("wrong settings are told by name") {
  const auto refusal = [](auto change) -> std::string {
    auto settings = quiet_settings();
    change(settings);
    try {
      MediaRoom room(settings, {});
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  };
  CHECK_THAT(refusal([](auto& s) { s.ports = {{30000, 20000}}; }), Catch::Contains("rtp port range 30000-20000"));
  CHECK_THAT(refusal([](auto& s) { s.ports = {{10, 20}}; }), Catch::Contains("1024"));
  CHECK_THAT(refusal([](auto& s) { s.ports = {}; }), Catch::Contains("rtp port range"));
  CHECK_THAT(refusal([](auto& s) { s.addresses = {"phone.example"}; }), Catch::Contains("phone.example"));
  CHECK_THAT(refusal([](auto& s) { s.addresses = {"203.0.113.1"}; }), Catch::Contains("203.0.113.1"));
  CHECK_THAT(refusal([](auto& s) { s.addresses = {}; }), Catch::Contains("addresses"));
  CHECK_THAT(refusal([](auto& s) { s.workers = 0; }), Catch::Contains("workers"));
  CHECK_THAT(refusal([](auto& s) { s.ringtone_file = "/nonexistent.wav"; }), Catch::Contains("/nonexistent.wav"));
}

TEST_CASE("endpoints are different, even, at the address asked for; the limit is kept and freed again") {
  auto settings = quiet_settings();
  settings.max_endpoints = 3;
  settings.addresses = {"127.0.0.1", "::1"};
  Notices notices;
  MediaRoom room(settings, notices.callbacks());
  const auto a = room.open("");
  const auto b = room.open("::1");
  const auto c = room.open("127.0.0.2");  // not set, but ours
  REQUIRE(a);
  REQUIRE(b);
  REQUIRE(c);
  CHECK(a->ip == "127.0.0.1");
  CHECK(b->ip == "::1");
  CHECK(c->ip == "127.0.0.2");
  CHECK(std::set<MediaId>{a->media, b->media, c->media}.size() == 3);
  for (const auto& endpoint : {*a, *b, *c}) CHECK(endpoint.rtp_port % 2 == 0);
  CHECK_FALSE(room.open(""));
  CHECK(room.endpoints() == 3);
  room.handle(MediaClose{b->media});
  CHECK(room.endpoints() == 2);
  REQUIRE(notices.closed());
  std::optional<Endpoint> again;
  for (int i = 0; i < 1000 && !again; ++i) {
    again = room.open("203.0.113.1");  // not ours: the default
    if (!again) notices.input(1ms);
  }
  REQUIRE(again);
  CHECK(again->ip == "127.0.0.1");
  CHECK(again->media != b->media);
}

TEST_CASE("bound to every address, the address asked for goes into the SDP") {
  auto settings = quiet_settings();
  settings.addresses = {"0.0.0.0"};
  MediaRoom room(settings, {});
  CHECK(room.open("127.0.0.3")->ip == "127.0.0.3");
}

TEST_CASE("a port rests after a call") {
  auto settings = quiet_settings();
  settings.ports = {{settings.ports.front().first, static_cast<std::uint16_t>(settings.ports.front().first + 399)}};
  settings.quarantine = 1h;
  Single call(settings);
  call.close();
  std::set<std::uint16_t> used{call.at.rtp_port};
  std::size_t opened = 0;
  for (; opened < 250; ++opened) {
    const auto next = call.room.open("");
    if (!next) break;
    CHECK(used.insert(next->rtp_port).second);
  }
  CHECK(opened < 200);
  CHECK(opened > 0);
}

TEST_CASE("orders about what isn't open are ignored") {
  Single call;
  const auto gone = MediaId{call.at.media.value + (1ull << 24)};
  call.room.handle(hears(gone, Sound::Ringback));
  call.room.handle(scene_of({gone, MediaId{}}));
  call.room.handle(scene_of({}, SceneId{2}));
  call.room.handle(scene_of({call.at.media, gone}));
  call.room.handle(MediaClose{gone});
  call.room.handle(MediaClose{MediaId{}});
  call.close();
  call.room.handle(MediaClose{call.at.media});
  call.room.handle(MediaConnect{call.at.media, agree(call.phone, {pcmu()})});
  CHECK_FALSE(call.phone.hear(200ms));
  CHECK(call.room.endpoints() == 0);
}

TEST_CASE("ringback: every 20 ms a frame of one stream, in the party's law, with the cadence set") {
  auto settings = quiet_settings();
  settings.ringback = {{425}, -10, {400ms, 200ms}};
  const bool a_law = GENERATE(false, true);
  Single call(settings);
  call.room.handle(hears(call.at.media, Sound::Ringback));
  const auto start = std::chrono::steady_clock::now();
  call.connect({a_law ? pcma() : pcmu()});
  std::vector<std::int16_t> samples;
  std::optional<Packet> last;
  for (int i = 0; i < 60; ++i) {
    const auto heard = call.phone.hear();
    REQUIRE(heard);
    REQUIRE(heard->payload.size() == 160);
    CHECK(heard->payload_type == (a_law ? 8 : 0));
    CHECK(heard->marker == !last);
    if (last) {
      CHECK(heard->sequence == static_cast<std::uint16_t>(last->sequence + 1));
      CHECK(heard->timestamp == last->timestamp + 160);
      CHECK(heard->ssrc == last->ssrc);
    }
    for (const auto octet : heard->payload)
      samples.push_back(a_law ? media::decode_pcma(octet) : media::decode_pcmu(octet));
    last = heard;
  }
  // 60 frames are 1.2 s; the pace must be real time however busy the machine.
  CHECK(std::chrono::steady_clock::now() - start > 1000ms);
  for (const int burst : {0, 4800}) {
    CHECK(dbm0(std::span(samples.data() + burst + 100, 3000)) == Approx(-10).margin(0.2));
    CHECK(tone_dbm0(std::span(samples.data() + burst + 100, 3000), 425) == Approx(-10).margin(0.2));
    CHECK(dbm0(std::span(samples.data() + burst + 3200, 1600)) < -55);
  }
}

TEST_CASE("busy is another tone; ending it ends the packets") {
  auto settings = quiet_settings();
  settings.busy = {{600}, -12, {}};
  Single call(settings);
  call.connect({pcmu()});
  call.room.handle(hears(call.at.media, Sound::Ringback));
  call.room.handle(hears(call.at.media, Sound::Busy));
  std::vector<std::int16_t> samples;
  for (int i = 0; i < 30; ++i) {
    const auto heard = call.phone.hear();
    REQUIRE(heard);
    if (i < 5) continue;
    for (const auto octet : heard->payload) samples.push_back(media::decode_pcmu(octet));
  }
  CHECK(tone_dbm0(samples, 600) == Approx(-12).margin(0.3));
  call.room.handle(scene_of({call.at.media}));
  int more = 0;  // what was under way
  while (more < 500 && call.phone.hear(300ms)) ++more;
  CHECK(more < 500);
}

TEST_CASE("a party with no coding of ours, or one that must not be sent to, hears no tone") {
  Payload unknown;
  unknown.number = 18;
  unknown.encoding = "G729";
  Single call;
  call.connect({unknown});
  call.room.handle(hears(call.at.media, Sound::Ringback));
  std::optional<Packet> heard;
  while ((heard = call.phone.hear(300ms))) CHECK(heard->payload.empty());
  CHECK(call.close().counters.packets_out == 0);

  Single quiet;
  quiet.connect({pcmu()}, GENERATE(Direction::RecvOnly, Direction::Inactive));
  quiet.room.handle(hears(quiet.at.media, Sound::Ringback));
  CHECK_FALSE(quiet.phone.hear(300ms));
}

TEST_CASE("a party that hears nothing gets a little silence, so that its NAT opens") {
  auto settings = quiet_settings();
  settings.comfort_interval = 1s;
  Single call(settings);
  call.connect({pcma()});
  const auto first = call.phone.hear();
  REQUIRE(first);
  CHECK(first->payload == Octets(160, 0xd5));
  const auto second = call.phone.hear(3000ms);
  REQUIRE(second);
  CHECK(second->sequence == static_cast<std::uint16_t>(first->sequence + 1));
  CHECK(second->payload == Octets(160, 0xd5));
}

TEST_CASE("silence is told once, and again after the party spoke; only where it is watched") {
  auto settings = quiet_settings();
  settings.silence_timeout = 50ms;  // looked at once a second
  Single call(settings);
  const Phone unwatched;
  const auto at_unwatched = call.room.open("").value();
  call.room.handle(MediaConnect{at_unwatched.media, agree(unwatched, {pcmu()}), false});
  call.connect({pcmu()}, Direction::SendRecv, true);
  const auto silent = [&] {
    const auto told = call.notices.input();
    REQUIRE(told);
    REQUIRE(std::holds_alternative<MediaSilent>(*told));
    CHECK(std::get<MediaSilent>(*told).media == call.at.media);
  };
  silent();
  CHECK_FALSE(call.notices.input(1200ms));  // both were looked at again
  call.phone.send(call.at, rtp(0, 1, 160, 1, {0xff}));
  silent();
}

TEST_CASE("digits are told with their duration") {
  Single call;
  call.connect({pcmu(), events(97)});
  for (const std::uint8_t digit : {std::uint8_t{4}, std::uint8_t{11}}) {
    for (std::uint16_t i = 1; i <= 5; ++i) {
      const auto duration = static_cast<std::uint8_t>(i * 32);
      call.phone.send(call.at, rtp(97, static_cast<std::uint16_t>(digit * 10 + i), digit * 8000u, 5,
                                   {digit, static_cast<std::uint8_t>(i >= 3 ? 0x8a : 0x0a), 0, duration}, i == 1));
    }
  }
  for (const char digit : {'4', '#'}) {
    const auto told = call.notices.input();
    REQUIRE(told);
    REQUIRE(std::holds_alternative<DigitReceived>(*told));
    const auto& received = std::get<DigitReceived>(*told);
    CHECK(received.media == call.at.media);
    CHECK(received.digit == digit);
    CHECK(received.duration_ms == 12);
  }
  CHECK_FALSE(call.notices.input(100ms));
}

TEST_CASE("MMC-297, a recording is played in place of the ringback tone") {
  const auto path = std::filesystem::temp_directory_path() / ("tandem-ring-" + std::to_string(::getpid()) + ".au");
  {
    // Sun/NeXT audio: header, then 16-bit samples, most significant octet first.
    std::FILE* file = std::fopen(path.c_str(), "wb");
    REQUIRE(file != nullptr);
    const Octets header{'.', 's', 'n', 'd', 0, 0, 0, 24, 0, 0, 0x3e, 0x80, 0, 0, 0, 3, 0, 0, 0x1f, 0x40, 0, 0, 0, 1};
    std::fwrite(header.data(), 1, header.size(), file);
    for (int i = 0; i < 8000; ++i) {
      const auto sample =
          static_cast<std::int16_t>(std::lround(6000 * std::sin(2 * std::numbers::pi * 700.0 * i / 8000)));
      std::fputc(static_cast<std::uint16_t>(sample) >> 8, file);
      std::fputc(sample & 0xff, file);
    }
    std::fclose(file);
  }
  auto settings = quiet_settings();
  settings.ringtone_file = path.string();
  Single call(settings);
  std::filesystem::remove(path);
  call.room.handle(hears(call.at.media, Sound::Ringback));
  call.connect({pcmu()});
  std::vector<std::int16_t> samples;
  for (int i = 0; i < 20; ++i) {
    const auto heard = call.phone.hear();
    REQUIRE(heard);
    for (const auto octet : heard->payload) samples.push_back(media::decode_pcmu(octet));
  }
  CHECK(tone_dbm0(samples, 700) == Approx(peak_dbm0(6000)).margin(0.2));
}

TEST_CASE("reports: ours tell what was sent and lost, theirs are taken; closing says goodbye") {
  auto settings = quiet_settings();
  settings.rtcp_interval = 1s;
  Single call(settings);
  call.connect({pcmu()});
  const auto comfort = call.phone.hear();
  REQUIRE(comfort);
  for (const std::uint16_t sequence : {std::uint16_t{1}, std::uint16_t{2}, std::uint16_t{4}}) {
    call.phone.send(call.at, rtp(0, sequence, sequence * 160u, 0x99, {1}));
  }
  // Our sender report, so that theirs comes back in it.
  call.phone.send_rtcp(call.at, {0x80, 200,  0, 6, 0, 0, 0, 0x99, 0x11, 0x11, 0x22, 0x22, 0x33, 0x33,
                                 0x44, 0x44, 0, 0, 0, 1, 0, 0,    0,    2,    0,    0,    0,    3});
  Octets report;
  for (int i = 0; i < 5; ++i) {
    auto heard = call.phone.hear_rtcp(3000ms);
    REQUIRE(heard);
    report = *heard;
    if (report.size() >= 52 && number(report, 44, 4) != 0 && number(report, 36, 4) == 4) break;
  }
  REQUIRE(report.size() >= 52);
  CHECK(report[0] == 0x81);
  CHECK(report[1] == 200);
  CHECK(number(report, 4, 4) == comfort->ssrc);
  CHECK(number(report, 20, 4) >= 1);     // packets
  CHECK(number(report, 28, 4) == 0x99);  // about whom
  CHECK(number(report, 33, 3) == 1);     // lost
  CHECK(number(report, 36, 4) == 4);     // highest sequence number
  CHECK(number(report, 44, 4) == 0x22223333);
  call.room.handle(MediaClose{call.at.media});
  std::optional<Octets> heard, last;
  while ((heard = call.phone.hear_rtcp(500ms))) last = heard;
  REQUIRE(last);
  REQUIRE(last->size() >= 8);
  CHECK((*last)[last->size() - 7] == 203);
  const auto closed = call.notices.closed().value();
  CHECK(closed.counters.rtcp_in == 1);
  CHECK(closed.counters.rtcp_out >= 2);
  CHECK(closed.counters.lost == 1);
}

TEST_CASE("the last word on an endpoint counts everything") {
  Single call;
  call.connect({pcmu()});
  call.phone.hear();
  const Phone other;
  for (std::uint16_t i = 0; i < 10; ++i)
    call.phone.send(call.at, rtp(0, static_cast<std::uint16_t>(i * 2), i * 320u, 3, Octets(160)));
  for (std::uint16_t i = 0; i < 2; ++i) other.send(call.at, rtp(0, i, i * 160u, 4, Octets(160)));
  call.phone.send(call.at, {0, 1, 2, 3});
  // A digit tells that all before it was read.
  call.connect({pcmu(), events()});
  call.phone.send(call.at, rtp(101, 19, 99999, 3, {1, 0x80, 0, 8}));
  REQUIRE(call.notices.input());
  const auto closed = call.close();
  CHECK(closed.media == call.at.media);
  CHECK(closed.counters.packets_in == 11);
  CHECK(closed.counters.bytes_in == 10 * 172 + 16);
  CHECK(closed.counters.lost == 9);
  CHECK(closed.counters.strangers == 2);
  CHECK(closed.counters.invalid == 1);
  CHECK(closed.counters.unwanted == 11);
  CHECK(closed.counters.packets_out >= 1);
  CHECK(closed.counters.send_failed == 0);
  CHECK_THAT(to_text(closed),
             Catch::Contains("11 packets (1736 bytes) in, 9 lost") && Catch::Contains("strangers 2, invalid 1"));
  CHECK(call.room.totals().packets_in == 11);
  CHECK(call.room.totals().strangers == 2);
}

TEST_CASE("with several workers, both members of a scene meet on one, again and again") {
  auto settings = quiet_settings();
  settings.workers = 3;
  Notices notices;
  MediaRoom room(settings, notices.callbacks());
  struct Party {
    Phone phone;
    Endpoint at;
    std::uint16_t sequence = 0;
  };
  std::vector<std::unique_ptr<Party>> parties;
  for (std::uint32_t i = 0; i < 6; ++i) {
    parties.push_back(std::make_unique<Party>());
    parties.back()->at = room.open("").value();
    room.handle(MediaConnect{parties.back()->at.media, agree(parties.back()->phone, {pcmu()})});
    REQUIRE(parties.back()->phone.hear());
  }
  // Every party with every other in turn, without waiting between the orders.
  for (std::size_t round = 0; round < 5; ++round) {
    for (std::size_t i = 0; i < 6; ++i) {
      const std::size_t j = (i + 1 + round) % 6;
      auto& a = *parties[i];
      auto& b = *parties[j];
      room.handle(scene_of({a.at.media, b.at.media}, SceneId{round * 6 + i + 1}));
      const Octets words{static_cast<std::uint8_t>(round), static_cast<std::uint8_t>(i)};
      std::optional<Packet> heard;
      // The first packets may come before the scene stands.
      for (int attempt = 0; attempt < 200 && (!heard || heard->payload != words); ++attempt) {
        ++a.sequence;
        a.phone.send(a.at, rtp(0, a.sequence, a.sequence * 160u, static_cast<std::uint32_t>(i), words));
        heard = b.phone.hear(20ms);
      }
      REQUIRE(heard);
      REQUIRE(heard->payload == words);
      CHECK(heard->from_port == b.at.rtp_port);
    }
  }
  for (const auto& party : parties) room.handle(MediaClose{party->at.media});
  for (std::size_t i = 0; i < parties.size(); ++i) CHECK(notices.closed());
  CHECK(room.endpoints() == 0);
}
