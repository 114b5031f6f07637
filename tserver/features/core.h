// What every handler works with while one input is handled: the state, the time, and ways to leave effects.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "tserver/model/events.h"
#include "tserver/model/state.h"
#include "tserver/model/timer_kinds.h"

namespace tandem::tserver {

// Why a request is not carried out: becomes EventError.
struct Refusal {
  tlib::TErrorCode code = tlib::TERR_UNKNOWN_ERROR;
  std::string text;
};

[[noreturn]] inline void throw_exception_from_error(const Refusal& refusal, const boost::source_location&) {
  throw std::logic_error("unchecked result: " + refusal.text);
}

struct Table;

class Core {
 public:
  Core(State& state_in, const Table& table_in, Now now_in, Effects& out)
      : state(state_in), table(table_in), now(now_in), out_(out) {}
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  State& state;
  const Table& table;
  const Now now;

  const Settings& settings() const { return *state.settings; }
  // Whose dial plan counts for a call: that of its Connector's pool.
  std::string_view pool_of(const Call& call) const { return state.links[call.link].pool; }

  // --- Events ---

  // An event of a call as `party` is told it, to the clients on its DN whose mask lets it through. Nothing is built if
  // there are none. The asker, if any, is answered by it: it gets it whatever its mask, with its ReferenceID.
  void tell(const Call& call, const Party& party, tlib::MessageType type, const Details& details = {},
            Asker asker = {});
  // The same, to those only who can't have heard it from the T-Server that we took over from.
  void tell_newcomers(const Call& call, const Party& party, tlib::MessageType type);
  // An event about a DN, to the clients registered on it; the asker as above.
  void tell(const Device& device, Event event, Asker asker = {});
  // An event to every open client.
  void tell_all(Event event);
  // An event to the asker alone.
  void answer(Asker asker, Event event);
  // EventError to the asker alone.
  void refuse(Asker asker, const Refusal& refusal, std::string_view this_dn, const Call* call,
              std::uint64_t conn_id = 0);

  // A request that is answered later counts as outstanding between these two.
  void hold(Asker asker);
  void settle(Asker asker);

  // --- Orders; nothing is sent on a link that is down, and a backup orders nothing ---

  template <class Fill>
  void order(CtiLink& link, ConversationNo conversation, PartyNo party, Fill fill) {
    if (!link.up || state.role == Role::Backup) return;
    auto& order = std::get<Order>(out_.emplace_back(std::in_place_type<Order>));
    order.link = link.no;
    order.command.set_id(++link.last_command);
    order.command.set_conversation(conversation.value);
    order.command.set_party(party.value);
    fill(order.command);
  }
  template <class Fill>
  void order(const Call& call, PartyNo party, Fill fill) {
    state.touch(call);
    order(state.link_of(call), call.conversation, party, fill);
  }
  void admit(const Call& call, const Party& party, link::Admit::Mode mode);
  void reject(const Call& call, const Party& party, std::uint32_t status);
  // Takes the party out of this conversation; `status` answers a caller who was not answered yet.
  void remove(const Call& call, PartyNo party, std::uint32_t status = 0);

  // --- Waits ---

  TimerKey set_timer(TimerKind kind, std::uint64_t subject, std::uint32_t generation, Instant delay);
  void cancel_timer(std::optional<TimerKey>& key);
  // One that another T-Server had set.
  void restore_timer(const TimerKey& key, Instant at);
  // What waits for this timer may have changed.
  void touch(const TimerKey& key);
  void cancel_all_timers() { out_.emplace_back(CancelAllTimers{}); }
  void give_up_role(std::string why, bool force) { out_.emplace_back(GiveUpRole{std::move(why), force}); }

  // --- Log ---

  void log(LogLevel level, std::string text) { out_.emplace_back(LogLine{level, std::move(text)}); }
  // One line about a call: ConnID, the caller's Call-ID, the DN concerned, what happened.
  void log(LogLevel level, const Call& call, std::string_view dn, std::string_view text);

  void close(SessionId session, std::string why) { out_.emplace_back(CloseClient{session, std::move(why)}); }

 private:
  // Numbers the event: EventSequenceNumber rises by one per event that somebody gets.
  void deliver(Event event, std::vector<SessionId> to, Asker asker);

  Effects& out_;
};

}  // namespace tandem::tserver
