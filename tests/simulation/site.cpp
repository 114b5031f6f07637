#include "site.h"

namespace tandem::simulation {
namespace {

const std::vector<std::string> kExtensions{"alice", "bob", "carol", "dave", "erin", "frank"};
const std::vector<std::string> kOutside{"+1555", "+1666", "+1777"};
const std::vector<std::string> kRoutingPoints{"support", "sales"};

Server::Settings settings(std::size_t connectors, bool pair) {
  using namespace tserver;
  auto made = std::make_shared<tserver::Settings>();
  made->domains = {"t.test"};
  made->hot_standby = pair;
  for (std::size_t i = 0; i < connectors; ++i) made->links.push_back({"c" + std::to_string(i + 1), ""});
  made->no_answer_timeout = 15s;
  made->link_loss_timeout = 20s;
  made->takeover_timeout = 5s;
  for (const std::string& name : kExtensions) made->dns[Dn(name)] = {.dn = Dn(name)};
  for (const std::string& name : kRoutingPoints) made->dns[Dn(name)] = {.dn = Dn(name), .type = DnType::RoutingPoint};
  made->dns[Dn("sales")].default_dn = "support";
  made->default_dn = "carol";
  made->agents.options.wrap_up = WrapUp{4s};
  return made;
}

connector::CoreSettings core_settings(bool traced) {
  connector::CoreSettings made;
  made.session_expires_s = 120;
  made.keep_calls = true;
  made.log_from = traced ? LogLevel::Trace : static_cast<LogLevel>(100);
  return made;
}

}  // namespace

Site::Site(std::uint64_t seed, bool traced)
    : random_(seed * 0x9e3779b97f4a7c15ULL + 1),
      schedule_(traced),
      network_(schedule_, random_.pick(~0ULL), random_.one_in(3) ? Instant(40ms) : Instant(1ms),
               random_.one_in(2) ? Instant(800ms) : Instant{0}) {
  const bool pair = !random_.one_in(3);
  const std::size_t count = 1 + random_.pick(3);
  breaks_one_in_ = random_.one_in(5) ? 0 : 4 + random_.pick(25);
  if (pair) arbiter_ = std::make_unique<Arbiter>(network_, random_.one_in(2), 2s);
  for (std::size_t i = 0; i < count; ++i)
    connectors_.push_back(std::make_unique<Connector>(network_, "c" + std::to_string(i + 1), book_, random_.pick(~0ULL),
                                                      core_settings(traced)));
  const auto shared = settings(count, pair);
  for (std::size_t i = 0; i < (pair ? 2 : 1); ++i)
    servers_.push_back(std::make_unique<Server>(network_, "t" + std::to_string(i + 1), shared, arbiter_.get(),
                                                connectors_, tally_, done_));
  if (pair) {
    servers_[0]->pair_with(*servers_[1]);
    servers_[1]->pair_with(*servers_[0]);
  }
  for (const auto* names : {&kExtensions, &kOutside}) {
    for (const std::string& name : *names) {
      phones_.push_back(std::make_unique<Phone>(network_, name, random_.pick(~0ULL), names == &kOutside));
      book_.add(*phones_.back(), name);
    }
  }
  auto destinations = kExtensions;
  destinations.insert(destinations.end(), {"support", "+1666", "nobody"});
  desks_.push_back(std::make_unique<Desk>(network_, "rout", servers_, kRoutingPoints, random_.pick(~0ULL), true));
  desks_.back()->destinations(destinations);
  for (const char* name : {"dsk1", "dsk2"})
    desks_.push_back(std::make_unique<Desk>(network_, name, servers_, kExtensions, random_.pick(~0ULL), false));
  if (random_.one_in(2)) {  // clocks that nobody sets
    const auto wrong = [&] { return std::chrono::microseconds(random_.pick(6000000)) - 3s; };
    for (const auto& one : connectors_) one->set_clock(wrong());
    for (const auto& one : servers_) one->set_clock(wrong());
  }
  kept_desk_ = std::make_unique<ResumingDesk>(network_, "kept", servers_, kExtensions, done_, tally_);
  if (arbiter_) arbiter_->launch();
  for (const auto& one : connectors_) one->launch();
  for (const auto& one : servers_) one->launch();
  for (const auto& one : phones_) one->launch();
  for (const auto& one : desks_) one->launch();
  kept_desk_->launch();
}

Site::~Site() {
  schedule_.end();  // connections are held by what waits there and in their own pipes, and know the network
  network_.end();
}

void Site::run() {
  schedule_.run_for(3s);
  const auto storms = 1 + random_.pick(3);
  for (std::uint64_t storm = 0; storm < storms && faults().empty(); ++storm) {
    const auto steps = 30 + random_.pick(60);
    for (std::uint64_t step = 0; step < steps && faults().empty(); ++step) {
      act();
      if (breaks_one_in_ != 0 && random_.one_in(breaks_one_in_)) break_something();
      schedule_.run_for(random_.one_in(3) ? random_.up_to(3s) : random_.up_to(300ms));
    }
    if (faults().empty()) calm();
  }
  if (faults().empty()) finish();
}

}  // namespace tandem::simulation
