// media_bench: the media room under conferences, relays and music, heard by parties in another process. See README.md.
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/program_options.hpp>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <map>
#include <numbers>
#include <thread>

#include "connector/media/codec.h"
#include "connector/media/media_room.h"
#include "crowd.h"

using namespace tandem;
using namespace tandem::connector;
using namespace std::chrono_literals;
namespace po = boost::program_options;

namespace {

struct Options {
  std::size_t parties = 600, size = 3;
  std::string codec = "pcmu", ip = "127.0.0.1";
  double seconds = 10;
  int room_cpu = -1, crowd_cpu = -1;
  unsigned workers = 1;
  bool held = false;
};

void pin(int cpu) {
  if (cpu < 0) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  ::sched_setaffinity(0, sizeof set, &set);
}

Payload payload_of(const std::string& codec) {
  if (codec == "pcma") return {8, -1, "PCMA", 8000, 1, ""};
  if (codec == "g722") return {9, -1, "G722", 8000, 1, ""};
  if (codec == "opus") return {111, -1, "opus", 48000, 2, ""};
  if (codec == "pcmu") return {0, -1, "PCMU", 8000, 1, ""};
  throw std::runtime_error("codec " + codec + ": expected pcmu, pcma, g722, opus or mixed");
}

// Syllables of a harmonic sound, so that codecs have something to do.
bench::Voice voice_of(const Payload& payload) {
  bench::Voice voice;
  const auto coding = media::coding_of(payload);
  const auto rate = media::sample_rate(coding);
  voice.payload_type = payload.number;
  voice.clock_rate = media::clock_rate(coding);
  media::Encoder encoder(coding);
  std::array<std::uint8_t, media::most_encoded_octets> octets;
  for (std::size_t frame = 0; frame < 200; ++frame) {
    std::vector<std::int16_t> samples;
    for (std::size_t i = 0; i < rate / 50; ++i) {
      const double t = static_cast<double>(frame * (rate / 50) + i) / rate;
      double sum = 0;
      for (int harmonic = 1; harmonic < 12; ++harmonic)
        sum += std::sin(2 * std::numbers::pi * harmonic * (120 * t + 2 * std::sin(3 * t))) / harmonic;
      samples.push_back(static_cast<std::int16_t>(4000 * sum * std::max(0.0, std::sin(2 * std::numbers::pi * 2 * t))));
    }
    const auto made = encoder.encode(samples, octets);
    voice.frames.emplace_back(made.begin(), made.end());
  }
  return voice;
}

struct Pipe {
  Pipe() {
    if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
  }
  template <class T>
  void put(const T* values, std::size_t count) const {
    if (::write(ends[1], values, count * sizeof(T)) < 0) throw std::runtime_error("the other process is gone");
  }
  template <class T>
  void get(T* values, std::size_t count) const {
    auto* at = reinterpret_cast<char*>(values);
    for (std::size_t left = count * sizeof(T); left > 0;) {
      const auto size = ::read(ends[0], at, left);
      if (size <= 0) throw std::runtime_error("the other process is gone");
      at += size;
      left -= static_cast<std::size_t>(size);
    }
  }
  int ends[2]{-1, -1};
};

std::string codec_of(const Options& options, std::size_t party) {
  if (options.codec != "mixed") return options.codec;
  constexpr std::array<const char*, 3> all{"pcmu", "g722", "opus"};
  return all[party % all.size()];
}

void crowd(const Options& options, const Pipe& to_room, const Pipe& from_room) {
  pin(options.crowd_cpu);
  bench::Crowd crowd(options.ip);
  std::vector<std::uint16_t> ports(options.parties);
  for (std::size_t i = 0; i < options.parties; ++i) ports[i] = crowd.port_of(i);
  to_room.put(ports.data(), ports.size());
  from_room.get(ports.data(), ports.size());
  std::map<std::string, bench::Voice> voices;
  for (std::size_t i = 0; i < options.parties; ++i) {
    const auto codec = codec_of(options, i);
    const auto payload = payload_of(codec);
    if (!voices.contains(codec)) voices[codec] = voice_of(payload);
    crowd.join(i, ports[i], &voices[codec], media::clock_rate(media::coding_of(payload)));
  }
  crowd.run(std::chrono::steady_clock::now() + 3s);
  const char mark = 'x';
  to_room.put(&mark, 1);
  crowd.begin_measuring();
  const std::chrono::duration<double> time(options.seconds);
  crowd.run(std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::nanoseconds>(time));
  to_room.put(&mark, 1);
  const auto result = crowd.result(time);
  to_room.put(&result, 1);
}

void room(const Options& options, const Pipe& from_crowd, const Pipe& to_crowd) {
  pin(options.room_cpu);
  MediaSettings settings;
  settings.addresses = {options.ip};
  settings.ports = {{20000, 32767}, {61000, 65534}};
  settings.workers = options.workers;
  settings.preopened = options.parties;
  MediaCallbacks callbacks;
  callbacks.trouble = [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); };
  MediaRoom room(settings, callbacks);
  std::vector<std::uint16_t> ports(options.parties);
  from_crowd.get(ports.data(), ports.size());
  MediaScene scene;
  for (std::size_t i = 0; i < options.parties; ++i) {
    const auto endpoint = room.open("");
    if (!endpoint) throw std::runtime_error("no port left");
    Agreement agreement;
    agreement.remote_ip = options.ip;
    agreement.remote_rtp_port = ports[i];
    agreement.remote_rtcp_port = 9;  // discard
    agreement.payloads.push_back(payload_of(codec_of(options, i)));
    room.handle(MediaConnect{endpoint->media, agreement});
    ports[i] = endpoint->rtp_port;
    scene.members.push_back({endpoint->media});
    // A tone stands for music: both are clips.
    if (options.held) scene.members.back().sound = Sound::Ringback;
    if (scene.members.size() == options.size || i + 1 == options.parties) {
      scene.scene = SceneId{i + 1};
      room.handle(scene);
      scene.members.clear();
    }
  }
  to_crowd.put(ports.data(), ports.size());
  char mark = 0;
  from_crowd.get(&mark, 1);
  const auto before = room.cpu_times();
  const auto start = std::chrono::steady_clock::now();
  from_crowd.get(&mark, 1);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  const auto after = room.cpu_times();
  bench::CrowdResult result;
  from_crowd.get(&result, 1);
  double cpu = 0;
  for (std::size_t i = 0; i < after.size(); ++i) cpu += std::chrono::duration<double>(after[i] - before[i]).count();
  const auto count = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf("%zu parties, %s, %s of %zu: %.3f cores, %.3f CPU-ms per second per party, %.0f parties a core\n",
              options.parties, options.codec.c_str(), options.held ? "played to in scenes" : "conferences",
              options.size, cpu / took.count(), 1000 * cpu / took.count() / static_cast<double>(options.parties),
              static_cast<double>(options.parties) * took.count() / cpu);
  std::printf(
      "  sent %llu  received %llu  missing %llu  dropped by the crowd's sockets %llu  parties that heard too little "
      "%llu\n",
      count(result.sent), count(result.received), count(result.missing), count(result.socket_drops),
      count(result.silent_streams));
  std::printf("  later than due: p50 %.2f  p99 %.2f  p99.9 %.2f ms\n", result.late_p50_ms, result.late_p99_ms,
              result.late_p999_ms);
}

}  // namespace

int main(int argc, char** argv) try {
  Options options;
  po::options_description described("media_bench: conferences mixed in real time");
  described.add_options()("help", "this text")                                                                        //
      ("parties", po::value(&options.parties)->default_value(options.parties), "in all")                              //
      ("size", po::value(&options.size)->default_value(options.size), "of a conference; 2 of one codec are relayed")  //
      ("codec", po::value(&options.codec)->default_value(options.codec), "pcmu, pcma, g722, opus or mixed")           //
      ("held", "everybody hears a sound instead of the others")                                                       //
      ("seconds", po::value(&options.seconds)->default_value(options.seconds), "measured, after three seconds")       //
      ("workers", po::value(&options.workers)->default_value(options.workers), "threads of the room")                 //
      ("ip", po::value(&options.ip)->default_value(options.ip), "local IPv4 address")                                 //
      ("room-cpu", po::value(&options.room_cpu), "pin the room to this core")                                         //
      ("crowd-cpu", po::value(&options.crowd_cpu), "pin the parties to this core");
  po::variables_map given;
  po::store(po::parse_command_line(argc, argv, described), given);
  po::notify(given);
  options.held = given.count("held") > 0;
  if (given.count("help") > 0) {
    std::cout << described;
    return 0;
  }
  payload_of(codec_of(options, 0));
  const Pipe to_room, to_crowd;
  const auto child = ::fork();
  if (child == 0) {
    ::close(to_room.ends[0]);
    ::close(to_crowd.ends[1]);
    crowd(options, to_room, to_crowd);
    return 0;
  }
  ::close(to_room.ends[1]);
  ::close(to_crowd.ends[0]);
  room(options, to_room, to_crowd);
  ::waitpid(child, nullptr, 0);
  return 0;
} catch (const std::exception& error) {
  std::cerr << "media_bench: " << error.what() << '\n';
  return 1;
}
