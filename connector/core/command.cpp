// What the T-Server orders. A command that can't be carried out is answered CommandFailed, never with silence.
#include "connector/core/core.h"

namespace tandem::connector {

bool one_line(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) return false;
  }
  return true;
}

void Core::command_failed(const link::Command& command, Code::Code code, std::string text, ConversationNo missing) {
  if (logs(LogLevel::Interaction)) {
    log(LogLevel::Interaction, "command " + std::to_string(command.id()) + " can't be carried out: " + text +
                                   ", conversation " + to_hex(command.conversation()) + " party " +
                                   to_hex(command.party()));
  }
  link::Happening message;
  message.set_command(command.id());
  message.set_conversation(command.conversation());
  message.set_party(command.party());
  auto& failed = *message.mutable_command_failed();
  failed.set_code(code);
  failed.set_text(std::move(text));
  failed.set_missing(missing.value);
  report(std::move(message));
}

void Core::on(Commanded& input) {
  const auto& command = input.command;
  using What = link::Command;
  if (command.what_case() == What::kLocation) return act(LearnLocation{command.location().registration()});
  if (command.what_case() == What::WHAT_NOT_SET) return command_failed(command, Code::NOT_SUPPORTED, "unknown command");
  if (command.what_case() == What::kInvite) return invite(command);
  if (command.what_case() == What::kRestore) return restore(command);
  if (command.what_case() == What::kResume && command.conversation() == 0) return resume_recovery();

  const auto found = conversations_.find(ConversationNo{command.conversation()});
  if (found == conversations_.end()) return command_failed(command, Code::NO_SUCH_CONVERSATION, "no such conversation");
  auto& conversation = found->second;
  if (command.what_case() == What::kRelease) return release(conversation, command);
  if (command.what_case() == What::kDisown) return disown(conversation);
  if (command.what_case() == What::kResume) return reclaim(conversation);
  // Whoever orders anything else of it, before Resume, too, holds it for ours.
  for (const auto* party : conversation.parties) give_back(party->dialog);
  if (command.what_case() == What::kConference) return conference(conversation, command);
  if (command.what_case() == What::kMerge) return merge(conversation, command);
  if (command.what_case() == What::kTag) {
    conversation.conn_id = command.tag().conn_id();
    conversation.call_uuid = command.tag().call_uuid();
    for (auto* party : conversation.parties)
      if (party->incoming) party->incoming->offered.reset();
    return;
  }

  auto* party = find_party(PartyNo{command.party()});
  if (!party || !conversation.has(*party)) return command_failed(command, Code::NO_SUCH_PARTY, "no such party");
  switch (command.what_case()) {
    case What::kAdmit:
      return admit(*party, conversation, command);
    case What::kReject:
      return reject(*party, command);
    case What::kStrayCancel:
      if (party->state == PartyState::Offered)
        act(TakeCancel{party->dialog, command.stray_cancel().branch(), command.stray_cancel().reason()});
      return;
    case What::kRemove:
      return remove(*party, conversation, command);
    case What::kHold:
      return hold(*party, conversation, command.hold().on());
    case What::kJoin:
      return join(*party, command);
    case What::kPlay:
      return play(*party, command);
    case What::kStop:
      return end_play(*party, false);
    case What::kSendDigits:
      return send_digits(*party, command);
    case What::kPickup:
      return pickup(*party, command);
    case What::kRefer:
      return refer(*party, command);
    case What::kAudio:
      return set_audio(*party, command.audio());
    default:
      return command_failed(command, Code::NOT_SUPPORTED, "unknown command");
  }
}

}  // namespace tandem::connector
