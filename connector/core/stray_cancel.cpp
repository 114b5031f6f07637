// Callers who gave up, where another Connector may have their call: their CANCEL goes where their INVITE went (RFC 3261
// section 9.1).
#include <utility>

#include "connector/core/core.h"

namespace tandem::connector {
namespace {

constexpr std::size_t kStraysMax = 1000;  // remembered until a T-Server is there

}  // namespace

void Core::on(CancelStrayed& input) {
  tell(std::move(input));
}

// Or once there is somebody.
void Core::tell(CancelStrayed stray) {
  if (!in_reach_) {
    if (strays_.size() < kStraysMax) strays_.push_back(std::move(stray));
    return;
  }
  link::Happening message;
  auto& told = *message.mutable_stray_cancel();
  told.set_call_id(std::move(stray.call_id));
  told.set_branch(std::move(stray.branch));
  told.set_reason(std::move(stray.reason));
  report(std::move(message));
}

void Core::tell_strays() {
  for (auto& stray : std::exchange(strays_, {})) tell(std::move(stray));
}

}  // namespace tandem::connector
