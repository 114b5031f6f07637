// Calls made of their records as they were: conversations, parties, legs, streams, and what runs by itself.
#include <algorithm>

#include "connector/core/core.h"
#include "connector/core/records.h"
#include "connector/core/taken_up.h"

namespace tandem::connector {
namespace {

constexpr Instant kLeastExpiry = std::chrono::seconds(32);  // the re-INVITE that refreshes the session is under way

std::string counted(std::size_t number, std::string_view what) {
  return std::to_string(number) + " " + std::string(what);
}

}  // namespace

// Of each conversation its parties, each with its leg and stream. What can't be used is left out and said.
Core::TakenUp Core::take_up(const std::vector<ha::Record>& records, From from, const std::string& former) {
  TakenUp taken{.former = former};
  std::vector<const ha::Party*> parties;
  for (const auto& record : records) {
    if (record.major() != records::kMajor) {
      ++taken.refused;
    } else if (record.has_party()) {
      parties.push_back(&record.party());
    } else if (record.has_conversation()) {
      const auto& known = record.conversation();
      const ConversationNo no{known.conversation()};
      const bool here = conversations_.contains(no);
      if (!no || (here && from != From::GivenBack) || (!here && conversations_.size() >= settings_.conversations_max)) {
        ++taken.refused;
        continue;
      }
      auto& conversation = here ? conversations_.at(no) : make_conversation(no, known.conversation_id());
      conversation.conn_id = known.conn_id();
      conversation.call_uuid = known.call_uuid();
      conversation.max_forwards = known.max_forwards();
      if (known.has_conference() && !conversation.focus) take_up_focus(conversation, known.conference());
      pass(no.value);
      taken.conversations[no] = &known;
      taken.order.push_back(no);
    }
  }
  for (const auto* party : parties) {
    if (!take_up(*party, from, taken)) ++taken.refused;
  }
  std::unordered_map<ConversationNo, std::vector<PartyNo>> members;
  for (const auto* record : parties) {
    const auto* party =
        taken.parties.contains(PartyNo{record->party()}) ? find_party(PartyNo{record->party()}) : nullptr;
    if (!party) continue;
    if (party->conversation) members[party->conversation->no].push_back(party->no);
    for (const auto* other : party->elsewhere) members[other->no].push_back(party->no);
  }
  for (const auto no : taken.order) {
    auto& conversation = conversations_.at(no);
    const auto add = [&](PartyNo number) {
      auto* party = taken.parties.contains(number) ? find_party(number) : nullptr;
      const bool in =
          party && (party->conversation == &conversation || std::find(party->elsewhere.begin(), party->elsewhere.end(),
                                                                      &conversation) != party->elsewhere.end());
      if (in && !conversation.has(*party)) conversation.parties.push_back(party);
    };
    for (const auto number : taken.conversations[no]->parties()) add(PartyNo{number});
    for (const auto number : members[no]) add(number);
    if (conversation.parties.empty()) end_conversation(conversation);
  }
  std::erase_if(taken.order, [this](ConversationNo no) { return !conversations_.contains(no); });
  // That they were here before counts no more. Who stays as it is was called already, unless it was held back.
  std::unordered_set<PartyNo> held;
  if (from != From::FormerRun) {
    for (const auto no : held_)
      if (taken.parties.contains(no)) held.insert(no);
    std::erase_if(held_, [&](PartyNo no) { return held.contains(no); });
    std::erase_if(to_recover_, [&](PartyNo no) { return taken.parties.contains(no) && !taken.stayed.contains(no); });
  }
  auto& recover_later = held_back_ && from == From::FormerRun ? held_ : to_recover_;
  for (auto no = taken.order.rbegin(); no != taken.order.rend(); ++no) {
    auto& conversation = conversations_.at(*no);
    touch(conversation);
    for (auto party = conversation.parties.rbegin(); party != conversation.parties.rend(); ++party)
      if ((*party)->conversation == &conversation &&
          (!taken.stayed.contains((*party)->no) || held.contains((*party)->no)))
        recover_later.push_back((*party)->no);
  }
  for (const auto no : taken.order) {
    for (auto* party : std::vector<Party*>(conversations_.at(no).parties)) {
      const auto record = taken.parties.find(party->no);
      if (party->conversation->no == no && record != taken.parties.end() && !taken.stayed.contains(party->no))
        resume(*party, *record->second);
    }
  }
  std::string text =
      "taken up: " + counted(taken.order.size(), "conversations") + ", " + counted(taken.parties.size(), "parties");
  if (taken.refused) text += "; " + counted(taken.refused, "records can't be used");
  log(LogLevel::Standard, std::move(text));
  return taken;
}

bool Core::take_up(const ha::Party& record, From from, TakenUp& taken) {
  const PartyNo no{record.party()};
  const auto in = [&](std::uint64_t number) -> Conversation* {
    return taken.conversations.contains(ConversationNo{number}) ? &conversations_.at(ConversationNo{number}) : nullptr;
  };
  auto* const here = from == From::GivenBack ? find_party(no) : nullptr;
  if (!records::usable(record) || (!here && find_party(no)) || (!here && parties_.size() >= settings_.parties_max) ||
      static_cast<std::size_t>(record.elsewhere_size()) >= kMembershipsMax)
    return false;
  auto* conversation = in(record.conversation());
  std::vector<Conversation*> elsewhere;
  for (const auto number : record.elsewhere()) {
    if (auto* other = in(number); other && other != conversation) elsewhere.push_back(other);
  }
  const bool parked = !conversation || record.parked();
  if (!conversation && elsewhere.empty()) return false;
  if (!conversation) {
    conversation = elsewhere.back();
    elsewhere.pop_back();
  }
  if (here) {
    move_to(*here, conversation, std::move(elsewhere), parked, taken);
    taken.parties[no] = &record;
    taken.stayed.insert(no);
    return true;
  }
  // Who is called anew is described anew.
  const bool anew = record.has_called() && from == From::Elsewhere;
  std::optional<Endpoint> endpoint;
  if (record.stream().rtp_port() != 0 && !anew) {
    endpoint = media_.open_again(record.stream().ip(), static_cast<std::uint16_t>(record.stream().rtp_port()));
    if (!endpoint) return false;
  }

  auto& party = parties_[no];
  party.no = no;
  party.conversation = conversation;
  party.elsewhere = std::move(elsewhere);
  party.parked = parked;
  party.outgoing = record.outgoing();
  party.dn = record.dn();
  party.identity = record.identity();
  if (record.has_audio()) party.audio = std::make_unique<link::Audio>(record.audio());
  party.held = record.held();
  party.referring = record.referring();
  party.ordered = from != From::FormerRun;
  party.typed = record.typed();
  if (!anew) party.stream = records::stream_from(record.stream());
  if (endpoint) {
    by_media_[endpoint->media] = no;
    party.stream.endpoint = std::move(*endpoint);
  }
  party.expiry = SessionExpiry{record.session_timer().expires_s(), record.session_timer().we_refresh()};
  party.min_se_s = record.session_timer().min_se_s();
  if (record.has_called()) {
    take_up_called(party, record.called(), from);
  } else {
    take_up_leg(party, record, from);
    find_leg(party.dialog)->former = taken.former;
  }
  taken.parties[no] = &record;
  pass(no.value);
  return true;
}

void Core::take_up_leg(Party& party, const ha::Party& record, From from) {
  party.state = record.has_offered() ? PartyState::Offered : PartyState::Connected;
  if (record.has_offered()) {
    const auto& offered = record.offered();
    party.incoming = std::make_unique<Incoming>();
    party.incoming->provisional = static_cast<int>(offered.provisional());
    party.incoming->with_sdp = offered.with_sdp();
    party.incoming->waiting = offered.waiting();
    party.incoming->heard_early = offered.heard_early();
    party.incoming->timer = records::timer_from(offered);
    party.incoming->max_forwards = offered.max_forwards();
    party.incoming->local_ip = offered.local_ip();
    auto told = std::make_unique<link::Offered>();
    if (!offered.told().empty() && told->ParseFromString(offered.told())) party.incoming->offered = std::move(told);
  }

  const LegId id{kTopBit | ++leg_counter_};
  auto& leg = legs_[id];
  leg.id = id;
  leg.party = party.no;
  leg.state = record.has_offered() ? LegState::Trying : LegState::Confirmed;
  leg.incoming = record.dialog().incoming();
  leg.call_id = record.dialog().call_id();
  leg.flow = record.dialog().flow();
  leg.phone = record.dialog().phone();
  party.dialog = id;
  // A caller's transaction can't be let be once it is ours: dropping it would answer the caller.
  if (held_back_ && record.has_offered() && from == From::FormerRun) {
    withheld_.emplace_back(id, record.dialog());
  } else {
    act(RestoreLeg{id, record.dialog()});
  }
}

// Numbers made from now on are others.
void Core::pass(std::uint64_t number) {
  constexpr std::uint64_t low = (1ULL << kCountBits) - 1;
  if ((number & ~low) == ids_) counter_ = std::max<std::uint64_t>(counter_, number & low);
}

void Core::take_up_focus(Conversation& conversation, const ha::Conference& record) {
  if (settings_.conferences.number(record.uri()) != record.number() || conferences_.contains(record.number())) return;
  conversation.focus = std::make_unique<Focus>();
  auto& focus = *conversation.focus;
  focus.conference.number = record.number();
  focus.conference.uses = record.uses();
  focus.conference.made = records::from_wall_ms(record.made_ms(), records::offset(now_));
  focus.uri = record.uri();
  focus.locked = record.locked();
  focus.lobby = record.lobby();
  focus.version = record.version();
  conferences_[record.number()] = conversation.no;
  conferences_made_.hold(record.number());
}

// Everything that goes on by itself: its stream, session timer, treatment.
void Core::resume(Party& party, const ha::Party& record) {
  auto& stream = party.stream;
  if (stream.endpoint.media && stream.remote && !stream.agreed.empty()) connect(party);
  const auto offset = records::offset(now_);
  if (party.state == PartyState::Connected) {
    party.recovering = true;
    party.recovery_ends = now_.steady + settings_.recovery;
    ++recovering_;
    if (party.expiry.expires_s != 0) {
      party.expires_at = records::from_wall_ms(record.session_timer().expires_at_ms(), offset);
      party.expires_at = std::clamp(party.expires_at, now_.steady + kLeastExpiry,
                                    now_.steady + kLeastExpiry + std::chrono::seconds(party.expiry.expires_s));
      arm(Wait::Session, party.no.value, party.session, party.expires_at - now_.steady);
    }
    if (party.referring) arm(Wait::Refer, party.no.value, party.refer, kLeastExpiry);
  }
  if (record.has_called()) resume_called(party, record.called());
  log(LogLevel::Trace, party, "taken up");
  if (!record.has_treatment() || !stream.announced) return;
  party.play = std::make_unique<Playing>(Playing{Treatment::restored(record.treatment())});
  const auto digit = records::from_wall_ms(record.treatment().digit_due_ms(), offset);
  const auto total = records::from_wall_ms(record.treatment().total_due_ms(), offset);
  if (record.treatment().digit_due_ms()) {
    party.play->digit_due = digit;
    arm(Wait::PlayDigit, party.no.value, party.play->digit, std::max<Instant>(digit - now_.steady, Instant{1}));
  }
  if (record.treatment().total_due_ms()) {
    party.play->total_due = total;
    arm(Wait::PlayTotal, party.no.value, party.play->total, std::max<Instant>(total - now_.steady, Instant{1}));
  }
  run(party, party.play->machine.resume());
}

}  // namespace tandem::connector
