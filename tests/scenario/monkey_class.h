// The whole of a random run: clients, phones and Connectors around one machine, all from one seed. One class, since
// whatever one of them does depends on what the others did; its functions are split over files by who acts:
//   monkey.cpp (the mix, the end) · monkey_requests.cpp and monkey_calls.cpp (clients) · monkey_phones.cpp (phones and
//   trunks) · monkey_surroundings.cpp (links, time, configuration)
#pragma once

#include <array>
#include <random>
#include <string>
#include <vector>

#include "fake_connector.h"
#include "sequence_checker.h"
#include "tserver/model/kept.h"
#include "world.h"

namespace tandem::tserver::test {

extern const std::vector<std::string> kExtensions, kRoutingPoints, kNumbers;
inline constexpr SessionId kWall{kFirstKeptSession};
inline constexpr char kQueue[] = "queue";                   // a Virtual Queue
inline constexpr char kConference[] = "sip:conf01@t.test";  // what conferences are called by
Settings random_switch(bool pair);

class Monkey {
 public:
  Monkey(std::uint32_t seed, bool pair);
  void act();
  // Everybody hangs up, Connectors that are away are given up; then it must be quiet.
  void finish();
  std::vector<std::string> faults();
  std::string story() const;
  std::size_t calls_seen() const { return calls_seen_; }
  std::size_t routed() const { return routed_; }
  std::size_t seen(tlib::MessageType type) const { return seen_[type]; }
  std::size_t takeovers() const { return takeovers_; }
  std::size_t in_lobbies() const { return in_lobbies_; }

 private:
  // --- Chance ---
  std::uint32_t pick(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }
  bool one_in(std::uint32_t n) { return pick(n) == 0; }
  const std::string& any(const std::vector<std::string>& names) {
    return names[pick(static_cast<std::uint32_t>(names.size()))];
  }
  std::string anywhere();
  SessionId any_client();
  // Most often somebody who may ask for that DN.
  SessionId client_of(const std::string& dn);
  LinkNo any_link() { return pick(3); }

  // --- Inputs, and what came of them ---
  void saw(const Effects& effects);
  void step(Input input) { saw(world_.handle(std::move(input))); }
  void advance(Instant by) {
    world_.advance(by, [&](const Effects& effects) { saw(effects); });
  }
  template <class Fill>
  void request(SessionId session, tlib::MessageType type, Fill fill) {
    tlib::Message message;
    message.set_type(type);
    message.set_referenceid(++reference_);
    fill(message);
    step(ClientRequest{session, std::move(message)});
  }
  template <class Fill>
  void happen(LinkNo no, std::uint64_t conversation, std::uint64_t party, Fill fill) {
    link::Happening happening;
    happening.set_conversation(conversation);
    happening.set_party(party);
    fill(happening);
    connectors_[no].apply(happening);
    remember(no, conversation, party);
    if (world_.state().links[no].up) step(Happened{no, happening});  // else nobody hears it
  }
  void remember(LinkNo no, std::uint64_t conversation, std::uint64_t party);

  // --- Clients: sessions, agents, data, small requests ---
  void open_or_close();
  void registration();
  void data_request();
  void agent_request();
  void small_request();
  void queue_request();
  void conference_request();
  void odd_request();
  void add_data(tlib::Message& m);

  // --- Clients: calls ---
  // Most often a call and a DN that is in it.
  void about_a_call(tlib::Message& m);
  // Most often a DN of ours and a call in which it talks.
  void about_a_talk(tlib::Message& m);
  void call_request();
  void treatment(tlib::Message& m);
  // Hold, consult, transfer, conference: what a party of one call may ask for.
  void party_request();
  void two_call_request();
  void make_call();
  void calling(tlib::Message& m);

  // --- Phones and trunks ---
  void offer();
  // Somebody comes in for a call there is: by Replaces, or by conference URI.
  void enter();
  // A phone transfers, blind or with another call of its own.
  void refer();
  void random_what(link::Happening& h);
  // What can happen to a leg that is there.
  void phone_happening();
  void treatment_happening(link::Happening& h, std::uint64_t command);
  // Anything about anybody, long gone or never there.
  void late_happening();
  // A conference was given its address, or has it no more.
  void conference_happening();

  // --- What surrounds them ---
  // The wall is registered on every DN, so that it hears every event of every call.
  void watch_everything();
  void pass_time();
  void lose_or_find_link();
  void link_up(LinkNo no, bool anew);
  // The primary dies between two inputs, the other goes on.
  void take_over();
  // Agents whose client ended with its T-Server: nobody logs them out.
  void log_out_orphans();
  // Conversations a former T-Server left behind, some of them nonsense.
  void add_strangers(link::Snapshot& snapshot, LinkNo no);
  void change_settings();

  struct Old {
    LinkNo link;
    std::uint64_t conversation, party;
  };

  std::mt19937 random_;
  const bool pair_;
  Settings settings_;
  World world_;
  std::vector<FakeConnector> connectors_;
  SequenceChecker checker_;
  std::vector<SessionId> clients_;
  std::vector<Old> history_;
  std::array<std::uint64_t, 3> incarnations_{};
  std::uint64_t ids_ = 0;
  std::uint64_t sessions_ = kFirstKeptSession, passing_ = 1;
  std::int32_t reference_ = 0;
  std::size_t calls_seen_ = 0, routed_ = 0, in_lobbies_ = 0, takeovers_ = 0;
  std::array<std::size_t, 256> seen_{};  // events by type
};

}  // namespace tandem::tserver::test
