// Everything a T-Server knows, and the changes that keep its tables in step with each other.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "tserver/model/agent.h"
#include "tserver/model/awaited.h"
#include "tserver/model/call.h"
#include "tserver/model/client.h"
#include "tserver/model/cti_link.h"
#include "tserver/model/device.h"
#include "tserver/model/identity.h"
#include "tserver/model/tally.h"
#include "tserver/model/timer_hash.h"
#include "tserver/model/touched.h"
#include "tserver/model/virtual_queue.h"

namespace tandem::tserver {

// Which of a pair we are. A T-Server alone is primary.
enum class Role { Primary, Backup };

struct State {
  State(std::shared_ptr<const Settings> initial, Now start);

  std::shared_ptr<const Settings> settings;
  Identity identity;
  std::uint64_t started_ms;  // the process, wall clock
  Role role;
  std::uint64_t epoch = 0;  // of our role, or the last we had; 0: none was ever given
  std::unordered_map<ConnId, std::unique_ptr<Call>> calls;
  std::unordered_map<Dn, std::unique_ptr<Device>> devices;
  std::unordered_map<SessionId, std::unique_ptr<Client>> clients;
  std::vector<CtiLink> links;
  std::size_t links_up = 0;
  std::uint64_t event_sequence = 0;
  AgentTable agents;
  std::unordered_map<std::uint64_t, Awaited> awaited;  // by Awaited::key
  std::unordered_map<std::string, Reservation> reservations;
  VirtualQueues virtual_queues;
  Tally tally;
  bool device_freed = false;  // the last call left a device since somebody looked: one that drains may be done with it
  // ConnIDs of calls taken up from a former run, once they are over: they must not come to life again.
  std::unordered_set<ConnId> ended_adopted;
  PairReport pair;
  std::vector<Asker> switchover;  // wait to hear whether the role was given up
  std::uint64_t last_joined = 0;  // of Party::joined
  Touched touched;
  // When running timers end, of a T-Server that has a backup: which must know.
  std::unordered_map<TimerKey, Instant> deadlines;

  // Is this the ConnID of a call that was here and is over?
  bool is_over(ConnId id) const { return !calls.contains(id) && (identity.made(id) || ended_adopted.contains(id)); }

  // What they find is marked as touched.
  Call* call(ConnId id);
  Device* device(const Dn& dn);
  Client* client(SessionId session);
  CtiLink& link_of(const Call& call) { return links[call.link]; }

  // Is this Connector up, of the DN's pool, and ready to serve it? One that drains serves those it has calls with.
  bool serves(const CtiLink& link, const Device& device) const;
  // In service: its `register` flag is true and a Connector serves it (MMC-61). A Virtual Queue needs none (MMC-65).
  bool serviceable(const Device& device) const;
  // All calls, agents and requests under way are forgotten; clients, their registrations and links stay. New names are
  // different from those given so far.
  void begin_anew(Now now);
  bool draining() const;  // does any Connector?

  // A call on `link`; `known` and `uuid` are given for a call that had them before.
  Call& create_call(LinkNo link, ConversationNo conversation, ConnId known = {}, std::string uuid = {});
  Party& add_party(Call& call, Party party);
  void remove_party(Call& call, Party& party);
  // Another DN takes this party's place.
  void move_party(Call& call, Party& party, Device* device);
  // All parties of `from`, a call of the same link, go over to `into`, and `from` is gone. Nobody may be in both, and
  // its timers and its attempt must be dealt with already. Consultations made from it are consultations of `into` now.
  void merge_calls(Call& into, Call& from);
  // Another Connector has it now, under the same number.
  void move_call(Call& call, LinkNo to);
  // Where this party's leg takes part: this call first, then its DN's others with the same leg.
  std::vector<Call*> memberships(Call& call, const Party& party) const;
  // It may have changed, and with it its DNs and their agents.
  void touch(const Call& call);
  // The last step of a call: its parties and timers must be dealt with already.
  void remove_call(Call& call);

  Agent& add_agent(Device& device, const std::string& id);
  void remove_agent(Device& device);

  Registration& add_registration(Client& client, Device& device, tlib::TRegisterMode mode);
  void remove_registration(Client& client, Device& device);

  void resize_links();
};

}  // namespace tandem::tserver
