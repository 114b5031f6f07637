#include "tserver/features/awaited.h"

#include <algorithm>

#include "tserver/features/features.h"

namespace tandem::tserver {
namespace {

bool is_of(const Awaited& awaited, const Call& call, const Party& party) {
  return awaited.call == call.id && awaited.party == party.no;
}

void drop(Core& core, const Awaited& awaited) {
  std::optional<TimerKey> timer = awaited.timer;
  core.cancel_timer(timer);  // marks it as touched, too
  core.settle(awaited.asker);
}

void refuse(Core& core, const Awaited& awaited, const Refusal& why) {
  core.refuse(awaited.asker, why, awaited.this_dn, core.state.call(awaited.call), awaited.call.value);
}

Refusal failure(const link::CommandFailed& failed) {
  const std::string text = failed.text().empty() ? "" : ": " + failed.text();
  switch (failed.code()) {
    case link::CommandFailed::NOT_SUPPORTED:
      return refusal(tlib::TERR_UNSUP_OPER, "the phone can't do this" + text);
    case link::CommandFailed::NO_RESOURCES:
      return refusal(tlib::TERR_OUT_OF_MEM, "the Connector has no resources" + text);
    case link::CommandFailed::WRONG_STATE:
      return refusal(tlib::TERR_INV_CALL_STATE, "the Connector can't do this now" + text);
    case link::CommandFailed::NO_SUCH_CONVERSATION:
    case link::CommandFailed::NO_SUCH_PARTY:
      return refusal(tlib::TERR_INTERNAL, "the Connector doesn't know the party" + text);
    default:
      return refusal(tlib::TERR_UNKNOWN_ERROR, "the Connector could not" + text);
  }
}

void on_deadline(Core& core, const TimerKey& key) {
  const auto it = core.state.awaited.find(key.subject);
  if (it == core.state.awaited.end() || it->second.timer != key) return;
  const Awaited awaited = std::move(it->second);
  core.state.awaited.erase(it);
  core.settle(awaited.asker);
  if (core.state.call(awaited.call) == nullptr) {
    refuse(core, awaited, {tlib::TERR_NO_CALL, "the call ended before it was done"});
  } else if (core.state.links[awaited.link].up) {
    refuse(core, awaited, {tlib::TERR_TIMEOUT_PRF_OP, "the Connector gave no answer in time"});
  } else {
    refuse(core, awaited, {tlib::TERR_TIMEOUT, "the Connector went away and did not come back in time"});
  }
}

}  // namespace

void await(Core& core, const Call& call, const Party& party, Awaited::Kind kind, Asker asker, Instant deadline,
           std::string digits) {
  Awaited awaited;
  awaited.kind = kind;
  awaited.asker = asker;
  awaited.call = call.id;
  awaited.party = party.no;
  awaited.link = call.link;
  awaited.command = core.state.link_of(call).last_command;
  awaited.this_dn = party.name();
  awaited.digits = std::move(digits);
  const std::uint64_t key = Awaited::key(call.link, awaited.command);
  awaited.timer = core.set_timer(TimerKind::Awaited, key, 0, deadline);
  core.hold(asker);
  core.state.awaited.emplace(key, std::move(awaited));
}

bool is_awaited(const Core& core, const Call& call, const Party& party, Awaited::Kind kind) {
  return std::any_of(core.state.awaited.begin(), core.state.awaited.end(),
                     [&](const auto& entry) { return entry.second.kind == kind && is_of(entry.second, call, party); });
}

std::optional<Awaited> take_awaited(Core& core, const CtiLink& link, const link::Happening& happening) {
  const auto it = core.state.awaited.find(Awaited::key(link.no, happening.command()));
  if (happening.command() == 0 || it == core.state.awaited.end()) return std::nullopt;
  Awaited awaited = std::move(it->second);
  core.state.awaited.erase(it);
  drop(core, awaited);
  return awaited;
}

bool awaited_failed(Core& core, const CtiLink& link, const link::Happening& happening) {
  const auto awaited = take_awaited(core, link, happening);
  if (!awaited) return false;
  const link::CommandFailed& failed = happening.command_failed();
  refuse(core, *awaited, failure(failed));
  // That the call or the party is gone concerns others, too.
  return failed.code() != link::CommandFailed::NO_SUCH_CONVERSATION &&
         failed.code() != link::CommandFailed::NO_SUCH_PARTY;
}

Asker settle_pickup(Core& core, const Call& call, const Party& party) {
  if (core.state.awaited.empty()) return {};
  for (auto it = core.state.awaited.begin(); it != core.state.awaited.end(); ++it) {
    if (it->second.kind != Awaited::Kind::Pickup || !is_of(it->second, call, party)) continue;
    const Awaited awaited = std::move(it->second);
    core.state.awaited.erase(it);
    drop(core, awaited);
    return awaited.asker;
  }
  return {};
}

void give_up_awaited(Core& core, const Call& call, const Party& party) {
  if (core.state.awaited.empty()) return;
  std::vector<std::uint64_t> over;
  for (const auto& [key, awaited] : core.state.awaited) {
    if (is_of(awaited, call, party)) over.push_back(key);
  }
  std::sort(over.begin(), over.end());
  for (const std::uint64_t key : over) {
    const auto it = core.state.awaited.find(key);
    const Awaited awaited = std::move(it->second);
    core.state.awaited.erase(it);
    drop(core, awaited);
    refuse(core, awaited, {tlib::TERR_NO_CALL, "the party left the call before it was done"});
  }
}

void register_awaited(Table& table) {
  table.on(TimerKind::Awaited, on_deadline);
}

}  // namespace tandem::tserver
