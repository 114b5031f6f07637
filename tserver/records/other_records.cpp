#include "tserver/records/other_records.h"

#include <algorithm>

namespace tandem::tserver {
namespace {

// A member that is added belongs into the record, or is derived from it: then correct the number.
static_assert(sizeof(CtiLink) == 864 && sizeof(Awaited) == 136 && sizeof(Reservation) == 16);

// Commands of one primary to one Connector; Awaited::key has place for 48 bits.
constexpr std::uint64_t kCommands = std::uint64_t{1} << 32;
constexpr std::uint64_t kCommandsEnd = std::uint64_t{1} << 48;

CtiLink* find_link(State& state, const std::string& name) {
  const auto it =
      std::find_if(state.links.begin(), state.links.end(), [&](const CtiLink& l) { return l.name == name; });
  return it == state.links.end() ? nullptr : &*it;
}

}  // namespace

void write_counters(const State& state, sync::Counters& to) {
  to.clear_ranges();
  for (const Identity::Range& range : state.identity.ranges()) {
    sync::Counters::Range& one = *to.add_ranges();
    one.set_first_conn(range.first_conn);
    one.set_last_conn(range.last_conn);
    one.set_first_link(range.first_link);
    one.set_last_link(range.last_link);
  }
  to.set_call_id(state.identity.last_call_id());
  to.set_event_sequence(state.event_sequence);
  to.set_agent_session(state.agents.last_session);
  to.set_joined(state.last_joined);
}

void read_counters(State& state, const sync::Counters& from) {
  std::vector<Identity::Range> ranges;
  for (const sync::Counters::Range& range : from.ranges())
    ranges.push_back({range.first_conn(), range.last_conn(), range.first_link(), range.last_link()});
  state.identity.follow(std::move(ranges), from.call_id());
  state.event_sequence = std::max<std::uint64_t>(state.event_sequence, from.event_sequence());
  state.agents.last_session = std::max<std::uint64_t>(state.agents.last_session, from.agent_session());
  state.last_joined = std::max<std::uint64_t>(state.last_joined, from.joined());
}

void write_link(const Writing& writing, const State& state, const CtiLink& link, sync::Link& to) {
  to.set_name(link.name);
  to.set_incarnation(link.incarnation);
  to.set_application(link.application);
  writing.timer(link.loss_timer, [&] { return to.mutable_loss(); });
  writing.timer(link.takeover_timer, [&] { return to.mutable_takeover(); });
  to.set_generation(link.generation);
  to.set_first_command(link.first_command);
  for (const ConversationNo no : link.given_up) to.add_given_up(no.value);
  std::sort(to.mutable_given_up()->begin(), to.mutable_given_up()->end());
  if (link.taken_by) to.set_taken_by(state.links[*link.taken_by].name);
  for (const ConversationNo no : link.moved) to.add_moved(no.value);
  std::sort(to.mutable_moved()->begin(), to.mutable_moved()->end());
}

void read_link(Reading& reading, State& state, const sync::Link& from) {
  CtiLink* link = find_link(state, from.name());
  if (link == nullptr) return;
  // The calls are those of the Connector's run that the primary knew.
  link->incarnation = from.incarnation();
  link->application = from.application();
  // What the Connector was asked since the last record came isn't known: none of its answers is taken for one to us.
  link->first_command = link->last_command = (from.first_command() + kCommands) % kCommandsEnd;
  link->generation = std::max(link->generation, from.generation());
  for (const std::uint64_t no : from.given_up()) link->given_up.insert(ConversationNo{no});
  for (const std::uint64_t no : from.moved()) link->moved.insert(ConversationNo{no});
  if (const CtiLink* other = find_link(state, from.taken_by())) link->taken_by = other->no;
  const auto again = [&](const sync::Timer& timer) {
    const TimerKey key{timer.kind(), timer.generation(), link->no};
    reading.timers.push_back({key, reading.clock.steady(timer.at())});
    return key;
  };
  if (from.has_loss()) link->loss_timer = again(from.loss());
  if (from.has_takeover()) link->takeover_timer = again(from.takeover());
}

void write_awaited(const Writing& writing, const State& state, const Awaited& awaited, sync::Awaited& to) {
  to.set_kind(static_cast<std::uint32_t>(awaited.kind));
  put_asker(awaited.asker, [&] { return to.mutable_asker(); });
  to.set_call(awaited.call.value);
  to.set_party(awaited.party.value);
  to.set_link(state.links[awaited.link].name);
  to.set_command(awaited.command);
  to.set_this_dn(awaited.this_dn);
  to.set_digits(awaited.digits);
  writing.timer(awaited.timer, [&] { return to.mutable_timer(); });
}

void read_awaited(Reading& reading, State& state, const sync::Awaited& from) {
  const CtiLink* link = find_link(state, from.link());
  if (link == nullptr || !in(from.kind(), Awaited::Kind::Pickup)) return;
  Awaited awaited;
  awaited.kind = static_cast<Awaited::Kind>(from.kind());
  awaited.asker = to_asker(from.asker());
  awaited.call = ConnId{from.call()};
  awaited.party = PartyNo{from.party()};
  awaited.link = link->no;
  awaited.command = from.command();
  awaited.this_dn = from.this_dn();
  awaited.digits = from.digits();
  const std::uint64_t key = Awaited::key(awaited.link, awaited.command);
  awaited.timer = TimerKey{from.timer().kind(), from.timer().generation(), key};
  reading.timers.push_back({awaited.timer, reading.clock.steady(from.timer().at())});
  state.awaited.emplace(key, std::move(awaited));
}

void write_reservation(const Writing& writing, const std::string& key, const Reservation& reservation,
                       sync::Reservation& to) {
  to.set_key(key);
  to.set_session(reservation.session.value);
  to.set_until(writing.clock.wall(reservation.until));
}

void read_reservation(Reading& reading, State& state, const sync::Reservation& from) {
  state.reservations[from.key()] = {SessionId{from.session()}, reading.clock.steady(from.until())};
}

}  // namespace tandem::tserver
