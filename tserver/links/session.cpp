#include "tserver/links/session.h"

#include <utility>

namespace tandem::tserver {

link::Envelope& LinkSession::send(Effects& out) {
  auto& sent = std::get<Send>(out.emplace_back(Send{})).envelope;
  sent.set_sequence(++sent_);
  sent.set_epoch(options_.epoch);
  return sent;
}

void LinkSession::connected(Instant now, Effects& out) {
  state_ = State::AwaitHello;
  sent_ = received_ = 0;
  deadline_ = now + options_.open_timeout;
  addp_.emplace(net::AddpOptions{options_.addp_timeout}, now);
  again_ = hello_owed_ = false;
  say_hello(out);
}

void LinkSession::say_hello(Effects& out) {
  link::Hello& hello = *send(out).mutable_hello();
  hello = options_.hello;
  hello.set_major(link_major);
  hello.set_minor(link_minor);
  hello.set_addp_timeout_ms(static_cast<std::uint32_t>(options_.addp_timeout.count()));
  hello.set_addp_remote_timeout_ms(static_cast<std::uint32_t>(options_.addp_remote_timeout.count()));
}

void LinkSession::received(link::Envelope envelope, Instant now, Effects& out) {
  if (state_ == State::Closed) return;
  addp_->received(now);
  if (envelope.has_goodbye()) {  // whatever its number: nothing follows
    const link::Goodbye& goodbye = envelope.goodbye();
    return over("the Connector says goodbye: " + link::Goodbye::Reason_Name(goodbye.reason()) +
                    (goodbye.text().empty() ? "" : ", " + goodbye.text()),
                out, goodbye.reason() == link::Goodbye::FENCED);
  }
  if (envelope.sequence() != received_ + 1) {
    return goodbye(
        link::Goodbye::PROTOCOL_ERROR,
        "sequence number " + std::to_string(envelope.sequence()) + " came after " + std::to_string(received_), out);
  }
  received_ = envelope.sequence();
  const auto out_of_order = [&](const char* what) {
    goodbye(link::Goodbye::PROTOCOL_ERROR, std::string(what) + " came out of order", out);
  };
  switch (envelope.body_case()) {
    case link::Envelope::kHello:
      return state_ == State::AwaitHello ? hello(envelope.hello(), out) : out_of_order("Hello");
    case link::Envelope::kSnapshot:
      return state_ == State::AwaitSnapshot ? snapshot(envelope, now, out) : out_of_order("Snapshot");
    case link::Envelope::kHappening:
      // What happened is in the Snapshot that comes; records of calls are not.
      if (again_ && state_ == State::AwaitSnapshot && !envelope.happening().has_call_data()) return;
      if (state_ != State::Up && !again_) return out_of_order("Happening");
      out.emplace_back(Happening{std::move(*envelope.mutable_happening())});
      return;
    case link::Envelope::kAddpPoll:
      send(out).mutable_addp_answer()->set_stamp(envelope.addp_poll().stamp());
      return;
    case link::Envelope::kCommand:
      return out_of_order("Command");
    case link::Envelope::kAddpAnswer:
      if (envelope.addp_answer().stamp() == static_cast<std::uint64_t>(asked_at_.count()))
        round_trip_ = now - asked_at_;
      return;
    case link::Envelope::kGoodbye:      // seen above
    case link::Envelope::BODY_NOT_SET:  // from a later minor version
      return;
  }
}

void LinkSession::hello(const link::Hello& hello, Effects& out) {
  if (hello.major() != link_major) {
    return goodbye(link::Goodbye::WRONG_VERSION,
                   "this T-Server speaks version " + std::to_string(link_major) + " of the CTI link, not " +
                       std::to_string(hello.major()),
                   out);
  }
  peer_ = hello;
  // Each side's wish counts: the shorter time, where both are given.
  const std::chrono::milliseconds wished(hello.addp_remote_timeout_ms());
  if (wished.count() > 0 && (addp_->timeout().count() == 0 || wished < addp_->timeout())) addp_->set_timeout(wished);
  state_ = State::AwaitSnapshot;
}

void LinkSession::snapshot(link::Envelope& envelope, Instant now, Effects& out) {
  state_ = State::Up;
  if (std::exchange(hello_owed_, false)) return role(options_.hello.role(), options_.epoch, now, out);
  out.emplace_back(Up{peer_, std::move(*envelope.mutable_snapshot())});
}

void LinkSession::role(link::Role role, std::uint64_t epoch, Instant now, Effects& out) {
  options_.hello.set_role(role);
  options_.epoch = epoch;
  if (state_ == State::Closed) return;
  const bool primary = role == link::ROLE_PRIMARY;
  // Two Snapshots can't be told apart: the second is asked for when the first has come.
  if (primary && state_ != State::Up) {
    hello_owed_ = true;
    return;
  }
  hello_owed_ = false;
  say_hello(out);
  if (!primary) return;
  state_ = State::AwaitSnapshot;
  again_ = true;
  deadline_ = now + options_.open_timeout;
}

void LinkSession::malformed(Effects& out) {
  if (state_ != State::Closed) goodbye(link::Goodbye::PROTOCOL_ERROR, "a frame can't be decoded", out);
}

Instant LinkSession::check(Instant now, Effects& out) {
  if (state_ == State::Closed) return Instant{0};
  if (state_ != State::Up && now >= deadline_) {
    goodbye(link::Goodbye::PROTOCOL_ERROR, state_ == State::AwaitHello ? "no Hello in time" : "no Snapshot in time",
            out);
    return Instant{0};
  }
  const auto step = addp_->check(now);
  if (step.what == net::Addp::What::Dead) {
    state_ = State::Closed;
    out.emplace_back(Over{"no sign of life for " + std::to_string(addp_->timeout().count()) + " ms", false, true});
    return Instant{0};
  }
  if (step.what == net::Addp::What::Poll) send(out).mutable_addp_poll()->set_stamp(step.stamp);
  if (state_ == State::Up) return step.again;
  return step.again == Instant{0} ? deadline_ : std::min(deadline_, step.again);
}

void LinkSession::measure(Instant now, Effects& out) {
  if (state_ != State::Up) return;
  asked_at_ = now;
  send(out).mutable_addp_poll()->set_stamp(static_cast<std::uint64_t>(now.count()));
}

bool LinkSession::command(link::Command command, Effects& out) {
  if (state_ != State::Up || options_.hello.role() != link::ROLE_PRIMARY) return false;
  *send(out).mutable_command() = std::move(command);
  return true;
}

void LinkSession::goodbye(link::Goodbye::Reason reason, const std::string& text, Effects& out) {
  if (state_ == State::Closed) return;
  link::Goodbye& goodbye = *send(out).mutable_goodbye();
  goodbye.set_reason(reason);
  goodbye.set_text(text);
  over(text, out);
}

void LinkSession::over(std::string why, Effects& out, bool fenced) {
  state_ = State::Closed;
  out.emplace_back(Over{std::move(why), fenced});
}

}  // namespace tandem::tserver
