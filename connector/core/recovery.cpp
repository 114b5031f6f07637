// Calls that were here before the process died, or on another Connector: whose they are, and each phone told by a
// re-INVITE where its voice goes now.
#include <algorithm>

#include "connector/core/core.h"
#include "connector/core/taken_up.h"

namespace tandem::connector {
namespace {

constexpr Instant kFirstPause = std::chrono::milliseconds(250);
constexpr Instant kLongestPause = std::chrono::seconds(1);
constexpr std::uint32_t kVersionGap = 1000;  // of descriptions that others have sent in our dialogs

}  // namespace

void Core::on(CallsKept& input) {
  if (!input.records || input.records->empty()) return;
  held_back_ = input.held_back;
  take_up(*input.records, From::FormerRun);
  first_word_due_ = !in_reach_;
  if (held_back_) log(LogLevel::Standard, "away for long: the calls wait for a T-Server's word");
  // Whoever isn't in a call of two is let go if no T-Server comes.
  if (!in_reach_ && !no_server_.set) arm(Wait::NoServer, 0, no_server_, settings_.without_server);
}

void Core::on(PortsOpened& input) {
  ports_open_ = true;
  if (input.held_back && !held_back_ && !to_recover_.empty()) {
    held_back_ = true;
    held_ = std::exchange(to_recover_, {});
    log(LogLevel::Standard, "taken up after long: the calls wait for a T-Server's word");
  }
  recover_next();
}

void Core::resume_recovery() {
  if (!std::exchange(held_back_, false)) return;
  log(LogLevel::Standard, "the calls of the former run go on");
  to_recover_.insert(to_recover_.end(), held_.begin(), held_.end());
  held_.clear();
  for (auto& [leg, dialog] : std::exchange(withheld_, {}))
    if (find_leg(leg)) act(RestoreLeg{leg, std::move(dialog)});
  recover_next();
}

bool Core::is_withheld(LegId id) const {
  return std::any_of(withheld_.begin(), withheld_.end(), [id](const auto& one) { return one.first == id; });
}

// A caller whose call is ours after all.
void Core::give_back(LegId id) {
  const auto found =
      std::find_if(withheld_.begin(), withheld_.end(), [id](const auto& one) { return one.first == id; });
  if (found == withheld_.end()) return;
  act(RestoreLeg{id, std::move(found->second)});
  withheld_.erase(found);
}

// No T-Server came: no more than when there is one can be lost by going on with those who talk. Should their calls be
// elsewhere, a T-Server will say so, and they are called again from there. What isn't established is let be.
void Core::decide_held() {
  if (!held_back_) return;
  std::vector<ConversationNo> others;
  for (const auto no : held_) {
    const auto* party = find_party(no);
    if (!party) continue;
    auto of = party->elsewhere;
    of.push_back(party->conversation);
    for (const auto* one : of) {
      const auto talk = std::count_if(one->parties.begin(), one->parties.end(),
                                      [](const Party* p) { return p->state == PartyState::Connected; });
      if (talk < 2) others.push_back(one->no);
    }
  }
  std::sort(others.begin(), others.end());
  for (const auto no : others) {
    if (const auto found = conversations_.find(no); found != conversations_.end()) disown(found->second);
  }
  log(LogLevel::Standard, "no T-Server in time");
  resume_recovery();
}

// Not all at once: phones and network should take it, and answers come back as quickly.
void Core::recover_next() {
  if (!ports_open_) return;
  for (std::size_t i = 0; i < settings_.recovery_batch && !to_recover_.empty(); ++i) {
    const auto no = to_recover_.back();
    to_recover_.pop_back();
    if (auto* party = find_party(no)) recover(*party);
  }
  if (!to_recover_.empty()) arm(Wait::Recover, 0, recovery_, settings_.recovery_pause);
}

// A caller who waits is told once more that it does; who is connected is asked to send here.
void Core::recover(Party& party) {
  if (party.out) return recover_called(party);
  if (party.state == PartyState::Offered) {
    if (party.incoming->with_sdp) answer_body(party, party.stream.agreed);
    if (party.incoming->provisional != 0) return give_provisional(party);
    return arm(Wait::Decision, party.no.value, party.incoming->decision, settings_.undecided);
  }
  if (!party.recovering) return;
  // It may have registered again meanwhile, over another connection.
  auto& leg = *find_leg(party.dialog);
  if (party.recovery_tries++ > 0 || !leg.flow.empty()) {
    if (auto way = new_way(leg, party.dn)) {
      leg.asked = way->certain ? std::string() : std::move(way->phone);
      act(std::move(way->turn));
    } else if (leg.is_stranger(leg.asked)) {
      recovery_failed(party, 481);  // nobody else has come
      return;
    }
  }
  want_reinvite(party, {});
}

// True: it is tried again, or it is over.
bool Core::recovery_failed(Party& party, int status) {
  if (!party.recovering || status == 491 || status == 422) return false;
  if (status == 481 && !was_stranger(party)) return false;
  if (status == 500 && party.ordered) party.reclaimed = true;  // its number was too low (RFC 3261 section 12.2.2)
  party.wanted.clear();
  const auto pause = std::min(kFirstPause * (1 << std::min(party.recovery_tries, 4u)), kLongestPause);
  if (now_.steady + pause >= party.recovery_ends || status == 408) {
    end_party(party, End{.cause = link::Left::TRANSPORT_FAILED,
                         .reason = "not reached again, re-INVITE answered " + std::to_string(status),
                         .wire_reason = "SIP;cause=408"});
    return true;
  }
  arm(Wait::Recover, party.no.value, party.recovery, pause);
  return true;
}

// Another Connector has called its phones, and said that it has their voices now.
void Core::reclaim(Conversation& conversation) {
  log(LogLevel::Standard, "called again: conversation " + conversation.id + " connid " + to_hex(conversation.conn_id));
  for (auto* party : conversation.parties) {
    if (party->out) continue;
    if (party->state == PartyState::Connected) {
      party->reclaimed = true;
      party->stream.version += kVersionGap;
      party->stream.local.clear();
      party->recovery_tries = 0;
      party->recovery_ends = now_.steady + settings_.recovery;
      if (!std::exchange(party->recovering, true)) ++recovering_;
    }
    to_recover_.push_back(party->no);
  }
  recover_next();
}

void Core::recovered(Party& party) {
  party.recovering = party.reclaimed = false;
  disarm(Wait::Recover, party.no.value, party.recovery);
  if (--recovering_ == 0 && to_recover_.empty()) log(LogLevel::Standard, "every party taken up was reached or is over");
}

}  // namespace tandem::connector
