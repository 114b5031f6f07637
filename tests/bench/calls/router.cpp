// bench_router: the routing application of the call benchmark. Answers each EventRouteRequest of a routing point at
// once with RequestRouteCall to agents in turn, and writes when what happened to each call, by the wall clock, at the
// end.
#include <algorithm>
#include <boost/program_options.hpp>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/base/ids.h"
#include "common/net/loop.h"
#include "tserver/client/client.h"
#include "tserver/client/connect.h"

namespace {

using namespace tandem;
namespace po = boost::program_options;
using Micros = std::chrono::microseconds;

// "sip:a{0..99}@tandem.test" stands for a hundred names.
std::optional<std::vector<std::string>> names(const std::string& pattern) {
  const auto open = pattern.find('{');
  if (open == std::string::npos) return std::vector<std::string>{pattern};
  const auto close = pattern.find('}', open);
  const auto dots = pattern.find("..", open);
  if (close == std::string::npos || dots == std::string::npos || dots > close) return std::nullopt;
  unsigned first = 0, last = 0;
  const auto number = [&](std::size_t from, std::size_t to, unsigned& value) {
    const auto [end, error] = std::from_chars(pattern.data() + from, pattern.data() + to, value);
    return error == std::errc{} && end == pattern.data() + to;
  };
  if (!number(open + 1, dots, first) || !number(dots + 2, close, last) || last < first || last - first > 100000) {
    return std::nullopt;
  }
  std::vector<std::string> all;
  for (unsigned i = first; i <= last; ++i) {
    all.push_back(pattern.substr(0, open) + std::to_string(i) + pattern.substr(close + 1));
  }
  return all;
}

struct Call {
  ConnId id;
  std::string caller;
  std::uint32_t agent = 0;
  Micros requested{0}, routed{0}, used{0}, established{0}, released{0};
};

struct Settings {
  client::ClientOptions client;
  std::string point;
  std::vector<std::string> agents;
  bool watch = false;  // register the agents too, to see calls established and released
  std::string csv;
};

class Router {
 public:
  Router(net::EventLoop& loop, Settings settings)
      : loop_(loop),
        settings_(std::move(settings)),
        client_(
            loop, settings_.client, [this](const tlib::Message& event) { on_event(event); },
            [](const std::string& line) { std::cerr << "bench_router: " << line << std::endl; }) {
    calls_.reserve(100000);
    route_.set_type(tlib::RequestRouteCall);
    route_.set_thisdn(settings_.point);
    client_.open();
  }

  void write() const {
    std::cout << "requests " << calls_.size() << ", used " << used_ << ", errors " << errors_ << ", established "
              << established_ << ", released " << released_ << std::endl;
    if (settings_.csv.empty()) return;
    std::ofstream out(settings_.csv);
    out << "ConnID,ANI,Agent,RouteRequest,RouteCall,RouteUsed,Established,Released\n";
    for (const Call& call : calls_) {
      out << to_string(call.id) << ',' << call.caller << ',' << settings_.agents[call.agent];
      for (const Micros at : {call.requested, call.routed, call.used, call.established, call.released}) {
        out << ',';
        if (at.count() == 0) continue;
        const std::string digits = std::to_string(at.count());
        out << digits.substr(0, digits.size() - 6) << '.' << digits.substr(digits.size() - 6);
      }
      out << '\n';
    }
  }

 private:
  void on_event(const tlib::Message& event) {
    switch (event.type()) {
      case tlib::EventServerConnected:
        return register_all();
      case tlib::EventRegistered:
        if (--registering_ == 0) std::cout << "ready" << std::endl;
        return;
      case tlib::EventRouteRequest:
        return route(event);
      case tlib::EventRouteUsed:
        return note(event, &Call::used, used_);
      case tlib::EventEstablished:
        return note(event, &Call::established, established_);
      case tlib::EventReleased:
        return note(event, &Call::released, released_);
      case tlib::EventError:
        if (++errors_ <= 10)
          std::cerr << "EventError " << event.errorcode() << " " << event.errormessage() << std::endl;
        return;
      case tlib::EventServerDisconnected:
        std::cerr << "connection lost: " << event.errormessage() << std::endl;
        return;
      default:
        return;
    }
  }

  void register_all() {
    registering_ = 0;
    register_dn(settings_.point);
    if (settings_.watch) std::ranges::for_each(settings_.agents, [this](const auto& agent) { register_dn(agent); });
  }
  void register_dn(const std::string& dn) {
    tlib::Message request;
    request.set_type(tlib::RequestRegisterAddress);
    request.set_thisdn(dn);
    client_.send(request);
    ++registering_;
  }

  void route(const tlib::Message& event) {
    const Micros requested = loop_.now().wall;
    const ConnId id{event.connid()};
    const auto agent = next_agent_;
    next_agent_ = (next_agent_ + 1) % static_cast<std::uint32_t>(settings_.agents.size());
    route_.set_connid(id.value);
    route_.set_otherdn(settings_.agents[agent]);
    route_.clear_referenceid();
    client_.send(route_);
    index_[id] = calls_.size();
    calls_.push_back({id, event.has_ani() ? event.ani() : event.otherdn(), agent, requested, loop_.now().wall});
  }

  void note(const tlib::Message& event, Micros Call::*at, std::uint64_t& count) {
    const auto found = index_.find(ConnId{event.connid()});
    if (found == index_.end()) return;
    calls_[found->second].*at = loop_.now().wall;
    ++count;
    const bool last = settings_.watch ? at == &Call::released : at == &Call::used;
    if (last) index_.erase(found);
  }

  net::EventLoop& loop_;
  const Settings settings_;
  client::Client client_;
  tlib::Message route_;  // reused
  std::vector<Call> calls_;
  std::unordered_map<ConnId, std::size_t> index_;  // calls that more is expected of
  std::size_t registering_ = 0;
  std::uint32_t next_agent_ = 0;
  std::uint64_t used_ = 0, errors_ = 0, established_ = 0, released_ = 0;
};

// Exit code 2: wrong usage.
std::optional<Settings> read_arguments(int argc, char** argv) {
  Settings settings;
  client::TlsFiles tls;
  std::string connect, agents;
  po::options_description all("bench_router");
  all.add_options()("connect", po::value(&connect)->required(), "HOST:PORT[,HOST:PORT]")(
      "routing-point", po::value(&settings.point)->required(), "DN whose calls are routed")(
      "agents", po::value(&agents)->required(), "destinations: sip:a{0..99}@tandem.test")(
      "watch-agents", po::bool_switch(&settings.watch), "register them too, to see calls established and released")(
      "csv", po::value(&settings.csv), "file for one row a call")("tls", po::bool_switch(&tls.on), "")(
      "ca", po::value(&tls.ca), "")("cert", po::value(&tls.certificate), "")("key", po::value(&tls.key), "");
  try {
    po::variables_map given;
    po::store(po::command_line_parser(argc, argv).options(all).positional({}).run(), given);
    po::notify(given);
  } catch (const po::error& error) {
    std::cerr << "bench_router: " << error.what() << "\n" << all;
    return std::nullopt;
  }
  auto servers = client::parse_servers(connect);
  auto destinations = names(agents);
  if (!servers || !destinations) {
    std::cerr << "bench_router: " << (servers ? "--agents: expected text{first..last}text" : servers.error().text)
              << "\n";
    return std::nullopt;
  }
  auto context = client::tls_context(tls);
  if (!context) throw std::runtime_error(context.error().text);
  settings.client.servers = std::move(*servers);
  settings.client.tls = std::move(*context);
  settings.client.application = "bench_router";
  settings.agents = std::move(*destinations);
  return settings;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    auto settings = read_arguments(argc, argv);
    if (!settings) return 2;
    net::EventLoop loop;
    Router router(loop, std::move(*settings));
    for (const int signal : {SIGINT, SIGTERM}) loop.on_signal(signal, [&loop] { loop.stop(); });
    loop.run();
    router.write();
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "bench_router: " << error.what() << "\n";
    return 1;
  }
}
