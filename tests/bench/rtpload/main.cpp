// rtpload: what two-way RTP through the media room costs. See README.md for the ways to run it.
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#include <boost/program_options.hpp>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <sstream>
#include <thread>

#include "connector/media/media_room.h"
#include "load.h"

using namespace tandem;
using namespace std::chrono_literals;
namespace po = boost::program_options;

namespace {

volatile std::sig_atomic_t interrupted = 0;

struct Options {
  std::string calls = "100,400,1200";
  std::string ip = "127.0.0.1";
  double seconds = 20;
  double quiet = 2;
  unsigned workers = 1;
  int relay_cpu = -1, load_cpu = -1;
  std::size_t payload = 160;
  int batch_us = 1000;
  std::uint16_t listen = 0;
  bool convert = false;
};

void pin(int cpu) {
  if (cpu < 0) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  ::sched_setaffinity(0, sizeof set, &set);  // this thread, and those it starts
}

double cpu_s(const rusage& usage) {
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void print(const bench::Summary& sum) {
  const auto count = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf(
      "streams %llu  sent %llu  received %llu  lost %.4f %%  missing within streams %llu (%.4f %%)  worst stream lost "
      "%llu\n",
      count(sum.streams), count(sum.sent), count(sum.received), sum.lost_percent, count(sum.missing),
      sum.missing_percent, count(sum.worst_stream_lost));
  std::printf(
      "  delay p50 %.2f p99 %.2f p99.9 %.2f ms  jitter %.3f ms  disorder %llu  other packets %llu  dropped by the "
      "load's own sockets "
      "%llu\n",
      sum.delay_p50_ms, sum.delay_p99_ms, sum.delay_p999_ms, sum.jitter_ms, count(sum.doubled), count(sum.foreign),
      count(sum.socket_drops));
  std::fflush(stdout);
}

connector::Agreement agreement(const Options& options, std::uint16_t port, const char* encoding, std::uint8_t number) {
  connector::Agreement agreement;
  agreement.remote_ip = options.ip;
  agreement.remote_rtp_port = port;
  agreement.remote_rtcp_port = 9;  // discard
  connector::Payload payload;
  payload.number = number;
  payload.encoding = encoding;
  agreement.payloads.push_back(payload);
  return agreement;
}

// The room in this process, without SIP.
void direct(const Options& options, std::size_t calls) {
  connector::MediaSettings settings;
  settings.addresses = {options.ip};
  settings.ports = {{20000, 32767}, {61000, 65534}};
  settings.workers = options.workers;
  settings.preopened = 2 * calls;
  settings.batch_window = std::chrono::microseconds(options.batch_us);
  pin(options.relay_cpu);
  connector::MediaRoom room(settings, {});
  pin(options.load_cpu);
  bench::Load load(options.ip, {0, 0}, options.payload, 0);
  if (options.convert) load.set_payload_type(1, 8);
  for (std::size_t i = 0; i < calls; ++i) {
    const auto a = room.open("");
    const auto b = room.open("");
    if (!a || !b) throw std::runtime_error("no port left");
    room.handle(connector::MediaConnect{a->media, agreement(options, load.port(0), "PCMU", 0)});
    room.handle(connector::MediaConnect{b->media, options.convert ? agreement(options, load.port(1), "PCMA", 8)
                                                                  : agreement(options, load.port(1), "PCMU", 0)});
    room.handle(connector::MediaScene{connector::SceneId{i + 1}, {{a->media}, {b->media}}});
    load.add_stream(0, options.ip, a->rtp_port);
    load.add_stream(1, options.ip, b->rtp_port);
  }
  load.run(std::chrono::steady_clock::now() + 1s);
  load.settle(200ms);
  load.begin_measuring();
  const auto cpu_before = room.cpu_times();
  rusage load_before{}, load_after{};
  ::getrusage(RUSAGE_THREAD, &load_before);
  const auto start = std::chrono::steady_clock::now();
  load.run(start +
           std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(options.seconds)));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  const auto cpu_after = room.cpu_times();
  ::getrusage(RUSAGE_THREAD, &load_after);
  load.settle(300ms);
  double relay = 0;
  for (std::size_t i = 0; i < cpu_after.size(); ++i) {
    relay += std::chrono::duration<double>(cpu_after[i] - cpu_before[i]).count();
  }
  std::printf("calls %zu: relay %.3f cores, %.3f CPU-ms per second per call; load %.3f cores\n  ", calls,
              relay / took.count(), 1000 * relay / took.count() / static_cast<double>(calls),
              (cpu_s(load_after) - cpu_s(load_before)) / took.count());
  print(load.summary());
}

// The media of SIP calls that somebody else sets up.
void peer(const Options& options) {
  pin(options.load_cpu);
  bench::Load load(options.ip, {options.listen, static_cast<std::uint16_t>(options.listen + 2)}, options.payload, 0);
  load.answer_everybody(std::chrono::duration_cast<bench::Nanoseconds>(std::chrono::duration<double>(options.quiet)));
  std::printf("listening on %s:%u and %u\n", options.ip.c_str(), load.port(0), load.port(1));
  std::fflush(stdout);
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(options.seconds));
  while (interrupted == 0 && (options.seconds <= 0 || std::chrono::steady_clock::now() < end)) {
    load.run(std::chrono::steady_clock::now() + 200ms);
  }
  load.settle(300ms);
  print(load.summary());
}

}  // namespace

int main(int argc, char** argv) try {
  Options options;
  po::options_description described("rtpload: RTP through the media room, 50 packets a second each way and call");
  described.add_options()("help", "this text")                                                                   //
      ("direct", "drive the media room in this process")                                                         //
      ("listen", po::value(&options.listen), "peer mode: answer what comes to this port and the second next")    //
      ("calls", po::value(&options.calls)->default_value(options.calls), "direct: simultaneous calls, in turn")  //
      ("seconds", po::value(&options.seconds)->default_value(options.seconds),
       "how long; peer mode: 0 until interrupted")  //
      ("quiet", po::value(&options.quiet)->default_value(options.quiet),
       "peer mode: seconds of silence that end a stream")                                                             //
      ("ip", po::value(&options.ip)->default_value(options.ip), "local IPv4 address")                                 //
      ("payload", po::value(&options.payload)->default_value(options.payload), "octets in each packet")               //
      ("workers", po::value(&options.workers)->default_value(options.workers), "direct: relaying threads")            //
      ("batch-us", po::value(&options.batch_us)->default_value(options.batch_us), "direct: the room's batch window")  //
      ("convert", "direct: one side PCMU, the other PCMA (loss isn't measured then)")                                 //
      ("relay-cpu", po::value(&options.relay_cpu), "direct: pin the relay to this core")                              //
      ("load-cpu", po::value(&options.load_cpu), "pin the load to this core");
  po::variables_map given;
  po::store(po::parse_command_line(argc, argv, described), given);
  po::notify(given);
  options.convert = given.count("convert") > 0;
  if (given.count("help") > 0 || given.count("direct") + given.count("listen") != 1) {
    std::cout << described;
    return given.count("help") > 0 ? 0 : 2;
  }
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
  if (given.count("listen") > 0) {
    peer(options);
    return 0;
  }
  std::istringstream list(options.calls);
  for (std::string calls; std::getline(list, calls, ',');) direct(options, std::stoul(calls));
  return 0;
} catch (const po::error& error) {
  std::cerr << "rtpload: " << error.what() << '\n';
  return 2;
} catch (const std::exception& error) {
  std::cerr << "rtpload: " << error.what() << '\n';
  return 1;
}
