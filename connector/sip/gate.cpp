#include "connector/sip/gate.h"

#include <algorithm>

namespace tandem::connector {

namespace {

// One who holds an IPv6 /64 holds all its addresses.
std::string_view network_of(std::string_view ip) {
  if (ip.find(':') == std::string_view::npos) return ip;
  std::size_t groups = 0;
  for (std::size_t i = 0; i < ip.size(); ++i) {
    if (ip[i] != ':') continue;
    if (i + 1 < ip.size() && ip[i + 1] == ':') return ip.substr(0, i);
    if (++groups == 4) return ip.substr(0, i);
  }
  return ip;
}

}  // namespace

const char* to_string(SipGate::Verdict verdict) {
  switch (verdict) {
    case SipGate::Verdict::Pass:
      return "pass";
    case SipGate::Verdict::RateOfSource:
      return "too many INVITEs a second from this source";
    case SipGate::Verdict::UnacknowledgedOfSource:
      return "this source does not acknowledge";
    case SipGate::Verdict::UnansweredOfSource:
      return "too many calls of this source not answered yet";
    case SipGate::Verdict::Unacknowledged:
      return "too many calls answered and not acknowledged";
    case SipGate::Verdict::Unanswered:
      return "too many calls not answered yet";
  }
  return "";
}

void SipGate::Ticket::answered() {
  if (gate_ == nullptr || answered_) return;
  answered_ = true;
  --gate_->unanswered_;
  --source_->unanswered;
  ++gate_->unacknowledged_;
  ++source_->unacknowledged;
}

void SipGate::Ticket::done() {
  if (gate_ == nullptr) return;
  if (answered_) {
    --gate_->unacknowledged_;
    --source_->unacknowledged;
  } else {
    --gate_->unanswered_;
    --source_->unanswered;
  }
  gate_ = nullptr;
}

void SipGate::forget_idle(Instant now) {
  std::erase_if(sources_, [&](const auto& entry) {
    return entry.second.unanswered == 0 && entry.second.unacknowledged == 0 && now - entry.second.filled > 2s;
  });
}

SipGate::Source& SipGate::source(std::string_view ip, Instant now) {
  const auto key = network_of(ip);
  if (const auto it = sources_.find(key); it != sources_.end()) return it->second;
  if (sources_.size() >= settings_.sources_tracked) forget_idle(now);
  if (sources_.size() >= settings_.sources_tracked) return others_;
  Source& fresh = sources_[std::string(key)];
  fresh.tokens = settings_.source_invites_per_second;
  fresh.filled = now;
  return fresh;
}

SipGate::Verdict SipGate::check(std::string_view ip, Instant now) {
  if (unacknowledged_ >= settings_.unacknowledged_max) return Verdict::Unacknowledged;
  if (unanswered_ >= settings_.unanswered_max) return Verdict::Unanswered;
  Source& from = source(ip, now);
  if (from.unacknowledged >= settings_.source_unacknowledged_max) return Verdict::UnacknowledgedOfSource;
  if (const double rate = settings_.source_invites_per_second; rate > 0) {
    const double passed = std::chrono::duration<double>(now - from.filled).count();
    from.tokens = std::min(rate, from.tokens + passed * rate);
    from.filled = now;
    if (from.tokens < 1) return Verdict::RateOfSource;
    from.tokens -= 1;
  }
  return Verdict::Pass;
}

SipGate::Verdict SipGate::check_stranger(std::string_view ip) const {
  const auto it = sources_.find(network_of(ip));
  const Source& from = it == sources_.end() ? others_ : it->second;
  return from.unanswered < settings_.source_unanswered_max ? Verdict::Pass : Verdict::UnansweredOfSource;
}

SipGate::Ticket SipGate::ticket(std::string_view ip) {
  const auto it = sources_.find(network_of(ip));
  Source& from = it == sources_.end() ? others_ : it->second;
  ++unanswered_;
  ++from.unanswered;
  return Ticket(this, &from);
}

}  // namespace tandem::connector
