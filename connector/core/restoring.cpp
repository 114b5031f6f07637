// Calls that a T-Server gives us: another Connector's, or our own of which we know too little. And those that it takes away.
#include <algorithm>

#include "connector/core/core.h"
#include "connector/core/records.h"
#include "connector/core/taken_up.h"

namespace tandem::connector {
namespace {

constexpr std::size_t kRestoredMax = 256 << 20;  // bytes of one Restore

}  // namespace

// Calls of another Connector, all that belong together at once.
void Core::restore(const link::Command& command) {
  const auto& order = command.restore();
  if (stopping_) {
    restored_.clear();
    return command_failed(command, Code::NO_RESOURCES, "stopping");
  }
  for (const auto& bytes : order.records()) {
    restored_bytes_ += bytes.size();
    auto& record = restored_.emplace_back();
    if (restored_bytes_ > kRestoredMax || !record.ParseFromString(bytes)) restored_.pop_back();
  }
  if (order.more()) return;
  auto records = std::exchange(restored_, {});
  restored_bytes_ = 0;
  if (order.own()) {
    std::erase_if(records, [this](const ha::Record& record) {
      return record.has_party() && over_unheard_.contains(PartyNo{record.party().party()});
    });
    put_aside(records);
  }
  const auto taken = take_up(records, order.own() ? From::GivenBack : From::Elsewhere, order.connector());
  link::Happening message;
  message.set_command(command.id());
  auto& over = *message.mutable_taken_over();
  for (const auto no : taken.order) {
    const auto found = conversations_.find(no);
    if (found != conversations_.end()) describe(found->second, *over.add_conversations());
  }
  report(std::move(message));
  if (in_reach_) offer_again(taken.order);
  recover_next();
}

// Who is in another conversation that stays is only taken out of this one.
void Core::disown(Conversation& conversation) {
  const auto number = conversation.no;
  log(LogLevel::Standard, "disowned: conversation " + conversation.id + " connid " + to_hex(conversation.conn_id));
  std::vector<PartyNo> all;
  for (const auto* party : conversation.parties) all.push_back(party->no);
  disowning_ = true;
  for (const auto no : all) {
    auto* party = find_party(no);
    const auto found = conversations_.find(number);
    if (!party || found == conversations_.end() || !found->second.has(*party)) continue;
    take_out(*party, found->second, End{.cause = link::Left::REMOVED, .status = 487, .disowned = true});
  }
  disowning_ = false;
}

// Calls of ours that we have as they were before, and are given back as they were last: what differs makes room without
// a word to anybody.
void Core::put_aside(const std::vector<ha::Record>& records) {
  std::unordered_map<PartyNo, const ha::Party*> given;
  std::vector<ConversationNo> conversations;
  for (const auto& record : records) {
    if (record.has_party()) given[PartyNo{record.party().party()}] = &record.party();
    if (record.has_conversation()) conversations.push_back(ConversationNo{record.conversation().conversation()});
  }
  const End end{.cause = link::Left::REMOVED, .status = 487, .disowned = true, .replaced = true};
  const auto stays = [&](const Party& party) {
    const auto record = given.find(party.no);
    return record != given.end() && is_as(party, *record->second);
  };
  disowning_ = true;
  for (const auto number : conversations) {
    const auto found = conversations_.find(number);
    std::vector<PartyNo> all;
    if (found != conversations_.end())
      for (const auto* party : found->second.parties) all.push_back(party->no);
    for (const auto no : all) {
      auto* party = find_party(no);
      const auto still = conversations_.find(number);
      if (party && still != conversations_.end() && still->second.has(*party) && !stays(*party))
        take_out(*party, still->second, end);
    }
  }
  for (const auto& [no, record] : given) {
    if (auto* party = find_party(no); party && !is_as(*party, *record)) end_party(*party, end);
  }
  disowning_ = false;
}

// Has it the legs that the record has? Then they go on: a request of ours may be under way on them.
bool Core::is_as(const Party& party, const ha::Party& record) {
  const auto call_id = [&](LegId id) {
    const auto* leg = find_leg(id);
    return leg ? leg->call_id : std::string();
  };
  if (record.has_called()) {
    std::vector<std::string> there, here;
    for (const auto& fork : record.called().forks())
      if (fork.has_dialog()) there.push_back(fork.dialog().call_id());
    if (!party.out) return false;
    for (const auto id : party.out->legs) here.push_back(call_id(id));
    return std::is_permutation(here.begin(), here.end(), there.begin(), there.end());
  }
  if (party.out || record.has_offered() != (party.state == PartyState::Offered)) return false;
  // Held back ones have said nothing yet, and the record is newer.
  return call_id(party.dialog) == record.dialog().call_id() && (!held_back_ || record.has_offered());
}

// A party that stays as it is, ours for certain, in the conversations that it was in last.
void Core::move_to(Party& party, Conversation* conversation, std::vector<Conversation*> elsewhere, bool parked,
                   const TakenUp& taken) {
  auto all = party.elsewhere;
  all.push_back(party.conversation);
  for (auto* old : all) {
    if (old == conversation || std::find(elsewhere.begin(), elsewhere.end(), old) != elsewhere.end()) continue;
    std::erase(old->parties, &party);
    touch(*old);
    if (old->parties.empty() && !taken.conversations.contains(old->no)) end_conversation(*old);
  }
  party.conversation = conversation;
  party.elsewhere = std::move(elsewhere);
  party.parked = parked;
  if (party.dialog) give_back(party.dialog);
}

}  // namespace tandem::connector
