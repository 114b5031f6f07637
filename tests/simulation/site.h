// A contact centre in one process: T-Servers, Connectors, phones and clients, from one seed. What people do, and what
// breaks, is drawn at random; what must hold is checked.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "arbiter.h"
#include "connector.h"
#include "desk.h"
#include "network.h"
#include "phone.h"
#include "resuming_desk.h"
#include "server.h"

namespace tandem::simulation {

class Site {
 public:
  Site(std::uint64_t seed, bool traced);
  ~Site();

  // Storms, each followed by a calm in which everything must agree; then everybody hangs up, and nothing may be left.
  void run();
  const std::vector<std::string>& faults() const { return schedule_.faults(); }
  const Tally& tally() const { return tally_; }

 private:
  // people.cpp
  void act();
  void call_in();
  void phone_act();
  void enter();
  void refer();
  void make_call();
  void call_request();
  void party_request();
  void two_call_request();
  void agent_request();
  void data_request();
  void ask(const std::string& dn, tlib::Message message);
  std::string anywhere();
  Phone& any_phone() { return *phones_[random_.pick(phones_.size())]; }
  DialogPtr any_dialog();
  Connector& any_connector() { return *connectors_[random_.pick(connectors_.size())]; }
  Server* primary();
  bool pick_talk(tlib::Message& m);

  // faults.cpp
  void break_something();
  void heal();

  // recovery.cpp
  struct Expected;
  std::vector<Expected> established(const Connector& on);
  void expect_kept(const Expected& one);
  void lose_something();
  void lose(Process& one, Instant away);
  bool lose_a_connector(std::vector<Expected>& expected);
  bool lose_several();
  bool upgrade_servers();

  // checks.cpp
  void calm();
  void settle();
  void finish();
  std::vector<std::string> disagreements();
  void compare(const Server& server, std::vector<std::string>& out);
  void compare(const Server& server, tserver::LinkNo link, std::vector<std::string>& out);
  void compare_legs(Connector& connector, std::vector<std::string>& out);

  Random random_;
  Schedule schedule_;
  Network network_;
  Tally tally_;
  Book book_;
  Done done_;
  std::unique_ptr<Arbiter> arbiter_;
  std::vector<std::unique_ptr<Connector>> connectors_;
  std::vector<std::unique_ptr<Server>> servers_;
  std::vector<std::unique_ptr<Phone>> phones_;
  std::vector<std::unique_ptr<Desk>> desks_;
  std::unique_ptr<ResumingDesk> kept_desk_;  // everything above is known to it
  std::uint64_t breaks_one_in_ = 0;          // of how many steps; 0: never
};

}  // namespace tandem::simulation
