// What a T-Server orders in a random run.
#include <algorithm>

#include "random_storm.h"

namespace tandem::connector::test {
namespace {

bool refused(const Actions& actions) {
  return std::any_of(actions.begin(), actions.end(), [](const Action& action) {
    const auto* report = std::get_if<Report>(&action);
    return report && report->happening.has_command_failed();
  });
}

}  // namespace

void Storm::order() {
  link::Command command;
  command.set_id(++command_);
  std::uint64_t party = 0, conversation = 0;
  if (!books_.parties.empty() && pick(20) != 0) {
    const auto one = any(books_.parties);
    party = one.first;
    conversation = any(one.second);
  }
  command.set_party(party);
  command.set_conversation(conversation);
  switch (pick(24)) {
    case 18:
    case 19:
    case 20:
      treatment(*command.mutable_play());
      break;
    case 21:
      command.mutable_stop();
      break;
    case 22:
      command.mutable_conference()->set_open(pick(6) != 0);
      command.mutable_conference()->set_locked(pick(4) == 0);
      command.mutable_conference()->set_lobby(pick(3) == 0);
      break;
    case 23:
      signals(command);
      break;
    case 12:
    case 13:
      return joins(std::move(command));
    case 14:
      return merges(std::move(command));
    case 15:
    case 16:
      command.mutable_hold()->set_on(pick(2) == 0);
      break;
    case 17: {
      auto& audio = *command.mutable_audio();
      audio.set_muted(pick(2) == 0);
      audio.set_deaf(pick(3) == 0);
      audio.set_hidden(pick(3) == 0);
      for (auto n = pick(3); n > 0 && !books_.parties.empty(); --n) audio.add_heard_only_by(any(books_.parties).first);
      break;
    }
    case 0:
    case 1:
    case 2:
    case 3:
      command.mutable_admit()->set_mode(static_cast<link::Admit::Mode>(pick(3)));
      break;
    case 4:
      if (!seldom()) return;
      command.mutable_reject()->set_status(static_cast<std::uint32_t>(200 + pick(400)));
      break;
    case 5:
      if (!seldom()) return;
      command.mutable_remove();
      break;
    case 6:
      if (pick(3) == 0)
        command.mutable_release();
      else
        command.mutable_tag()->set_conn_id(pick(1000));
      break;
    default: {
      auto& invite = *command.mutable_invite();
      const char* destinations[] = {"sip:one", "sip:one", "sip:three", "sip:three", "sip:away", "sip:nowhere"};
      invite.set_to(destinations[pick(6)]);
      invite.set_timeout_ms(pick(3) == 0 ? static_cast<std::uint32_t>(pick(10000)) : 0);
      if (conversation == 0 || pick(4) == 0) {
        conversation = kTop | ++given_;
        invite.set_originator(true);
      }
      party = kTop | ++given_;
      command.set_party(party);
      command.set_conversation(conversation);
      books_.parties[party] = {conversation};
      Actions actions;
      core_->handle(Commanded{link_, command}, now_, actions);
      if (refused(actions)) books_.parties.erase(party);
      take(actions);
      return;
    }
  }
  give(Commanded{link_, std::move(command)});
}

void Storm::joins(link::Command command) {
  auto to = kTop | ++given_;
  if (!books_.parties.empty() && pick(3) == 0) to = any(any(books_.parties).second);
  command.mutable_join()->set_to(to);
  Actions actions;
  core_->handle(Commanded{link_, command}, now_, actions);
  if (!refused(actions)) books_.joined(command.party(), to);
  take(actions);
}

void Storm::merges(link::Command command) {
  // Mostly what a T-Server would merge: two conversations of one party.
  std::uint64_t into = 999;
  for (const auto& [party, in] : books_.parties) {
    if (in.size() < 2) continue;
    command.set_conversation(*in.begin());
    into = *in.rbegin();
  }
  if (into == 999 && pick(4) != 0) return;
  if (into == 999 && !books_.parties.empty()) into = any(any(books_.parties).second);
  command.mutable_merge()->set_into(into);
  Actions actions;
  core_->handle(Commanded{link_, command}, now_, actions);
  if (!refused(actions)) books_.merged(command.conversation(), into);
  take(actions);
}

// A treatment: tones or prompts, digits, a recording.
void Storm::treatment(link::Play& play) {
  play.set_source(static_cast<link::Play::Source>(pick(6)));
  if (pick(3) == 0) play.set_duration_ms(static_cast<std::uint32_t>(pick(5000)));
  if (play.source() == link::Play::PROMPTS) {
    for (auto n = pick(3); n > 0; --n) {
      link::Prompt& prompt = *play.add_prompts();
      prompt.set_interruptible(pick(2) == 0);
      if (pick(3) == 0) {
        prompt.set_text("hello");
      } else {
        prompt.set_file("welcome");
      }
    }
  }
  if (pick(2) == 0) {
    play.mutable_collect()->set_max_digits(static_cast<std::uint32_t>(pick(4)));
    play.mutable_collect()->set_terminators(pick(2) ? "#" : "");
    play.mutable_collect()->set_total_timeout_ms(static_cast<std::uint32_t>(pick(5000)));
  }
  if (pick(5) == 0) play.mutable_record();
}

// What goes to one phone beside voice.
void Storm::signals(link::Command& command) {
  switch (pick(3)) {
    case 0:
      command.mutable_send_digits()->set_digits(pick(5) == 0 ? "x" : "12,#");
      break;
    case 1:
      command.mutable_pickup();
      break;
    default:
      command.mutable_refer()->set_status(static_cast<std::uint32_t>(pick(2) ? 200 : 480));
  }
}

}  // namespace tandem::connector::test
