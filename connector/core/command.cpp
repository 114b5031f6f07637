// What the T-Server orders. A command that can't be carried out is answered CommandFailed, never with silence.
#include "connector/core/core.h"

namespace tandem::connector {

bool one_line(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) return false;
  }
  return true;
}

void Core::command_failed(const link::Command& command, Code::Code code, std::string text) {
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
  report(std::move(message));
}

void Core::on(Commanded& input) {
  const auto& command = input.command;
  using What = link::Command;
  if (command.what_case() == What::kLocation) return act(LearnLocation{command.location().registration()});
  if (command.what_case() == What::WHAT_NOT_SET) return command_failed(command, Code::NOT_SUPPORTED, "unknown command");
  if (command.what_case() == What::kInvite) return invite(command);

  const auto found = conversations_.find(ConversationNo{command.conversation()});
  if (found == conversations_.end()) return command_failed(command, Code::NO_SUCH_CONVERSATION, "no such conversation");
  auto& conversation = found->second;
  if (command.what_case() == What::kRelease) return release(conversation, command);
  if (command.what_case() == What::kTag) {
    conversation.conn_id = command.tag().conn_id();
    conversation.call_uuid = command.tag().call_uuid();
    return;
  }

  auto* party = find_party(PartyNo{command.party()});
  if (!party || party->conversation != &conversation)
    return command_failed(command, Code::NO_SUCH_PARTY, "no such party");
  switch (command.what_case()) {
    case What::kAdmit:
      return admit(*party, command);
    case What::kReject:
      return reject(*party, command);
    case What::kRemove:
      return remove(*party, command);
    default:
      return command_failed(command, Code::NOT_SUPPORTED, "unknown command");
  }
}

void Core::remove(Party& party, const link::Command& command) {
  const auto& order = command.remove();
  if (!one_line(order.reason())) return command_failed(command, Code::BAD_ADDRESS, "control characters");
  End end{.cause = link::Left::REMOVED, .command = command.id(), .wire_reason = order.reason()};
  if (party.state == PartyState::Offered) {
    end.status = order.status() >= 300 && order.status() <= 699 ? static_cast<int>(order.status()) : 480;
  } else if (party.outgoing) {
    end.status = 487;  // by our own CANCEL
  }
  end_party(party, std::move(end));
}

void Core::release(Conversation& conversation, const link::Command& command) {
  const auto& reason = command.release().reason();
  if (!one_line(reason)) return command_failed(command, Code::BAD_ADDRESS, "control characters");
  // Ending the last party ends the conversation, so the list is taken first.
  std::vector<PartyNo> all;
  for (const auto* party : conversation.parties) all.push_back(party->no);
  for (const auto no : all) {
    auto* party = find_party(no);
    if (!party) continue;
    const bool called = party->outgoing && party->state != PartyState::Connected;
    end_party(*party, End{.cause = link::Left::REMOVED,
                          .command = command.id(),
                          .status = called ? 487 : 480,
                          .wire_reason = reason});
  }
}

}  // namespace tandem::connector
