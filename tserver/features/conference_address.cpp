#include "tserver/features/conference_address.h"

#include "tserver/features/checks.h"
#include "tserver/features/features.h"
#include "tserver/features/lobby.h"
#include "tserver/features/routing_point.h"
#include "tserver/model/kv.h"

namespace tandem::tserver {
namespace {

constexpr char kLocked[] = "ConferenceLocked";
constexpr char kLobby[] = "ConferenceLobby";
constexpr std::size_t kMembers = 3;  // as many make a conference

void order_conference(Core& core, Call& call) {
  ConferenceAddress& address = call.conference_address;
  address.asked = true;
  core.order(call, {}, [&](link::Command& command) {
    link::Conference& conference = *command.mutable_conference();
    conference.set_open(true);
    conference.set_locked(address.locked);
    conference.set_lobby(address.lobby);
  });
  address.order = core.state.link_of(call).last_command;
}

void on_conference_changed(Core& core, CtiLink& link, const link::Happening& happening) {
  Call* call = find_call(link, happening);
  if (call == nullptr) return;
  const link::ConferenceChanged& changed = happening.conference_changed();
  ConferenceAddress& address = call->conference_address;
  // What is said of an address the call gave up when it was merged.
  if (ConversationNo{happening.conversation()} != call->conversation) return;
  if (address.uri != changed.uri())
    core.log(LogLevel::Interaction, *call, "",
             changed.uri().empty() ? "has no conference address any more" : "can be entered at " + changed.uri());
  address.uri = changed.uri();
  // An answer to an order given before the last one says what holds no more.
  if (happening.command() != 0 && happening.command() < address.order) return;
  address.locked = changed.locked();
  address.lobby = changed.lobby();
}

// One of both extensions; none if it isn't given.
Result<std::optional<bool>, Refusal> flag(const tlib::Message& message, const char* key) {
  if (kv_find(message.extensions(), key) == nullptr) return std::optional<bool>();
  const auto value = kv_integer(message.extensions(), key);
  if (value != 0 && value != 1)
    return refusal(tlib::TERR_INVALID_ATTR, std::string("extension ") + key + " is neither 0 nor 1");
  return std::optional<bool>(*value == 1);
}

}  // namespace

void offer_conference_address(Core& core, Call& call) {
  const CtiLink& link = core.state.link_of(call);
  if (call.conference_address.asked || !link.up || !core.settings().conference_pools.contains(link.pool)) return;
  if (!call.conference() || call.settled() < kMembers) return;
  order_conference(core, call);
}

void move_conference_address(Call& from, Call& to) {
  if (!to.conference_address.asked) to.conference_address = std::move(from.conference_address);
  from.conference_address = {};
}

void recover_conference_address(Core& core, Call& call, const link::Conversation& conversation) {
  ConferenceAddress& address = call.conference_address;
  address.uri = conversation.conference_uri();
  address.asked = !address.uri.empty();
  // A lock whose order was lost with the link.
  if (address.asked && (address.locked || address.lobby)) order_conference(core, call);
  offer_conference_address(core, call);
}

bool conference_address_failed(Core& core, const Call& call, const link::Happening& happening) {
  const ConferenceAddress& address = call.conference_address;
  if (!address.asked || happening.command() == 0 || happening.command() != address.order) return false;
  core.log(LogLevel::Interaction, call, "", "has no conference address: " + happening.command_failed().text());
  return true;
}

bool asks_for_conference(const tlib::Message& message) {
  return kv_find(message.extensions(), kLocked) != nullptr || kv_find(message.extensions(), kLobby) != nullptr;
}

std::optional<Refusal> change_conference(Core& core, Call& call, const tlib::Message& message) {
  const auto locked = flag(message, kLocked);
  if (!locked) return locked.error();
  const auto lobby = flag(message, kLobby);
  if (!lobby) return lobby.error();
  ConferenceAddress& address = call.conference_address;
  if (address.uri.empty()) return refusal(tlib::TERR_INV_CALL_STATE, "the call has no conference address");
  address.locked = locked->value_or(address.locked);
  address.lobby = lobby->value_or(address.lobby);
  order_conference(core, call);
  if (!address.lobby) open_lobby(core, call);
  return std::nullopt;
}

tlib::KVList conference_policy(const Call& call) {
  tlib::KVList policy;
  kv_add(policy, kLocked, call.conference_address.locked ? 1 : 0);
  kv_add(policy, kLobby, call.conference_address.lobby ? 1 : 0);
  add_lobby(policy, call);
  return policy;
}

void register_conference_address(Table& table) {
  table.on(link::Happening::kConferenceChanged, on_conference_changed);
}

}  // namespace tandem::tserver
