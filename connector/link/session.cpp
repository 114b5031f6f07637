#include "connector/link/session.h"

#include <algorithm>

namespace tandem::connector {

LinkSession::LinkSession(LinkNo link, const LinkIdentity& identity, LinkFence& fence, Instant now)
    : link_(link),
      identity_(identity),
      fence_(fence),
      addp_(net::AddpOptions{identity.addp_timeout}, now),
      hello_due_(now + identity.hello_timeout),
      due_(hello_due_) {}

link::Envelope& LinkSession::envelope(Effects& out) {
  auto& made = out.send.emplace_back();
  made.set_sequence(next_sequence());
  made.set_epoch(fence_.epoch);
  return made;
}

void LinkSession::start(Effects& out) {
  auto& hello = *envelope(out).mutable_hello();
  hello.set_major(kLinkMajor);
  hello.set_minor(kLinkMinor);
  hello.set_application(identity_.application);
  hello.set_pool(identity_.pool);
  hello.set_incarnation(identity_.incarnation);
  hello.set_addp_timeout_ms(static_cast<std::uint32_t>(identity_.addp_timeout.count()));
  hello.set_addp_remote_timeout_ms(static_cast<std::uint32_t>(identity_.addp_remote_timeout.count()));
  hello.set_version(identity_.version);
}

void LinkSession::goodbye(link::Goodbye::Reason reason, const std::string& text, Effects& out) {
  if (state_ == State::Ended) return;
  auto& goodbye = *envelope(out).mutable_goodbye();
  goodbye.set_reason(reason);
  goodbye.set_text(text);
  out.close = text;
  lost(out);
}

void LinkSession::lost(Effects& out) {
  if (state_ == State::Ended) return;
  state_ = State::Ended;
  due_.reset();
  if (told_core_) out.inputs.emplace_back(LinkClosed{link_});
}

void LinkSession::fenced(Effects& out) {
  if (state_ == State::Ended || !primary_ || epoch_ >= fence_.epoch) return;
  goodbye(link::Goodbye::FENCED,
          "fenced: epoch " + std::to_string(fence_.epoch) + " has been seen, yours is " + std::to_string(epoch_), out);
}

void LinkSession::received(link::Envelope& envelope, Instant now, Effects& out) {
  if (state_ == State::Ended) return;
  addp_.received(now);
  if (envelope.sequence() != received_ + 1)
    return goodbye(
        link::Goodbye::PROTOCOL_ERROR,
        "sequence " + std::to_string(envelope.sequence()) + " where " + std::to_string(received_ + 1) + " was due",
        out);
  received_ = envelope.sequence();
  if (state_ == State::HelloDue && !envelope.has_hello() && !envelope.has_goodbye())
    return goodbye(link::Goodbye::PROTOCOL_ERROR, "the first message must be Hello", out);
  switch (envelope.body_case()) {
    case link::Envelope::kHello:
      return hello(envelope.hello(), envelope.epoch(), now, out);
    case link::Envelope::kAddpPoll: {
      const auto stamp = envelope.addp_poll().stamp();
      this->envelope(out).mutable_addp_answer()->set_stamp(stamp);
      return;
    }
    case link::Envelope::kAddpAnswer:
      return;
    case link::Envelope::kCommand:
      return command(envelope, out);
    case link::Envelope::kGoodbye:
      out.close = "T-Server says goodbye: " + envelope.goodbye().text();
      return lost(out);
    case link::Envelope::kSnapshot:
    case link::Envelope::kHappening:
      return goodbye(link::Goodbye::PROTOCOL_ERROR, "a T-Server sends neither Snapshot nor Happening", out);
    case link::Envelope::BODY_NOT_SET:
      return;  // of a later minor version
  }
}

void LinkSession::hello(const link::Hello& hello, std::uint64_t epoch, Instant now, Effects& out) {
  if (hello.major() != kLinkMajor)
    return goodbye(
        link::Goodbye::WRONG_VERSION,
        "link protocol " + std::to_string(kLinkMajor) + " is spoken here, not " + std::to_string(hello.major()), out);
  const bool first = state_ == State::HelloDue;
  const bool primary = hello.role() == link::ROLE_PRIMARY;
  application_ = hello.application();
  epoch_ = epoch;
  if (primary && epoch < fence_.epoch) {
    primary_ = true;
    return fenced(out);
  }
  if (primary && epoch > fence_.epoch) {
    fence_.epoch = epoch;
    out.fence_raised = true;
  }
  if (first) {
    // Both sides agree on the shorter of what each wants, so that neither thinks the other dead.
    auto timeout = identity_.addp_timeout;
    if (const std::chrono::milliseconds wanted{hello.addp_remote_timeout_ms()}; wanted.count() > 0)
      timeout = timeout.count() > 0 ? std::min(timeout, wanted) : wanted;
    addp_.set_timeout(timeout);
    addp_.received(now);
    state_ = State::SnapshotDue;
    told_core_ = true;
    primary_ = primary;
    out.inputs.emplace_back(LinkOpened{link_, primary});
    check(now, out);
  } else if (primary != primary_) {
    primary_ = primary;
    // Who takes over begins from a snapshot of its own: what it heard as a backup, it may have dropped.
    if (primary) state_ = State::SnapshotDue;
    out.inputs.emplace_back(LinkRole{link_, primary});
  }
}

void LinkSession::command(link::Envelope& envelope, Effects& out) {
  if (!primary_) return goodbye(link::Goodbye::PROTOCOL_ERROR, "a backup does not command", out);
  epoch_ = std::max(epoch_, envelope.epoch());
  if (envelope.epoch() < fence_.epoch) {
    epoch_ = envelope.epoch();
    return fenced(out);
  }
  if (envelope.epoch() > fence_.epoch) {
    fence_.epoch = envelope.epoch();
    out.fence_raised = true;
  }
  if (state_ != State::Open)
    return goodbye(link::Goodbye::PROTOCOL_ERROR, "a command before the Snapshot was sent", out);
  out.inputs.emplace_back(Commanded{link_, std::move(*envelope.mutable_command())});
}

void LinkSession::snapshot(link::Snapshot&& snapshot, Effects& out) {
  if (state_ != State::SnapshotDue) return;
  state_ = State::Open;
  opened_ = true;
  *envelope(out).mutable_snapshot() = std::move(snapshot);
}

void LinkSession::check(Instant now, Effects& out) {
  if (state_ == State::Ended) return;
  if (state_ == State::HelloDue) {
    if (now >= hello_due_) return goodbye(link::Goodbye::PROTOCOL_ERROR, "no Hello in time", out);
    due_ = hello_due_;
    return;
  }
  const auto step = addp_.check(now);
  if (step.what == net::Addp::What::Dead) {
    out.close = "silent: no answer to ADDP";
    return lost(out);
  }
  if (step.what == net::Addp::What::Poll) envelope(out).mutable_addp_poll()->set_stamp(step.stamp);
  due_ = step.again == Instant{0} ? std::optional<Instant>() : step.again;
}

}  // namespace tandem::connector
