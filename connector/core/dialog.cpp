// Changes within a dialog: re-INVITE and UPDATE of either side, hold, session timers.
#include <algorithm>

#include "connector/core/core.h"

namespace tandem::connector {
namespace {

constexpr std::uint64_t mixed(std::uint64_t x) {  // splitmix64
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

}  // namespace

// --- Of the party ---

void Core::refuse_reinvite(const Reinvited& input, int status, std::uint32_t retry_after_s, std::uint32_t min_se_s) {
  AnswerReinvite answer{.leg = input.leg, .status = status, .retry_after_s = retry_after_s};
  answer.timer.min_se_s = min_se_s;
  act(std::move(answer));
}

void Core::on(Reinvited& input) {
  auto* leg = find_leg(input.leg);
  if (!leg) return;
  auto* party = !leg->party ? nullptr : find_party(leg->party);
  if (!party) return refuse_reinvite(input, 481, 0);
  if (leg->state == LegState::Trying) {
    // An offer before the first one is answered: RFC 3311 section 5.2.
    if (input.update && !input.sdp) return act(AnswerReinvite{.leg = input.leg, .status = 200});
    return leg->incoming ? refuse_reinvite(input, 500, 3) : refuse_reinvite(input, 491, 0);
  }
  const bool offers = input.sdp || !input.update;
  if (offers && (party->reinviting || party->answer_owed)) return refuse_reinvite(input, 491, 0);
  if (too_small(input.timer, settings_)) return refuse_reinvite(input, 422, 0, std::max(settings_.min_se_s, kMinSe));

  auto& stream = party->stream;
  std::string body;
  if (input.sdp) {
    auto remote = read_new_offer(*input.sdp, stream.line);
    if (!remote) {
      log(LogLevel::Interaction, *party, "re-INVITE refused", remote.error().text);
      return refuse_reinvite(input, remote.error().status, 0);
    }
    auto agreed = remote->rtp_port == 0 ? stream.agreed : choose_for_new_offer(*party, *remote);
    if (agreed.empty()) {
      log(LogLevel::Interaction, *party, "re-INVITE refused", "no common format");
      return refuse_reinvite(input, 488, 0);
    }
    if (remote->rtp_port != 0) stream.can = remote->payloads;
    stream.others = std::move(remote->others);
    stream.transport = remote->transport;
    take_remote(*party, std::move(*remote), std::move(agreed));
    body = answer_body(*party, stream.agreed);
  } else if (!input.update) {
    body = offer_body(*party, offer_for(stream.agreed, peer_formats(*party), own_payloads(settings_.codecs)));
    party->answer_owed = true;
  }
  SessionAnswer timer;
  if (input.timer.expires_s != 0 || party->expiry.expires_s != 0) {
    timer = answer_timer(input.timer, settings_);
    run_session_timer(*party, timer.expiry);
  }
  act(AnswerReinvite{.leg = input.leg, .status = 200, .sdp = std::move(body), .timer = timer.response});
  identify(*party, std::move(input.asserted_identity));
  if (!input.sdp) return;
  const bool held = stream.remote->held;
  const bool changed = held != party->held;
  party->held = held;
  connect(*party);
  if (changed) report_held(*party);
  touch(*party->conversation);
}

// What else the other side could do, for an offer to this party.
const Payloads& Core::peer_formats(const Party& party) const {
  const auto* peer = peer_of(party);
  return peer ? peer->stream.agreed : party.stream.can;
}

// Empty: the offer can't be served, the session stays as it is.
Payloads Core::choose_for_new_offer(Party& party, const Remote& remote) {
  const auto* peer = peer_of(party);
  if (peer && !peer->stream.agreed.empty() && peer->state == PartyState::Connected) {
    auto common = share(remote.payloads, peer->stream.agreed);
    if (common.empty()) common = share(remote.payloads, peer->stream.can);  // the peer is asked to follow
    return common;
  }
  auto agreed = share(remote.payloads, party.stream.agreed);
  if (agreed.empty()) agreed = own_share(remote.payloads);
  if (agreed.empty()) agreed = remote.payloads;
  return agreed;
}

void Core::set_held(Party& party, bool held) {
  if (party.held == held) return;
  party.held = held;
  report_held(party);
}

void Core::report_held(const Party& party) {
  auto message = happening(party);
  message.mutable_hold_changed()->set_held(party.held);
  log(LogLevel::Trace, party, party.held ? "held by phone" : "retrieved by phone");
  report(std::move(message));
}

// --- Of ours ---

// Formats empty: refresh only, as last described. Sent as soon as nothing else is under way.
void Core::want_reinvite(Party& party, Payloads formats) {
  if (!formats.empty() || !party.reinvite_wanted) party.wanted = std::move(formats);
  party.reinvite_wanted = true;
  send_reinvite(party);
}

void Core::send_reinvite(Party& party) {
  const auto* leg = find_leg(party.dialog);
  if (!leg || leg->state != LegState::Confirmed || party.reinviting || party.answer_owed || party.glare.set) return;
  party.reinvite_wanted = false;
  party.reinviting = true;
  auto& stream = party.stream;
  const auto& body = offer_body(party, party.wanted.empty() ? stream.described : party.wanted);
  act(SendReinvite{.leg = party.dialog,
                   .sdp = body,
                   .session_expires_s = party.expiry.expires_s,
                   .refresher = !party.expiry.expires_s   ? SessionTimer::Refresher::Unspecified
                                : party.expiry.we_refresh ? SessionTimer::Refresher::Uac
                                                          : SessionTimer::Refresher::Uas,
                   .min_se_s = party.min_se_s,
                   .overtake = party.reclaimed});
}

void Core::on(ReinviteAccepted& input) {
  auto* leg = find_leg(input.leg);
  auto* party = leg && leg->state == LegState::Confirmed ? find_party(leg->party) : nullptr;
  if (!party || !party->reinviting) return;
  party->reinviting = false;
  party->wanted.clear();
  if (party->recovering) recovered(*party);
  if (party->expiry.expires_s != 0) run_session_timer(*party, timer_answered(input.timer, party->expiry.expires_s));
  auto remote = read_answer(input.sdp ? std::string_view(*input.sdp) : std::string_view(), party->stream.line);
  auto agreed = remote ? settle(party->stream.described, remote->payloads) : Payloads{};
  if (!agreed.empty()) {
    take_answer(*party, std::move(*remote), std::move(agreed));
  } else {
    log(LogLevel::Standard, *party, "re-INVITE without a usable answer",
        remote ? "no common format" : remote.error().text);
  }
  if (party->reinvite_wanted) send_reinvite(*party);
}

// An answer to an offer of ours in an established dialog.
void Core::take_answer(Party& party, Remote remote, Payloads agreed) {
  const bool held = remote.held;
  take_remote(party, std::move(remote), std::move(agreed));
  const bool changed = held != party.held;
  party.held = held;
  connect(party);
  if (changed) report_held(party);
  touch(*party.conversation);
}

void Core::on(ReinviteRejected& input) {
  auto* leg = find_leg(input.leg);
  auto* party = leg && leg->state == LegState::Confirmed ? find_party(leg->party) : nullptr;
  if (!party || !party->reinviting) return;
  party->reinviting = false;
  if (recovery_failed(*party, input.status)) return;
  if (input.status == 481 || input.status == 408) {
    // The dialog is gone (RFC 3261 section 12.2.1.2).
    return end_party(*party, End{.cause = link::Left::TRANSPORT_FAILED,
                                 .reason = "re-INVITE answered " + std::to_string(input.status),
                                 .wire_reason = "SIP;cause=408",
                                 .gone = input.status == 481});
  }
  if (input.status == 491) {
    // RFC 3261 section 14.1: who made the Call-ID waits longer. Spread by a hash in the place of a random number.
    const auto spread = mixed(incarnation_ ^ mixed(input.leg.value + party->glare.generation));
    const auto wait = leg->incoming ? std::chrono::milliseconds(spread % 201 * 10)
                                    : std::chrono::milliseconds(2100 + spread % 191 * 10);
    party->reinvite_wanted = true;
    return arm(Wait::Glare, party->no.value, party->glare, wait);
  }
  if (input.status == 422 && input.min_se_s > party->expiry.expires_s && party->expiry.expires_s != 0) {
    party->min_se_s = input.min_se_s;
    party->expiry.expires_s = input.min_se_s;
    return want_reinvite(*party, std::move(party->wanted));
  }
  log(LogLevel::Standard, *party, "re-INVITE refused by the phone", std::to_string(input.status));
  const bool refresh = party->wanted.empty();
  party->wanted.clear();
  if (refresh && party->expiry.we_refresh && party->expiry.expires_s != 0) {
    // Again, until the session expires.
    const auto again = now_.steady + std::chrono::seconds(std::clamp<std::uint32_t>(input.retry_after_s, 10, 600));
    const auto due = std::min(again, party->expires_at) - now_.steady;
    arm(Wait::Session, party->no.value, party->session, std::max<Instant>(due, Instant{0}));
  }
  if (party->reinvite_wanted) return send_reinvite(*party);
  touch(*party->conversation);
}

// --- Session timers ---

void Core::run_session_timer(Party& party, SessionExpiry expiry) {
  party.expiry = expiry;
  if (expiry.expires_s == 0) return disarm(Wait::Session, party.no.value, party.session);
  party.expires_at = now_.steady + expiry.ends_after();
  arm(Wait::Session, party.no.value, party.session, expiry.we_refresh ? expiry.refresh_after() : expiry.ends_after());
}

void Core::session_due(Party& party) {
  if (now_.steady >= party.expires_at) {
    return end_party(party, End{.cause = link::Left::SESSION_EXPIRED,
                                .reason = "session expired",
                                .wire_reason = "SIP;cause=408;text=\"session expired\""});
  }
  arm(Wait::Session, party.no.value, party.session, party.expires_at - now_.steady);
  if (!party.reinviting) want_reinvite(party, {});
}

}  // namespace tandem::connector
