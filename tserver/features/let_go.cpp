#include "tserver/features/let_go.h"

namespace tandem::tserver {

void disown(Core& core, CtiLink& link, ConversationNo no) {
  link.let_go.insert(no);
  core.order(link, no, {}, [](link::Command& command) { command.mutable_disown(); });
}

void end_there(Core& core, CtiLink& link, ConversationNo no) {
  link.let_go.insert(no);
  core.order(link, no, {}, [](link::Command& command) { command.mutable_release(); });
}

}  // namespace tandem::tserver
