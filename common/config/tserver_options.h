// Options of the T-Server and of the objects of its switch. One line a row; see option.h. Names, levels and defaults
// are the documented ones where there are such.
#pragma once

#include "common/config/option.h"

namespace tandem::config {

enum class AniDistribution { InboundCallsOnly, AllCalls, Suppressed };
constexpr auto choices(AniDistribution) {
  return std::array{Choice<AniDistribution>{"inbound-calls-only", AniDistribution::InboundCallsOnly},
                    Choice<AniDistribution>{"all-calls", AniDistribution::AllCalls},
                    Choice<AniDistribution>{"suppressed", AniDistribution::Suppressed}};
}

enum class NoAnswerAction { None, NotReady, Logout };
constexpr auto choices(NoAnswerAction) {
  return std::array{Choice<NoAnswerAction>{"none", NoAnswerAction::None},
                    Choice<NoAnswerAction>{"notready", NoAnswerAction::NotReady},
                    Choice<NoAnswerAction>{"logout", NoAnswerAction::Logout}};
}

// Treatments as the T-Library names them.
enum class TreatmentName {
  Music = 2,
  RingBack,
  Silence,
  Busy,
  CollectDigits,
  PlayAnnouncement,
  PlayAnnouncementAndDigits,
  VerifyDigits,
  RecordUserAnnouncement,
  TextToSpeech = 15,
  TextToSpeechAndDigits,
  FastBusy
};
constexpr auto choices(TreatmentName) {
  return std::array{Choice<TreatmentName>{"Music", TreatmentName::Music},
                    Choice<TreatmentName>{"RingBack", TreatmentName::RingBack},
                    Choice<TreatmentName>{"Silence", TreatmentName::Silence},
                    Choice<TreatmentName>{"Busy", TreatmentName::Busy},
                    Choice<TreatmentName>{"FastBusy", TreatmentName::FastBusy},
                    Choice<TreatmentName>{"CollectDigits", TreatmentName::CollectDigits},
                    Choice<TreatmentName>{"PlayAnnouncement", TreatmentName::PlayAnnouncement},
                    Choice<TreatmentName>{"PlayAnnouncementAndDigits", TreatmentName::PlayAnnouncementAndDigits},
                    Choice<TreatmentName>{"VerifyDigits", TreatmentName::VerifyDigits},
                    Choice<TreatmentName>{"RecordUserAnnouncement", TreatmentName::RecordUserAnnouncement},
                    Choice<TreatmentName>{"TextToSpeech", TreatmentName::TextToSpeech},
                    Choice<TreatmentName>{"TextToSpeechAndDigits", TreatmentName::TextToSpeechAndDigits}};
}

enum class PlayApplication { Refuse, Accept };
constexpr auto choices(PlayApplication) {
  return std::array{Choice<PlayApplication>{"refuse", PlayApplication::Refuse},
                    Choice<PlayApplication>{"accept", PlayApplication::Accept}};
}

enum class ConsultUserData { Separate, Inherited, Joint };
constexpr auto choices(ConsultUserData) {
  return std::array{Choice<ConsultUserData>{"separate", ConsultUserData::Separate},
                    Choice<ConsultUserData>{"inherited", ConsultUserData::Inherited},
                    Choice<ConsultUserData>{"joint", ConsultUserData::Joint}};
}

enum class StrictId { AnyId, Configured, Password };
constexpr auto choices(StrictId) {
  return std::array{Choice<StrictId>{"false", StrictId::AnyId}, Choice<StrictId>{"true", StrictId::Configured},
                    Choice<StrictId>{"passwd", StrictId::Password}};
}

enum class LoginState { PerRequest, Ready, NotReady };
constexpr auto choices(LoginState) {
  return std::array{Choice<LoginState>{"per-request", LoginState::PerRequest},
                    Choice<LoginState>{"ready", LoginState::Ready},
                    Choice<LoginState>{"not-ready", LoginState::NotReady}};
}

enum class ServiceType { PresenceProfile, DialPlan };
constexpr auto choices(ServiceType) {
  return std::array{Choice<ServiceType>{"presence-profile", ServiceType::PresenceProfile},
                    Choice<ServiceType>{"dialplan", ServiceType::DialPlan}};
}

enum class CallingMethod { DialOut, BackToBack };
constexpr auto choices(CallingMethod) {
  return std::array{Choice<CallingMethod>{"dialout", CallingMethod::DialOut},
                    Choice<CallingMethod>{"b2b", CallingMethod::BackToBack}};
}

enum class PassThrough { None, All, Iscc };
constexpr auto choices(PassThrough) {
  return std::array{Choice<PassThrough>{"none", PassThrough::None}, Choice<PassThrough>{"all", PassThrough::All},
                    Choice<PassThrough>{"iscc", PassThrough::Iscc}};
}

enum class CallTypeOverride { None = -1, Unknown, Internal, Inbound, Outbound, Consult };
constexpr auto choices(CallTypeOverride) {
  return std::array{Choice<CallTypeOverride>{"none", CallTypeOverride::None},
                    Choice<CallTypeOverride>{"0", CallTypeOverride::Unknown},
                    Choice<CallTypeOverride>{"1", CallTypeOverride::Internal},
                    Choice<CallTypeOverride>{"2", CallTypeOverride::Inbound},
                    Choice<CallTypeOverride>{"3", CallTypeOverride::Outbound},
                    Choice<CallTypeOverride>{"4", CallTypeOverride::Consult}};
}

enum class DirectCalls { No, Yes, OnLogin };
constexpr auto choices(DirectCalls) {
  return std::array{Choice<DirectCalls>{"false", DirectCalls::No}, Choice<DirectCalls>{"true", DirectCalls::Yes},
                    Choice<DirectCalls>{"on-login", DirectCalls::OnLogin}};
}

enum class DirectMedia { All, AudioVideo, Messages };
constexpr auto choices(DirectMedia) {
  return std::array{Choice<DirectMedia>{"all", DirectMedia::All}, Choice<DirectMedia>{"av", DirectMedia::AudioVideo},
                    Choice<DirectMedia>{"im", DirectMedia::Messages}};
}

enum class RingingWhen { Invited, Alerting };
constexpr auto choices(RingingWhen) {
  return std::array{Choice<RingingWhen>{"invited", RingingWhen::Invited},
                    Choice<RingingWhen>{"alerting", RingingWhen::Alerting}};
}

enum class LinkProtocol { Tcp, Tls };
constexpr auto choices(LinkProtocol) {
  return std::array{Choice<LinkProtocol>{"tcp", LinkProtocol::Tcp}, Choice<LinkProtocol>{"tls", LinkProtocol::Tls}};
}

enum class Arbiter { LockFile, Etcd };
constexpr auto choices(Arbiter) {
  return std::array{Choice<Arbiter>{"lock-file", Arbiter::LockFile}, Choice<Arbiter>{"etcd", Arbiter::Etcd}};
}

enum class SecProtocol { Tls12, Tls13 };
constexpr auto choices(SecProtocol) {
  return std::array{Choice<SecProtocol>{"TLSv12", SecProtocol::Tls12},
                    Choice<SecProtocol>{"TLSv13", SecProtocol::Tls13}};
}

struct TServerSection : Section {
  constexpr TServerSection() : Section("TServer", "Calls, routing, agents and links of the T-Server.") {}
  using enum Effect;

  // clang-format off
  Option<Seconds> router_timeout{*this, "router-timeout", level::kTServer | level::kRoutingPoint, "10", {1, 86400}, Immediately, "Longest time a call waits on a Routing Point for an instruction before it goes to default-dn."};
  Option<std::string> default_dn{*this, "default-dn", level::kTServer | level::kFolder | level::kRoutingPoint, "", {0, 255}, Immediately, "DN that takes calls nobody routed in time; empty switches default routing off."};
  Option<Integer> default_redirection_limit{*this, "default-redirection-limit", level::kTServer, "4", {0, 15}, Immediately, "How many times one call may go on to default-dn before a routing instruction is received; 0 switches default routing off.", {.alias = "default-redirect-limit"}};
  Option<Seconds> no_answer_timeout{*this, "no-answer-timeout", level::kTServer | level::kExtension, "0", {0, 600}, Immediately, "Time a ringing destination has to answer before the call is taken back from it; 0 switches it off."};
  Option<NoAnswerAction> no_answer_action{*this, "no-answer-action", level::kTServer | level::kExtension | level::kAgentLogin, "none", {}, Immediately, "What happens to a logged-in agent who let a routed call ring out; NO_ANSWER_ACTION of the route request or of the login wins."};
  Option<Seconds> av_joining_timeout{*this, "av-joining-timeout", level::kTServer, "60", {1, 600}, NextCall, "How long an invited party has to join a voice or video call."};
  Option<Seconds> lobby_timeout{*this, "lobby-timeout", level::kTServer, "600", {1, 86400}, NextCall, "How long somebody waits in the lobby of a conference to be let in; then the caller is answered 480."};
  Option<Seconds> link_loss_timeout{*this, "link-loss-timeout", level::kTServer, "60", {1, 3600}, Immediately, "How long the calls of a lost Connector are kept for its return."};
  Option<Seconds> dn_return_time{*this, "dn-return-time", level::kTServer, "10", {0, 3600}, Immediately, "Over how long the DNs of a Connector that was lost come back to it, each at its own time; 0: all at once."};
  Option<Milliseconds> takeover_timeout{*this, "takeover-timeout", level::kTServer, "5 sec", {0, 3600000}, Immediately, "How long a Connector may stay away until another one of its pool takes its calls over; 0: never."};
  Option<Seconds> request_timeout{*this, "request-timeout", level::kTServer, "10", {1, 600}, NextCall, "How long a Connector has to begin what a request asked of it, such as a treatment; then the request fails."};
  Option<Seconds> route_request_wait{*this, "route-request-wait", level::kTServer, "15", {0, 600}, Immediately, "How long RequestRouteCall and RequestApplyTreatment about a call whose Connector is away wait for its return, or for another one that takes the call over; then, and with 0 at once, they are refused with error 54."};
  Option<bool> sip_treatments_continuous{*this, "sip-treatments-continuous", level::kTServer | level::kFolder, "false", {}, NextCall, "Whether a treatment goes on while the destination that the call was routed to rings."};
  Option<ListOf<TreatmentName>> answering_treatments{*this, "answering-treatments", level::kTServer, "CollectDigits, PlayAnnouncement, PlayAnnouncementAndDigits, VerifyDigits, RecordUserAnnouncement, TextToSpeech, TextToSpeechAndDigits", {0, 16}, NextCall, "Treatments that a caller who still waits for an answer is answered for; the others are played before the answer."};
  Option<PlayApplication> play_application{*this, "play-application", level::kTServer, "refuse", {}, NextCall, "What a router is told that applies a voice application: not applied, or applied and over at once."};
  Option<std::string> calling_method_dialplan{*this, "calling-method-dialplan", level::kTServer | level::kFolder, "", {0, 255}, NextCall, "DN of type Voice over IP Service with service-type dialplan, asked for every destination: how it is called, and whether it may be."};
  Option<DialRule> dial_plan_rule_n{*this, "dial-plan-rule-n", level::kVoipService, "", {0, 255}, NextCall, "Pattern of destinations, n counting from 1, the first that matches counts: in braces D is one digit, S one character, # any digits, * any characters; behind => a run of question marks bars the number.", {.numbered = true}};
  Option<CallingMethod> calling_method{*this, "calling-method", level::kVoipService, "dialout", {}, NextCall, "How a destination that matches the dial plan is called; the request's calling-method wins."};
  Option<std::string> cpn{*this, "cpn", level::kTServer | level::kFolder | level::kVoipService, "", {0, 255}, NextCall, "Caller shown to who is called back-to-back; empty shows the true one. The request's CPNDigits wins."};
  Option<PassThrough> allow_pass_through_calls{*this, "allow-pass-through-calls", level::kTServer | level::kFolder | level::kExtension | level::kRoutingPoint, "all", {}, NextCall, "Whether a call may live on when every party left is external; iscc: if it is linked to another site."};
  Option<bool> unmonitored_users_external{*this, "unmonitored-users-external", level::kTServer, "false", {}, NextCall, "Whether users of the own domains without a DN count as external to allow-pass-through-calls."};
  Option<DirectCalls> handle_direct_calls{*this, "handle-direct-calls", level::kTServer | level::kExtension, "true", {}, NextCall, "Whether calls dialed straight to a DN are reported: never, always, or while an agent is logged in there. A desktop can override it while it is connected."};
  Option<ListOf<DirectMedia>> handle_direct_calls_media{*this, "handle-direct-calls-media", level::kTServer | level::kExtension, "all", {1, 3}, NextCall, "Media of direct calls that are reported: av is audio and video, im messages."};
  Option<CallTypeOverride> override_call_type{*this, "override-call-type", level::kRoutingPoint, "none", {}, NextCall, "CallType that calls report from this Routing Point on: 0 unknown, 1 internal, 2 inbound, 3 outbound, 4 consult."};
  Option<RingingWhen> ringing_event{*this, "ringing-event", level::kTServer, "invited", {}, NextCall, "When EventRinging is sent: with the invitation, or when the phone reports that it rings."};
  Option<Seconds> stop_timeout{*this, "stop-timeout", level::kTServer, "5", {0, 3600}, Immediately, "How long a T-Server that was told to stop waits for a moment when no call is being set up."};
  Option<Integer> server_id{*this, "server-id", level::kTServer, "1", {0, 16383}, AtStart, "Number folded into connection ids, to be unique among all T-Servers; without it the place of the application in the file counts."};
  Option<Bytes> user_data_limit{*this, "user-data-limit", level::kTServer, "16000", {0, 65535}, Immediately, "Largest packed user data of one call."};
  Option<ConsultUserData> consult_user_data{*this, "consult-user-data", level::kTServer, "separate", {}, Immediately, "User data of a consultation call: its own, a copy of the main call's at the start, or the main call's."};
  Option<bool> hide_sensitive_data{*this, "hide-sensitive-data", level::kApplication, "true", {}, Immediately, "Prints digits and treatment parameters in the log as **** and their length."};
  Option<AniDistribution> ani_distribution{*this, "ani-distribution", level::kTServer, "inbound-calls-only", {}, NotInUseYet, "For which calls events carry the caller's number."};
  Option<std::string> link_n_name{*this, "link-n-name", level::kTServer, "", {0, 64}, Immediately, "Names the section that holds one Connector link, n counting from 1; at least one is needed.", {.numbered = true}};
  Option<WrapUp> wrap_up_time{*this, "wrap-up-time", level::kTServer | level::kExtension | level::kAgentLogin, "0", {0, 86400}, Immediately, "Length of after-call work; 0 means none, untimed lasts until the agent leaves it."};
  Option<Seconds> legal_guard_time{*this, "legal-guard-time", level::kTServer | level::kExtension | level::kAgentLogin, "0", {0, 86400}, Immediately, "Pause before an agent becomes Ready after a call or after timed after-call work."};
  Option<bool> timed_acw_in_idle{*this, "timed-acw-in-idle", level::kTServer, "true", {}, Immediately, "Whether after-call work that an agent begins without a call ends by itself after wrap-up-time."};
  Option<bool> acw_in_idle_force_ready{*this, "acw-in-idle-force-ready", level::kTServer, "true", {}, Immediately, "Whether an agent is Ready after timed after-call work begun without a call, or else what it was before."};
  Option<LoginState> emulated_login_state{*this, "emulated-login-state", level::kTServer, "per-request", {}, Immediately, "State that an agent enters at login; per-request: by the work mode asked for, Ready if none is."};
  Option<StrictId> agent_strict_id{*this, "agent-strict-id", level::kTServer, "false", {}, Immediately, "Who may log in: false anybody, true the codes of configured agent logins, passwd these with their passwords."};
  Option<bool> agent_emu_login_on_call{*this, "agent-emu-login-on-call", level::kTServer | level::kExtension | level::kAgentLogin, "false", {}, Immediately, "Whether agents may log in and out while their DN has a call; AgentEmuLoginOnCall of the request wins."};
  Option<bool> logout_on_disconnect{*this, "logout-on-disconnect", level::kTServer | level::kExtension | level::kAgentLogin, "true", {}, Immediately, "Whether an agent is logged out when the client that logged it in is gone or unregisters the DN, else not before the DN is out of service; LogoutOnDisconnect of the registration wins."};
  Option<bool> logout_on_out_of_service{*this, "logout-on-out-of-service", level::kTServer, "false", {}, Immediately, "Whether an agent is logged out when the DN goes out of service."};
  Option<Integer> auto_logout_timeout{*this, "auto-logout-timeout", level::kTServer | level::kExtension | level::kAgentLogin, "0", {0, 35791}, Immediately, "Minutes of inactivity after which an agent is logged out; 0 switches it off."};
  Option<bool> auto_logout_ready{*this, "auto-logout-ready", level::kTServer, "false", {}, Immediately, "Whether auto-logout-timeout counts in every state; false spares agents who are Ready, or NotReady in after-call work, auxiliary work or legal guard time."};
  Option<ServiceType> service_type{*this, "service-type", level::kVoipService, "presence-profile", {}, Immediately, "What a service DN is for.", {.mandatory = true}};
  Option<bool> map_presence_to_dnd{*this, "map-presence-to-dnd", level::kVoipService, "false", {}, NotInUseYet, "Turns watched presence into do-not-disturb, or else pushes agent states as presence."};
  // clang-format on
};

struct LinkSection : Section {
  constexpr LinkSection()
      : Section("(link section)", "One Connector link of the T-Server, in the section that link-n-name names.") {}
  using enum Effect;

  // clang-format off
  Option<std::string> hostname{*this, "hostname", level::kTServer, "", {1, 255}, NextConnection, "Host name or address of the Connector; a link in use is dropped and made anew.", {.mandatory = true}};
  Option<Integer> port{*this, "port", level::kTServer, "9001", {1, 65535}, NextConnection, "Link port of the Connector.", {.mandatory = true}};
  Option<LinkProtocol> protocol{*this, "protocol", level::kTServer, "tls", {}, NextConnection, "Transport of the link; tcp is neither encrypted nor authenticated."};
  Option<std::string> pool_name{*this, "pool-name", level::kTServer, "", {0, 64}, Immediately, "Application pool of the Connector; empty or default means the default pool."};
  Option<bool> use_certificate{*this, "use-certificate", level::kTServer, "true", {}, NextConnection, "Whether the T-Server shows its certificate on this link."};
  Option<bool> verify_name{*this, "verify-name", level::kTServer, "true", {}, NextConnection, "Whether the Connector's certificate must be made out for the hostname of this section."};
  Option<Seconds> addp_timeout{*this, "addp-timeout", level::kTServer, "5", {0, 3600}, NextConnection, "How long this side waits for any sign of life before it drops the link; 0 switches polling off."};
  Option<Seconds> addp_remote_timeout{*this, "addp-remote-timeout", level::kTServer, "5", {0, 3600}, NextConnection, "The same for the Connector's side of the link."};
  Option<Milliseconds> reconnect_timeout{*this, "reconnect-timeout", level::kTServer, "500 ms", {10, 3600000}, Immediately, "Pause before the first attempt to rebuild the link; it doubles with every further one, with jitter."};
  Option<Milliseconds> reconnect_timeout_max{*this, "reconnect-timeout-max", level::kTServer, "10 sec", {10, 3600000}, Immediately, "Longest pause between attempts to rebuild the link."};
  // clang-format on
};

struct ClientsSection : Section {
  constexpr ClientsSection() : Section("clients", "Connections of T-Library clients.") {}
  using enum Effect;

  // clang-format off
  Option<Seconds> addp_timeout{*this, "addp-timeout", level::kTServer, "20", {0, 3600}, NextConnection, "How long the T-Server waits for any sign of life of a client before it drops it; 0 switches polling off."};
  Option<Seconds> open_timeout{*this, "open-timeout", level::kTServer, "10", {1, 600}, NextConnection, "How long a new connection may take to finish its TLS handshake and its RequestOpenServer."};
  Option<Seconds> session_keep{*this, "session-keep", level::kTServer, "30", {0, 86400}, Immediately, "How long the session of a client that asked for it goes on without a connection; 0 ends every session with its connection."};
  // clang-format on
};

struct HaSection : Section {
  constexpr HaSection() : Section("ha", "How two T-Servers agree which of them is primary.") {}
  using enum Effect;

  // clang-format off
  Option<Arbiter> arbiter{*this, "arbiter", level::kTServer, "lock-file", {}, AtStart, "Who decides which T-Server of a pair is primary: a file on the host that both share, or etcd for T-Servers on several hosts."};
  Option<Path> lock_file{*this, "lock-file", level::kTServer, "run/tserver.lock", {1, 1024}, AtStart, "File whose lock the primary holds, the same for both T-Servers of a pair and for no other; on a local file system."};
  Option<List> endpoints{*this, "endpoints", level::kTServer, "", {0, 16}, AtStart, "Members of the etcd cluster: http://host:port or https://host:port each. One that doesn't answer is followed by the next."};
  Option<std::string> etcd_prefix{*this, "etcd-prefix", level::kTServer, "/tandem/", {1, 255}, AtStart, "What the pair's keys in etcd begin with; different for environments that share a cluster and name their T-Servers alike."};
  Option<Path> etcd_ca{*this, "etcd-ca", level::kTServer, "", {0, 1024}, AtStart, "PEM file of the authority that signed the certificates of etcd; empty: that of the application."};
  Option<Path> etcd_certificate{*this, "etcd-certificate", level::kTServer, "", {0, 1024}, AtStart, "PEM file of the certificate shown to etcd; empty: that of the application."};
  Option<Path> etcd_key{*this, "etcd-key", level::kTServer, "", {0, 1024}, AtStart, "PEM file of that certificate's key; empty: that of the application."};
  Option<Milliseconds> lease_ttl{*this, "lease-ttl", level::kTServer, "2 sec", {500, 60000}, AtStart, "How long the role is kept by a primary that gives no sign of life; one that can't renew it steps down before."};
  Option<Seconds> no_connector_timeout{*this, "no-connector-timeout", level::kTServer, "10", {0, 3600}, Immediately, "How long a primary that reaches no Connector keeps its role while its backup knows all and reaches one; 0: for ever."};
  Option<List> administrators{*this, "administrators", level::kTServer, "", {0, 64}, Immediately, "Names of the certificates whose holders may ask for a switchover; empty: everybody who shows a certificate."};
  Option<List> sync_partners{*this, "sync-partners", level::kTServer, "", {0, 64}, AtStart, "Names of the certificates that a backup may show at the port ha-sync; empty: every certificate that the authority signed."};
  // clang-format on
};

struct TServerLimits : Section {
  constexpr TServerLimits() : Section("limits", "Bounds that keep one peer from harming the others.") {}
  using enum Effect;

  // clang-format off
  Option<Integer> clients{*this, "clients", level::kTServer, "2000", {1, 100000}, Immediately, "T-Library clients connected at once."};
  Option<Bytes> frame_size{*this, "frame-size", level::kTServer, "1 MB", {4096, 67108864}, NextConnection, "Largest message taken from a client or a Connector."};
  Option<Bytes> client_queue{*this, "client-queue", level::kTServer, "8 MB", {65536, 1073741824}, Immediately, "Events that may wait for a client that doesn't read; above it the client is disconnected."};
  Option<Integer> session_events{*this, "session-events", level::kTServer, "10000", {1000, 1000000}, Immediately, "Events held for one client that may resume its session, until it has confirmed them; a session that misses more ends."};
  Option<Bytes> session_bytes{*this, "session-bytes", level::kTServer, "4 MB", {65536, 536870912}, Immediately, "Size of these events together; never more than half of client-queue."};
  Option<Bytes> link_queue{*this, "link-queue", level::kTServer, "64 MB", {65536, 1073741824}, Immediately, "Commands that may wait for a Connector; above it the link is dropped."};
  Option<Bytes> sync_queue{*this, "sync-queue", level::kTServer, "64 MB", {1048576, 1073741824}, AtStart, "What may wait for a backup that is slow; above it the backup is dropped and joins anew with a snapshot."};
  Option<Integer> requests_per_second{*this, "requests-per-second", level::kTServer, "5000", {0, 1000000}, NextConnection, "Messages taken from one client each second; one that sends more is read no faster. 0 switches it off."};
  Option<Seconds> flood_timeout{*this, "flood-timeout", level::kTServer, "10", {1, 3600}, NextConnection, "A client that sends more than requests-per-second for this long is disconnected."};
  Option<Integer> requests_per_client{*this, "requests-per-client", level::kTServer, "1000", {1, 100000}, Immediately, "Requests of one client under way at once; above it TERR_TOO_MANY_REQ is answered."};
  Option<Integer> agents{*this, "agents", level::kTServer, "0", {0, 1000000}, Immediately, "Agents logged in at once; above it TERR_NOMORE_LICENSE is answered. 0 sets no limit."};
  Option<Integer> calls{*this, "calls", level::kTServer, "20000", {1, 1000000}, Immediately, "Calls at once; new ones above it are refused."};
  // clang-format on
};

struct SecuritySection : Section {
  constexpr SecuritySection() : Section("security", "TLS of every port and link.") {}
  using enum Effect;

  // clang-format off
  Option<SecProtocol> sec_protocol{*this, "sec-protocol", level::kApplication, "TLSv12", {}, NextConnection, "Lowest TLS version that is spoken."};
  Option<std::string> cipher_list{*this, "cipher-list", level::kApplication, "", {0, 1024}, NextConnection, "TLS 1.2 ciphers in OpenSSL's notation; empty leaves the choice to the library."};
  Option<bool> tls_mutual{*this, "tls-mutual", level::kTServer, "true", {}, NextConnection, "Whether T-Library clients must show a certificate of the configured authority; links always must."};
  // clang-format on
};

namespace options {
inline constexpr TServerSection tserver;
inline constexpr LinkSection link;
inline constexpr ClientsSection clients;
inline constexpr HaSection ha;
inline constexpr TServerLimits tserver_limits;
inline constexpr SecuritySection security;
}  // namespace options

}  // namespace tandem::config
