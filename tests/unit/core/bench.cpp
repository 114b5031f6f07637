#include "bench.h"

#include <algorithm>

namespace tandem::connector::test {
namespace {

std::string media_name(MediaId media) {
  return media ? "m" + std::to_string(media.value) : "none";
}

const char* word(Direction direction) {
  switch (direction) {
    case Direction::SendOnly:
      return "sendonly";
    case Direction::RecvOnly:
      return "recvonly";
    case Direction::Inactive:
      return "inactive";
    case Direction::SendRecv:
      break;
  }
  return "sendrecv";
}

// "m1 [0 PCMU] sendrecv v1", the endpoint by its port.
std::string sdp(const std::string& text) {
  if (text.empty()) return {};
  const auto parsed = sdp::parse(text);
  if (!parsed) return " BAD " + parsed.error().text;
  std::string result;
  for (const auto& media : parsed->media) {
    if (media.type != "audio" || media.port == 0) {
      result += " " + media.type + "-declined";
      continue;
    }
    result += " m" + std::to_string((media.port - 20000) / 2 + 1) + " [" + formats(media.payloads) + "] " +
              word(media.direction);
    if (media.rtcp_mux) result += " mux";
    if (media.transport != "RTP/AVP") result += " " + media.transport;
    if (media.ptime_ms != 20) result += " ptime " + std::to_string(media.ptime_ms);
  }
  const auto begin = text.find("o=- ");
  const auto version = text.find(' ', begin + 4) + 1;
  return result + " v" + text.substr(version, text.find(' ', version) - version);
}

std::string timer(const SessionTimer& timer) {
  std::string result;
  if (timer.expires_s) result += " expires " + std::to_string(timer.expires_s);
  if (timer.refresher == SessionTimer::Refresher::Uac) result += " uac";
  if (timer.refresher == SessionTimer::Refresher::Uas) result += " uas";
  if (timer.min_se_s) result += " min-se " + std::to_string(timer.min_se_s);
  return result;
}

std::string quoted(const std::string& text) {
  return text.empty() ? "" : " '" + text + "'";
}

struct Writer {
  std::string operator()(const SendInvite& a) const {
    std::string result = "invite " + name(a.leg) + " " + a.target.request_uri + sdp(a.sdp);
    if (a.session_expires_s != 1800) result += " expires " + std::to_string(a.session_expires_s);
    if (a.min_se_s) result += " min-se " + std::to_string(a.min_se_s);
    return result;
  }
  std::string operator()(const Answer& a) const {
    std::string result =
        "answer " + name(a.leg) + " " + std::to_string(a.status) + quoted(a.reason) + sdp(a.sdp) + timer(a.timer);
    for (const auto& contact : a.contacts) result += " contact " + contact;
    for (const auto& header : a.headers) result += " " + header.name + ": " + header.value;
    return result;
  }
  std::string operator()(const TakeCancel& a) const {
    return "take cancel " + name(a.leg) + " " + a.branch + quoted(a.reason);
  }
  std::string operator()(const SendCancel& a) const { return "cancel " + name(a.leg) + quoted(a.reason); }
  std::string operator()(const SendBye& a) const { return "bye " + name(a.leg) + quoted(a.reason); }
  std::string operator()(const SendReinvite& a) const {
    SessionTimer asked{.expires_s = a.session_expires_s, .min_se_s = a.min_se_s, .refresher = a.refresher};
    return "reinvite " + name(a.leg) + sdp(a.sdp) + timer(asked) + (a.overtake ? " overtake" : "");
  }
  std::string operator()(const AnswerReinvite& a) const {
    std::string result = "reanswer " + name(a.leg) + " " + std::to_string(a.status) + sdp(a.sdp) + timer(a.timer);
    if (a.retry_after_s) result += " retry-after " + std::to_string(a.retry_after_s);
    return result;
  }
  std::string operator()(const RestoreLeg& a) const { return "restore " + name(a.leg) + " " + a.dialog.call_id(); }
  std::string operator()(const DropLeg& a) const { return "drop " + name(a.leg); }
  std::string operator()(const TurnLeg& a) const {
    return "turn " + name(a.leg) + " " + (a.route.empty() ? a.flow : "by " + a.route.front());
  }
  std::string operator()(const ForgetLeg& a) const { return "forget " + name(a.leg); }
  std::string operator()(const MediaConnect& a) const {
    const auto& g = a.agreement;
    std::string result = "connect " + media_name(a.media) + " " + g.remote_ip + ":" +
                         std::to_string(g.remote_rtp_port) + " [" + formats(g.payloads) + "]";
    if (g.direction != Direction::SendRecv) result += std::string(" ") + word(g.direction);
    if (g.rtcp_mux) result += " mux";
    if (a.watch_silence) result += " watch";
    return result;
  }
  // "scene 1: m1, m2 deaf, m3 music 'file'": of the conversation with this number.
  std::string operator()(const MediaScene& a) const {
    std::string result = "scene " + party_name(a.scene.value) + ":";
    for (const auto& m : a.members) {
      if (&m != &a.members.front()) result += ",";
      result += " " + media_name(m.media);
      switch (m.sound) {
        case Sound::Others:
          break;
        case Sound::Silence:
          result += " silence";
          break;
        case Sound::Ringback:
          result += " ringback";
          break;
        case Sound::Busy:
          result += " busy";
          break;
        case Sound::FastBusy:
          result += " fast-busy";
          break;
        case Sound::Music:
          result += " music" + quoted(m.music);
          break;
      }
      if (!m.talks) result += " mute";
      if (!m.listens) result += " deaf";
      for (const auto by : m.heard_by) result += " to " + media_name(by);
    }
    return result;
  }
  std::string operator()(const MediaPlay& a) const {
    std::string result = "play " + media_name(a.media) + " #" + std::to_string(a.play);
    for (const auto& prompt : a.prompts) {
      result += " " + (prompt.file.empty() ? "'" + prompt.text + "'" : prompt.file);
      if (!prompt.language.empty()) result += " in " + prompt.language;
    }
    return result;
  }
  std::string operator()(const MediaRecord& a) const {
    std::string result = "record " + media_name(a.media) + " #" + std::to_string(a.play) + quoted(a.recording);
    if (a.max_ms) result += " max " + std::to_string(a.max_ms);
    if (a.silence_ms) result += " silence " + std::to_string(a.silence_ms);
    return result;
  }
  std::string operator()(const MediaDigits& a) const { return "digits " + media_name(a.media) + " " + a.digits; }
  std::string operator()(const AnswerRefer& a) const {
    return "answer refer " + name(a.leg) + " " + std::to_string(a.status);
  }
  std::string operator()(const NotifyRefer& a) const {
    return "notify refer " + name(a.leg) + " " + std::to_string(a.status) + quoted(a.reason);
  }
  std::string operator()(const SendTalk& a) const { return "talk " + name(a.leg); }
  std::string operator()(const AnswerSubscription& a) const {
    return "answer subscription " + std::to_string(a.subscription.value) + " " + std::to_string(a.status);
  }
  std::string operator()(const NotifyConference& a) const {
    return "notify " + std::to_string(a.subscription.value) + (a.terminated ? " terminated" : "");
  }
  std::string operator()(const MediaClose& a) const { return "close " + media_name(a.media); }
  std::string operator()(const Report& a) const {
    const auto& h = a.happening;
    std::string result = "report " + party_name(h.party());
    using What = link::Happening;
    switch (h.what_case()) {
      case What::kOffered:
        result += " offered " + h.offered().from() + " to " + h.offered().to() + " as " + h.offered().conversation_id();
        if (h.offered().video()) result += " video";
        if (h.offered().replaces()) result += " replaces " + party_name(h.offered().replaces());
        if (h.offered().conference()) result += " conference";
        break;
      case What::kAlerting:
        result += h.alerting().early_media() ? " alerting with media" : " alerting";
        if (h.alerting().talk()) result += " talk";
        break;
      case What::kAnswered:
        result += " answered " + h.answered().dn();
        break;
      case What::kFailed:
        result += " failed " + std::to_string(h.failed().status()) + quoted(h.failed().reason());
        for (const auto& contact : h.failed().contacts()) result += " contact " + contact;
        break;
      case What::kLeft:
        result += " left " + link::Left::Cause_Name(h.left().cause()) + quoted(h.left().reason());
        break;
      case What::kStrayCancel:
        result = "report stray CANCEL " + h.stray_cancel().call_id() + " " + h.stray_cancel().branch() +
                 quoted(h.stray_cancel().reason());
        break;
      case What::kHoldChanged:
        result += h.hold_changed().held() ? " held" : " retrieved";
        break;
      case What::kCommandFailed:
        result += " command " + link::CommandFailed::Code_Name(h.command_failed().code());
        break;
      case What::kPlaying:
        result += " playing";
        break;
      case What::kPlayed: {
        const auto& p = h.played();
        result += " played " + link::Played::Completion_Name(p.completion()) + quoted(p.digits());
        if (!p.last_digit().empty()) result += " by " + p.last_digit();
        if (p.interrupted()) result += " interrupted by " + link::Played::Interrupted_Name(p.interrupted());
        if (!p.recording().empty()) result += " recording " + p.recording();
        if (p.verified()) result += " verified";
        if (!p.text().empty()) result += ": " + p.text();
        break;
      }
      case What::kDigit:
        result += " digit " + h.digit().digit();
        break;
      case What::kDigitsSent:
        result += " digits sent " + h.digits_sent().digits();
        break;
      case What::kReferred:
        result += " refers to " + h.referred().to();
        if (h.referred().replaces_party())
          result += " replacing " + party_name(h.referred().replaces_party()) + " in " +
                    party_name(h.referred().replaces_conversation());
        if (h.referred().replaces_unknown()) result += " replacing nobody known";
        break;
      case What::kIdentified:
        result += " identified " + h.identified().dn();
        break;
      case What::kConferenceChanged:
        result += " conference " + (h.conference_changed().uri().empty() ? "closed" : h.conference_changed().uri());
        if (h.conference_changed().locked()) result += " locked";
        if (h.conference_changed().lobby()) result += " lobby";
        break;
      default:
        result += " other";
    }
    if (h.command()) result += " /" + std::to_string(h.command());
    return result;
  }
  std::string operator()(const SendSnapshot& a) const {
    std::string result = "snapshot " + std::to_string(a.link);
    for (const auto& conversation : a.snapshot.conversations()) {
      result += " {" + conversation.conversation_id();
      if (conversation.conn_id()) result += " " + to_hex(conversation.conn_id()) + " " + conversation.call_uuid();
      if (!conversation.conference_uri().empty()) result += " at " + conversation.conference_uri();
      for (const auto& party : conversation.parties()) {
        result += " " + party_name(party.party()) + " " + link::PartyState_Name(party.state()) + " " + party.dn() +
                  (party.outgoing() ? " called" : " caller") + (party.call_id().empty() ? " no call-id" : "");
        if (party.audio().muted()) result += " muted";
        if (party.playing()) result += " playing";
      }
      result += "}";
    }
    for (const auto& registration : a.snapshot.registrations()) result += " " + registration.aor();
    return result;
  }
  std::string operator()(const LearnLocation& a) const {
    return "learn " + a.registration.aor() + " " + std::to_string(a.registration.contacts_size());
  }
  std::string operator()(const SetCoreTimer&) const { return {}; }
  std::string operator()(const CancelCoreTimer&) const { return {}; }
  std::string operator()(const CoreLog&) const { return {}; }
};

}  // namespace

std::string name(LegId leg) {
  return leg.value & kTop ? "out" + std::to_string(leg.value & ~kTop) : "in" + std::to_string(leg.value);
}

std::string party_name(std::uint64_t party) {
  if (party & kTop) return "T" + std::to_string(party & ~kTop);
  return "P" + std::to_string(party & (kMade - 1));
}

std::string formats(const Payloads& payloads) {
  std::string result;
  for (const auto& payload : payloads) {
    if (!result.empty()) result += ", ";
    result += std::to_string(payload.number) + " " + payload.encoding;
    if (payload.clock_rate != 8000) result += "/" + std::to_string(payload.clock_rate);
    if (payload.channels != 1) result += "/" + std::to_string(payload.channels);
    if (payload.receive_number >= 0) result += " from " + std::to_string(payload.receive_number);
    if (!payload.parameters.empty()) result += " " + payload.parameters;
  }
  return result;
}

std::string line(const Action& action) {
  return std::visit(Writer{}, action);
}

std::vector<Target> FakeDirectory::resolve(const std::string& to, Unreachable& why) const {
  const auto found = known.find(to);
  if (found == known.end()) {
    why = Unreachable{404, "no such address"};
    return {};
  }
  if (found->second.empty()) why = Unreachable{480, "not registered"};
  return found->second;
}

std::vector<link::Registration> FakeDirectory::registrations(Now) const {
  return held;
}

std::optional<Endpoint> FakeMedia::open(const std::string& local_ip) {
  if (full) return std::nullopt;
  ++opened;
  const auto port = static_cast<std::uint16_t>(20000 + 2 * (opened - 1));
  return Endpoint{MediaId{opened}, local_ip.empty() ? "10.0.0.1" : local_ip, port};
}

std::string Phone::sdp() const {
  return "v=0\r\no=phone 1 " + std::to_string(version) + " IN IP4 " + ip + "\r\ns=-\r\nc=IN IP4 " + ip +
         "\r\nt=0 0\r\nm=audio " + std::to_string(port) + " RTP/AVP " + formats + "\r\n" + attributes +
         "a=" + direction + "\r\n";
}

Bench::Bench(CoreSettings settings, bool linked) : core(make_core(settings, directory, media, 1, 1)) {
  reachable("sip:bob@tandem.test", {{"sip:bob@192.0.2.2", 1000}});
  reachable("sip:alice@tandem.test", {{"sip:alice@192.0.2.1", 1000}});
  reachable("sip:away@tandem.test", {});
  if (linked) step(LinkOpened{1});
}

void Bench::reachable(std::string dn, std::vector<std::pair<std::string, std::uint16_t>> contacts) {
  auto& targets = directory.known[dn];
  targets.clear();
  for (auto& [uri, q] : contacts) targets.push_back(Target{.request_uri = uri, .q_milli = q, .dn = dn});
}

void Bench::take(const Actions& actions, Lines& lines) {
  for (const auto& action : actions) {
    if (const auto* set = std::get_if<SetCoreTimer>(&action)) timers.set(set->key, set->at);
    if (const auto* cancel = std::get_if<CancelCoreTimer>(&action)) timers.cancel(cancel->key);
    if (const auto* log = std::get_if<CoreLog>(&action)) logs.push_back(log->text);
    if (const auto* invite = std::get_if<SendInvite>(&action)) described[name(invite->leg)] = invite->sdp;
    if (const auto* answer = std::get_if<Answer>(&action); answer && !answer->sdp.empty())
      described[name(answer->leg)] = answer->sdp;
    auto text = line(action);
    if (!text.empty()) lines.push_back(std::move(text));
  }
}

Lines Bench::step(Input input) {
  Lines lines;
  last.clear();
  core->handle(std::move(input), now, last);
  take(last, lines);
  return lines;
}

Lines Bench::command(link::Command command) {
  if (command.id() == 0) command.set_id(next_command++);
  return step(Commanded{1, std::move(command)});
}

Lines Bench::wait(std::chrono::milliseconds time) {
  Lines lines;
  const auto until = now.steady + time;
  while (timers.next() && *timers.next() <= until) {
    now.steady = std::max(now.steady, *timers.next());
    const auto key = timers.pop(now.steady);
    for (auto& text : step(CoreTimer{*key})) lines.push_back(std::move(text));
  }
  now.steady = until;
  return lines;
}

Lines Bench::invited(LegId leg, std::optional<std::string> sdp, std::string to) {
  Invited input;
  input.leg = leg;
  input.caller = Caller{"sip:carl@example.net", false, ""};
  input.from_uri = "sip:carl@example.net";
  input.request_uri = std::move(to);
  input.call_id = "call-" + std::to_string(leg.value);
  input.sdp = std::move(sdp);
  return step(std::move(input));
}

Lines Bench::admit(std::uint64_t conversation, std::uint64_t party, link::Admit::Mode mode) {
  link::Command order;
  order.set_conversation(conversation);
  order.set_party(party);
  order.mutable_admit()->set_mode(mode);
  return command(std::move(order));
}

Lines Bench::invite(std::uint64_t conversation, std::uint64_t party, std::string to, bool originator,
                    std::uint32_t timeout_ms) {
  link::Command order;
  order.set_conversation(conversation);
  order.set_party(party);
  auto& invite = *order.mutable_invite();
  invite.set_to(std::move(to));
  invite.set_from("sip:carl@example.net");
  invite.set_originator(originator);
  invite.set_timeout_ms(timeout_ms);
  return command(std::move(order));
}

Lines Bench::remove(std::uint64_t conversation, std::uint64_t party, std::uint32_t status, std::string reason) {
  link::Command order;
  order.set_conversation(conversation);
  order.set_party(party);
  order.mutable_remove()->set_status(status);
  order.mutable_remove()->set_reason(std::move(reason));
  return command(std::move(order));
}

Lines Bench::release(std::uint64_t conversation, std::string reason) {
  link::Command order;
  order.set_conversation(conversation);
  order.mutable_release()->set_reason(std::move(reason));
  return command(std::move(order));
}

Lines Bench::hold(std::uint64_t conversation, std::uint64_t party, bool on) {
  link::Command order;
  order.set_conversation(conversation);
  order.set_party(party);
  order.mutable_hold()->set_on(on);
  return command(std::move(order));
}

Lines Bench::join(std::uint64_t conversation, std::uint64_t party, std::uint64_t to) {
  link::Command order;
  order.set_conversation(conversation);
  order.set_party(party);
  order.mutable_join()->set_to(to);
  return command(std::move(order));
}

Lines Bench::merge(std::uint64_t conversation, std::uint64_t into) {
  link::Command order;
  order.set_conversation(conversation);
  order.mutable_merge()->set_into(into);
  return command(std::move(order));
}

Lines Bench::audio(std::uint64_t conversation, std::uint64_t party, link::Audio audio) {
  link::Command order;
  order.set_conversation(conversation);
  order.set_party(party);
  *order.mutable_audio() = std::move(audio);
  return command(std::move(order));
}

void Bench::talking() {
  invited(in(1), Phone{.ip = "192.0.2.9"}.sdp());
  admit(made(1), made(2), link::Admit::WAITING);
  answered(made(1), given(1), "sip:bob@tandem.test", 1, 2);
  admit(made(1), made(2), link::Admit::ANSWER);
  step(Acked{in(1), {}});
}

Lines Bench::answered(std::uint64_t conversation, std::uint64_t party, std::string to, std::uint64_t leg, int host) {
  invite(conversation, party, std::move(to));
  step(Progressed{out(leg), 180, {}});
  return step(InviteAccepted{.leg = out(leg), .sdp = Phone{.ip = "192.0.2." + std::to_string(host)}.sdp()});
}

}  // namespace tandem::connector::test
