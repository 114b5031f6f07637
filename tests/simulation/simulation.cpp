// A whole contact centre on a simulated clock and network, from a seed.
//
//   simulate [--seeds A..B] [--named FILE]     those seeds, and the named ones first
//   simulate --seed N                          that one, with a trace of everything
//   simulate --minutes M [--seeds A..]         seed after seed
//
// Exit status 0: nothing wrong; 1: the seeds that failed are named, each with how to replay it; 2: wrong usage.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "site.h"

using namespace tandem;
using namespace tandem::simulation;

namespace {

struct Options {
  std::uint64_t first = 1, last = 2000;
  std::uint64_t seed = 0;  // 0: many
  double minutes = 0;
  std::string named;
};

int usage(const std::string& what) {
  std::fprintf(stderr, "simulate: %s\nusage: simulate [--seed N | --seeds A..B] [--minutes M] [--named FILE]\n",
               what.c_str());
  return 2;
}

std::vector<std::string> run(std::uint64_t seed, bool traced, Tally& total) {
  Site site(seed, traced);
  std::vector<std::string> faults;
  try {
    site.run();
    faults = site.faults();
  } catch (const std::exception& error) {
    faults = site.faults();
    faults.push_back(std::string("exception: ") + error.what());
  }
  const Tally& tally = site.tally();
  total.established += tally.established;
  total.diverted += tally.diverted;
  total.held += tally.held;
  total.moved += tally.moved;
  total.added += tally.added;
  total.takeovers += tally.takeovers;
  total.adopted += tally.adopted;
  total.known_takeovers += tally.known_takeovers;
  total.kept += tally.kept;
  total.polls += tally.polls;
  total.recovered += tally.recovered;
  total.resumed += tally.resumed;
  total.not_resumed += tally.not_resumed;
  return faults;
}

bool report(std::uint64_t seed, const std::vector<std::string>& faults, const std::string& name) {
  if (faults.empty()) return true;
  std::printf("seed %llu%s: simulate --seed %llu\n", static_cast<unsigned long long>(seed), name.c_str(),
              static_cast<unsigned long long>(seed));
  for (const std::string& fault : faults) std::printf("  ! %s\n", fault.c_str());
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  bool range = false;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (i + 1 >= argc) return usage(name + " lacks its value");
    const std::string value = argv[++i];
    if (name == "--seed") {
      options.seed = std::strtoull(value.c_str(), nullptr, 10);
      if (options.seed == 0) return usage("--seed takes a number from 1 on");
    } else if (name == "--seeds") {
      const auto dots = value.find("..");
      range = true;
      options.first = std::strtoull(value.c_str(), nullptr, 10);
      options.last = dots == std::string::npos || dots + 2 == value.size()
                         ? ~0ULL
                         : std::strtoull(value.c_str() + dots + 2, nullptr, 10);
      if (options.first == 0 || options.last < options.first) return usage("--seeds takes A..B");
    } else if (name == "--minutes") {
      options.minutes = std::strtod(value.c_str(), nullptr);
    } else if (name == "--named") {
      options.named = value;
    } else {
      return usage("unknown option " + name);
    }
  }
  Tally total;
  if (options.seed != 0) {
    const auto faults = run(options.seed, true, total);
    std::printf(faults.empty() ? "seed %llu: nothing wrong\n" : "", static_cast<unsigned long long>(options.seed));
    return report(options.seed, faults, "") ? 0 : 1;
  }
  bool good = true;
  if (!options.named.empty()) {
    std::ifstream file(options.named);
    if (!file) return usage("can't read " + options.named);
    for (std::string line; std::getline(file, line);) {
      if (line.empty() || line[0] == '#') continue;
      std::istringstream words(line);
      std::uint64_t seed = 0;
      std::string name;
      words >> seed;
      std::getline(words, name);
      if (seed != 0)
        good = report(seed, run(seed, false, total), " (" + name.substr(name.find_first_not_of(' ')) + ")") && good;
    }
  }
  const auto start = std::chrono::steady_clock::now();
  const auto spent = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  if (options.minutes > 0 && !range) options.last = ~0ULL;
  std::uint64_t seeds = 0, failed = 0;
  for (std::uint64_t seed = options.first; seed <= options.last; ++seed) {
    if (options.minutes > 0 && spent() > options.minutes * 60) break;
    ++seeds;
    if (!report(seed, run(seed, false, total), "")) {
      good = false;
      if (++failed >= 20) break;
    }
  }
  std::printf(
      "%llu seeds in %.1f s, %llu failed; EventEstablished %zu, EventDiverted %zu, EventHeld %zu, EventPartyChanged "
      "%zu, EventPartyAdded %zu; takeovers %zu, with the former primary's knowledge %zu, calls in it %zu; calls taken "
      "up "
      "%zu; polls of a backup that knew all %zu; calls that outlived a Connector in the calm %zu; sessions resumed "
      "%zu, not %zu\n",
      static_cast<unsigned long long>(seeds), spent(), static_cast<unsigned long long>(failed), total.established,
      total.diverted, total.held, total.moved, total.added, total.takeovers, total.known_takeovers, total.kept,
      total.adopted, total.polls, total.recovered, total.resumed, total.not_resumed);
  // It would prove little if no call ever came to be.
  if (good && seeds >= 100 && options.minutes == 0 &&
      (total.established < seeds * 2 || total.held < seeds / 2 || total.takeovers < seeds / 2 ||
       total.known_takeovers < seeds / 4 || total.kept < seeds / 4 || total.recovered < seeds / 4 ||
       total.resumed < seeds)) {
    std::printf("too little happened\n");
    return 1;
  }
  return good ? 0 : 1;
}
