#include "sequence_checker.h"

#include "tserver/model/kv.h"

namespace tandem::tserver::test {

void SequenceChecker::fault(const tlib::Message& event, const std::string& what) {
  faults_.push_back(to_hex(event.connid()) + " " + event.thisdn() + " " + tlib::MessageType_Name(event.type()) + ": " +
                    what);
}

namespace {

// A Virtual Queue, of which applications tell.
bool virtual_queue(const tlib::Message& event) {
  return event.thisdn() == "queue";
}

}  // namespace

SequenceChecker::Phase SequenceChecker::next(Phase phase, const tlib::Message& event, bool& legal) {
  const bool fresh = phase == Phase::None || phase == Phase::Closed;
  switch (event.type()) {
    case tlib::EventDialing:  // a second time only into a conference, by its URI
      legal = phase == Phase::None || (fresh && event.thisdnrole() == tlib::RoleConferenceMember);
      return Phase::Dialing;
    case tlib::EventNetworkReached:
      legal = phase == Phase::Dialing;
      return Phase::Dialing;
    case tlib::EventDestinationBusy:
      legal = phase == Phase::Dialing;
      return Phase::Busy;
    case tlib::EventRinging:  // a call may come back to a DN that let it pass before
      legal = fresh;
      return Phase::Ringing;
    case tlib::EventQueued:
      legal = fresh;
      return Phase::Queued;
    case tlib::EventRouteRequest:
      legal = phase == Phase::Queued;
      return Phase::Queued;
    case tlib::EventRouteUsed:
      legal = phase == Phase::Queued;
      return event.has_thirdpartydn() ? Phase::Routed : Phase::Disconnected;
    case tlib::EventDiverted:
      legal = virtual_queue(event) ? phase == Phase::Queued : phase == Phase::Routed && event.has_thirdpartydn();
      return Phase::Closed;
    case tlib::EventAbandoned:
      legal = phase == Phase::Queued || phase == Phase::Ringing || phase == Phase::Disconnected;
      return Phase::Closed;
    case tlib::EventEstablished:
      legal = phase == Phase::Ringing || phase == Phase::Dialing;
      return Phase::Connected;
    case tlib::EventReleased:
      legal = phase == Phase::Ringing || phase == Phase::Dialing || phase == Phase::Busy || phase == Phase::Connected ||
              phase == Phase::Held;
      return Phase::Closed;
    case tlib::EventTreatmentApplied:
    case tlib::EventTreatmentNotApplied:
    case tlib::EventTreatmentEnd:
      legal = phase == Phase::Queued;
      return phase;
    case tlib::EventHeld:
      legal = phase == Phase::Connected;
      return Phase::Held;
    case tlib::EventRetrieved:
      legal = phase == Phase::Held;
      return Phase::Connected;
    case tlib::EventPartyAdded:
    case tlib::EventPartyDeleted:
      legal = (phase == Phase::Connected || phase == Phase::Held) && event.has_otherdn() && event.has_thirdpartydn();
      return phase;
    case tlib::EventPartyChanged:
      legal = !fresh && event.has_previousconnid() && (event.has_thirdpartydn() || virtual_queue(event));
      return phase;
    case tlib::EventDTMFSent:
    case tlib::EventMuteOn:
    case tlib::EventMuteOff:
    case tlib::EventCallInfoChanged:
    case tlib::EventAttachedDataChanged:
    case tlib::EventPartyInfo:
      legal = !fresh;
      return phase;
    default:
      legal = false;
      return phase;
  }
}

void SequenceChecker::see(const tlib::Message& event) {
  if (!event.has_connid() || !event.has_thisdn() || event.type() == tlib::EventError) return;
  Track& track = tracks_[{event.connid(), event.thisdn()}];
  if (event.type() == tlib::EventPartyChanged && event.previousconnid() != event.connid()) come_over(event, track);
  if (merged_.contains(event.connid())) fault(event, "the call was merged into another");
  bool legal = false;
  const Phase after = next(track.phase, event, legal);
  if (!legal) fault(event, "can't come in phase " + std::to_string(static_cast<int>(track.phase)));
  const bool roleless = event.type() == tlib::EventRouteRequest || event.type() == tlib::EventRouteUsed;
  if (event.has_thisdnrole() == roleless) fault(event, "ThisDNRole");
  if (!roleless) {
    const bool began = track.phase == Phase::None || track.phase == Phase::Closed;
    const bool member = event.thisdnrole() == tlib::RoleConferenceMember;
    if (!began && track.role != event.thisdnrole() && !member) fault(event, "the role changed");
    if (member) conferences_.insert(event.connid());
    track.role = event.thisdnrole();
  }
  track.phase = after;
  check_common(event);
  check_data(event);
}

// The party moves from one ConnID to another (PartyChanged), where it goes on as it was.
void SequenceChecker::come_over(const tlib::Message& event, Track& track) {
  Track& before = tracks_[{event.previousconnid(), event.thisdn()}];
  if (before.phase == Phase::None || before.phase == Phase::Closed) fault(event, "comes from a call it wasn't in");
  if (track.phase != Phase::None && track.phase != Phase::Closed) fault(event, "comes to a call it is in");
  track = before;
  before.phase = Phase::Closed;
  merged_.insert(event.previousconnid());
}

// Until it was a conference, the other one is always single: named, or the number dialed.
void SequenceChecker::check_common(const tlib::Message& event) {
  if (event.has_otherdn() != event.has_otherdnrole() ||
      (!event.has_otherdn() && !conferences_.contains(event.connid()) && !virtual_queue(event)))
    fault(event, "OtherDN and its role are missing");
  if (kv_find(event.extensions(), "Conversation-ID") == nullptr) fault(event, "Conversation-ID is missing");
  const std::string card =
      event.calluuid() + std::to_string(event.callid()) + std::to_string(event.calltype()) + event.ani() + event.dnis();
  std::string& known = cards_[event.connid()];
  if (known.empty()) known = card;
  if ((event.calltype() == tlib::CallTypeConsult) && !event.has_previousconnid()) fault(event, "PreviousConnID");
  if (known != card || event.calluuid().size() != 32) fault(event, "the call's identity changed");
}

void SequenceChecker::check_data(const tlib::Message& event) {
  if (virtual_queue(event)) return;  // isn't told of changes
  Data& data = data_[event.connid()];
  const std::string bytes = event.userdata().SerializeAsString();
  // Who enters a conference may be the first of ours in it: nobody was told of changes before.
  const bool begins = event.type() == tlib::EventDialing || event.type() == tlib::EventRinging;
  const bool enters = begins && event.thisdnrole() == tlib::RoleConferenceMember;
  if (data.known && event.type() != tlib::EventAttachedDataChanged && !enters && data.bytes != bytes)
    fault(event, "user data are not the call's");
  data = {true, bytes};
}

void SequenceChecker::note_conferences(const State& state) {
  for (const auto& [id, call] : state.calls) {
    if (call->conference()) conferences_.insert(id.value);
  }
}

void SequenceChecker::take_up(const State& state) {
  for (const auto& [id, call] : state.calls) {
    for (const Party& party : call->parties) {
      if (party.device == nullptr) continue;
      Track& track = tracks_[{id.value, party.name()}];
      if (track.phase != Phase::None && track.phase != Phase::Closed) continue;
      track.role = party.role;
      track.phase = party.state == PartyState::Alerting    ? Phase::Ringing
                    : party.state == PartyState::Dialing   ? Phase::Dialing
                    : party.state == PartyState::Connected ? Phase::Connected
                    : party.state == PartyState::Held      ? Phase::Held
                                                           : Phase::Queued;
    }
  }
}

void SequenceChecker::take_up_anew(const State& state, LinkNo link) {
  std::erase_if(tracks_, [&](const auto& track) {
    const auto call = state.calls.find(ConnId{track.first.first});
    return call != state.calls.end() && call->second->link == link;
  });
  take_up(state);
}

void SequenceChecker::expect_closed() {
  for (const auto& [key, track] : tracks_) {
    if (track.phase != Phase::Closed) faults_.push_back(to_hex(key.first) + " " + key.second + ": was never closed");
  }
}

}  // namespace tandem::tserver::test
