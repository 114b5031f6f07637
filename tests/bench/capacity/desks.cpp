// bench_desks: a contact centre's T-Library clients for the capacity benchmark. One session for each agent, logged in
// and Ready, and one routing application that gives each agent one call. When `calls` calls are up, each agent's
// desktop updates user data of its call `updates` times, one every `interval`; then it releases the call. Prints
// latencies of the answers: EventAttachedDataChanged with the desktop's own ReferenceID.
#include <algorithm>
#include <boost/program_options.hpp>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/net/loop.h"
#include "tserver/client/client.h"
#include "tserver/client/connect.h"

namespace {

using namespace tandem;
namespace po = boost::program_options;

struct Plan {
  client::ClientOptions client;
  std::string point;
  std::string domain;
  int agents = 2000;
  int calls = 1200;
  int updates = 100;
  std::chrono::milliseconds interval{1000};
};

std::string name_of(int agent, const Plan& plan) {
  return "sip:a" + std::to_string(agent) + "@" + plan.domain;
}

void print_latencies(const char* what, std::vector<double>& ms) {
  std::sort(ms.begin(), ms.end());
  const auto at = [&](double q) {
    return ms.empty() ? 0.0 : ms[std::min(ms.size() - 1, static_cast<std::size_t>(q * static_cast<double>(ms.size())))];
  };
  std::printf("%s, ms: p50 %.2f, p90 %.2f, p99 %.2f, p99.9 %.2f, longest %.2f (n=%zu)\n", what, at(0.5), at(0.9),
              at(0.99), at(0.999), at(1.0), ms.size());
}

class Centre;

// One agent's desktop.
class Desk {
 public:
  Desk(net::EventLoop& loop, Centre& centre, const Plan& plan, int no);
  void open() { client_.open(); }
  void begin_updates(Instant first);

 private:
  void on_event(const tlib::Message& event);
  void update();
  void request(tlib::MessageType type, std::uint64_t conn_id = 0);

  net::EventLoop& loop_;
  Centre& centre_;
  const Plan& plan_;
  const int no_;
  const std::string dn_;
  client::Client client_;
  net::Timer timer_;
  std::uint64_t call_ = 0;
  int updates_ = 0;
  std::int32_t owed_ = 0;
  Instant sent_{0};
};

// All desktops and the routing application.
class Centre {
 public:
  Centre(net::EventLoop& loop, const Plan& plan)
      : loop_(loop), plan_(plan), router_(loop, plan.client, [this](const tlib::Message& e) { on_event(e); }) {
    for (int i = 0; i < plan_.agents; ++i) desks_.push_back(std::make_unique<Desk>(loop_, *this, plan_, i));
    began_ = loop_.steady();
    open_some();
  }

  void logged_in() {
    if (++logged_in_ < plan_.agents) return;
    std::printf("%d agents logged in, %.1f s\n", logged_in_, seconds(loop_.steady() - began_));
    router_.open();
  }
  void established() {
    if (++established_ < plan_.calls) return;
    std::printf("%d calls up, %.1f s\n", established_, seconds(loop_.steady() - routing_));
    std::fflush(stdout);
    updating_ = loop_.steady();
    int n = 0;
    for (const auto& desk : desks_)  // spread over one interval
      desk->begin_updates(plan_.interval * (n++ % plan_.calls) / plan_.calls);
  }
  void answered(Instant took) { latencies_.push_back(seconds(took) * 1000); }
  void updates_done() {
    if (++updated_ == plan_.calls)
      std::printf("updates done: %zu in %.1f s\n", latencies_.size(), seconds(loop_.steady() - updating_));
  }
  void released() {
    if (++released_ == established_) loop_.stop();
  }
  void failed(const tlib::Message& event) {
    if (++errors_ <= 10) std::cerr << "EventError " << event.errorcode() << " " << event.errormessage() << std::endl;
  }

  bool report() {
    print_latencies("EventAttachedDataChanged", latencies_);
    std::printf("agents %d, calls %d, released %d, errors %d\n", logged_in_, established_, released_, errors_);
    return errors_ == 0 && released_ == plan_.calls &&
           latencies_.size() == static_cast<std::size_t>(plan_.calls) * static_cast<std::size_t>(plan_.updates);
  }

 private:
  static double seconds(Instant time) { return std::chrono::duration<double>(time).count(); }

  // A hundred sessions a turn: a thousand TLS handshakes at once would only test the listen queue.
  void open_some() {
    for (int i = 0; i < 100 && opened_ < plan_.agents; ++i) desks_[static_cast<std::size_t>(opened_++)]->open();
    if (opened_ < plan_.agents) opening_.start_in(std::chrono::milliseconds(200), [this] { open_some(); });
  }

  void on_event(const tlib::Message& event) {
    if (event.type() == tlib::EventServerConnected) {
      tlib::Message request;
      request.set_type(tlib::RequestRegisterAddress);
      request.set_thisdn(plan_.point);
      router_.send(request);
    } else if (event.type() == tlib::EventRegistered) {
      routing_ = loop_.steady();
      std::cout << "ready" << std::endl;
    } else if (event.type() == tlib::EventRouteRequest) {
      tlib::Message request;
      request.set_type(tlib::RequestRouteCall);
      request.set_thisdn(plan_.point);
      request.set_connid(event.connid());
      request.set_otherdn(name_of(next_++ % plan_.agents, plan_));
      router_.send(request);
    } else if (event.type() == tlib::EventError) {
      failed(event);
    }
  }

  net::EventLoop& loop_;
  const Plan& plan_;
  client::Client router_;
  std::vector<std::unique_ptr<Desk>> desks_;
  net::Timer opening_{loop_};
  std::vector<double> latencies_;
  Instant began_{0}, routing_{0}, updating_{0};
  int opened_ = 0, logged_in_ = 0, next_ = 0, established_ = 0, updated_ = 0, released_ = 0, errors_ = 0;
};

Desk::Desk(net::EventLoop& loop, Centre& centre, const Plan& plan, int no)
    : loop_(loop),
      centre_(centre),
      plan_(plan),
      no_(no),
      dn_(name_of(no, plan)),
      client_(loop, plan.client, [this](const tlib::Message& event) { on_event(event); }),
      timer_(loop) {}

void Desk::request(tlib::MessageType type, std::uint64_t conn_id) {
  tlib::Message message;
  message.set_type(type);
  message.set_thisdn(dn_);
  if (conn_id != 0) message.set_connid(conn_id);
  if (type == tlib::RequestAgentLogin) {
    message.set_agentid(std::to_string(10000 + no_));
    message.set_agentworkmode(tlib::AgentWorkModeAutoIn);
  } else if (type == tlib::RequestUpdateUserData) {
    for (const char* key : {"customer", "case", "step"}) {
      tlib::KVPair& pair = *message.mutable_userdata()->add_pairs();
      pair.set_key(key);
      pair.set_str(std::to_string(no_ * 1000 + updates_));
    }
  }
  owed_ = client_.send(message);
}

void Desk::begin_updates(Instant first) {
  if (call_ != 0) timer_.start_in(first, [this] { update(); });
}

void Desk::update() {
  sent_ = loop_.steady();
  request(tlib::RequestUpdateUserData, call_);
}

void Desk::on_event(const tlib::Message& event) {
  switch (event.type()) {
    case tlib::EventServerConnected:
      return request(tlib::RequestRegisterAddress);
    case tlib::EventRegistered:
      return request(tlib::RequestAgentLogin);
    case tlib::EventAgentReady:
      if (call_ == 0 && updates_ == 0) centre_.logged_in();
      return;
    case tlib::EventEstablished:
      call_ = event.connid();
      return centre_.established();
    case tlib::EventAttachedDataChanged:
      if (event.referenceid() != owed_) return;
      centre_.answered(loop_.steady() - sent_);
      if (++updates_ < plan_.updates) {
        timer_.start(sent_ + plan_.interval, [this] { update(); });
      } else {
        centre_.updates_done();
        request(tlib::RequestReleaseCall, call_);
      }
      return;
    case tlib::EventReleased:
      return centre_.released();
    case tlib::EventError:
      return centre_.failed(event);
    default:
      return;
  }
}

// Exit code 2: wrong usage.
std::optional<Plan> read_arguments(int argc, char** argv) {
  Plan plan;
  client::TlsFiles tls;
  std::string connect;
  int interval = 1000;
  po::options_description all("bench_desks");
  all.add_options()("connect", po::value(&connect)->required(), "HOST:PORT[,HOST:PORT]")(
      "routing-point", po::value(&plan.point)->required(), "DN whose calls are routed")(
      "domain", po::value(&plan.domain)->default_value("tandem.test"), "of the agents sip:aN@domain")(
      "agents", po::value(&plan.agents)->default_value(2000), "")(
      "calls", po::value(&plan.calls)->default_value(1200), "")("updates", po::value(&plan.updates)->default_value(100),
                                                                "of user data, each call")(
      "interval", po::value(&interval)->default_value(1000), "milliseconds from one update of a call to the next")(
      "tls", po::bool_switch(&tls.on), "")("ca", po::value(&tls.ca), "")("cert", po::value(&tls.certificate), "")(
      "key", po::value(&tls.key), "");
  try {
    po::variables_map given;
    po::store(po::command_line_parser(argc, argv).options(all).positional({}).run(), given);
    po::notify(given);
  } catch (const po::error& error) {
    std::cerr << "bench_desks: " << error.what() << "\n" << all;
    return std::nullopt;
  }
  auto servers = client::parse_servers(connect);
  if (!servers) {
    std::cerr << "bench_desks: " << servers.error().text << "\n";
    return std::nullopt;
  }
  auto context = client::tls_context(tls);
  if (!context) throw std::runtime_error(context.error().text);
  plan.client.servers = std::move(*servers);
  plan.client.tls = std::move(*context);
  plan.client.application = "desk";
  plan.client.open_timeout = std::chrono::seconds(30);
  plan.interval = std::chrono::milliseconds(interval);
  return plan;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    auto plan = read_arguments(argc, argv);
    if (!plan) return 2;
    net::EventLoop loop;
    Centre centre(loop, *plan);
    for (const int signal : {SIGINT, SIGTERM}) loop.on_signal(signal, [&loop] { loop.stop(); });
    loop.run();
    return centre.report() ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << "bench_desks: " << error.what() << "\n";
    return 1;
  }
}
