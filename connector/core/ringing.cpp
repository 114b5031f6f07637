// Phones that rang before the process died, or for another Connector. After a restart they ring on, and what they say
// comes to us: our INVITE goes on. Responses to another Connector's INVITE don't come here, so that one is given up and
// the phone called anew.
#include <algorithm>

#include "connector/core/core.h"
#include "connector/core/records.h"

namespace tandem::connector {
namespace {

constexpr Instant kLongest = std::chrono::minutes(3);  // nothing is heard: RFC 3261 timer C
// Phones with one line have let go of the call that was given up by then.
constexpr Instant kBeforeAnew = std::chrono::milliseconds(250);

}  // namespace

void Core::take_up_called(Party& party, const ha::Called& record, From from) {
  party.out = std::make_unique<Outgoing>(records::outgoing_from(record));
  auto& out = *party.out;
  out.anew = from == From::Elsewhere;
  party.state = record.alerting() && !out.anew ? PartyState::Alerting : PartyState::Inviting;
  party.early_media = record.early_media() && !out.anew;
  out.sdp = party.stream.local;
  for (const auto& fork : record.forks()) {
    if (!fork.has_dialog()) continue;  // not sent, as far as was known
    const LegId id{kTopBit | ++leg_counter_};
    auto& leg = legs_[id];
    leg.id = id;
    leg.party = party.no;
    leg.call_id = fork.dialog().call_id();
    leg.target = fork.target();
    leg.retried = fork.retried();
    leg.talk = fork.talk();
    leg.restored = true;
    leg.flow = fork.dialog().flow();
    leg.phone = fork.dialog().phone();
    act(RestoreLeg{id, fork.dialog()});
    out.legs.push_back(id);
  }
  if (out.anew) give_up_legs(party, LegId{}, {});
}

void Core::resume_called(Party& party, const ha::Called& record) {
  const auto offset = records::offset(now_);
  const auto due = [&](std::int64_t ms) { return records::from_wall_ms(ms, offset); };
  const auto longest = now_.steady + kLongest;
  ring_until(party, record.ring_due_ms() ? std::min(due(record.ring_due_ms()), longest) : longest);
  if (record.group_due_ms() && !party.out->anew) next_group_at(party, std::min(due(record.group_due_ms()), longest));
}

void Core::recover_called(Party& party) {
  auto& out = *party.out;
  if (!out.anew) {
    // None rings: those whose turn would have come are called.
    if (out.legs.empty()) call_group(party);
    return;
  }
  if (party.recovery_tries++ == 0) return arm(Wait::Recover, party.no.value, party.recovery, kBeforeAnew);
  out.anew = false;
  Unreachable why;
  auto targets = directory_.resolve(party.dn, why);
  if (targets.empty()) return end_party(party, End{.reason = std::move(why.reason), .status = why.status});
  out.next = 0;
  take_targets(out, std::move(targets));
  if (!open_stream(party, out.targets.front().local_ip))
    return end_party(party, End{.reason = "no RTP port left", .status = 503});
  out.sdp = offer_body(party, offer_from_peer(party));
  log(LogLevel::Trace, party, "called anew");
  call_group(party);
}

}  // namespace tandem::connector
