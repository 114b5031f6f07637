// Options of the Connector, in its application or in the annex of the switch or of a pool's folder. One line a row.
#pragma once

#include "common/config/option.h"

namespace tandem::config {

enum class FrontEndMode { Embedded, External };
constexpr auto choices(FrontEndMode) {
  return std::array{Choice<FrontEndMode>{"embedded", FrontEndMode::Embedded},
                    Choice<FrontEndMode>{"external", FrontEndMode::External}};
}

enum class SipTransport { Udp, Tcp, Tls };
constexpr auto choices(SipTransport) {
  return std::array{Choice<SipTransport>{"udp", SipTransport::Udp}, Choice<SipTransport>{"tcp", SipTransport::Tcp},
                    Choice<SipTransport>{"tls", SipTransport::Tls}};
}

enum class TlsVersion { Tls12, Tls13 };
constexpr auto choices(TlsVersion) {
  return std::array{Choice<TlsVersion>{"1.2", TlsVersion::Tls12}, Choice<TlsVersion>{"1.3", TlsVersion::Tls13}};
}

// Whether who connects over TLS shows a certificate signed by the CA.
enum class VerifyClients { None, Optional, Required };
constexpr auto choices(VerifyClients) {
  return std::array{Choice<VerifyClients>{"none", VerifyClients::None},
                    Choice<VerifyClients>{"optional", VerifyClients::Optional},
                    Choice<VerifyClients>{"required", VerifyClients::Required}};
}

// What the certificate of whom we connect to over TLS must be.
enum class VerifyServers { None, Trusted, Name };
constexpr auto choices(VerifyServers) {
  return std::array{Choice<VerifyServers>{"none", VerifyServers::None},
                    Choice<VerifyServers>{"trusted", VerifyServers::Trusted},
                    Choice<VerifyServers>{"name", VerifyServers::Name}};
}

// What a caller hears while nobody has answered: tone sent as early media (183), or her own phone's (180).
enum class Ringback { EarlyMedia, Ringing };
constexpr auto choices(Ringback) {
  return std::array{Choice<Ringback>{"early-media", Ringback::EarlyMedia},
                    Choice<Ringback>{"ringing", Ringback::Ringing}};
}

enum class DigestAlgorithm { Md5, Sha256 };
constexpr auto choices(DigestAlgorithm) {
  return std::array{Choice<DigestAlgorithm>{"MD5", DigestAlgorithm::Md5},
                    Choice<DigestAlgorithm>{"SHA-256", DigestAlgorithm::Sha256}};
}

enum class Codec { Pcmu, Pcma, G722, Opus };
constexpr auto choices(Codec) {
  return std::array{Choice<Codec>{"PCMU", Codec::Pcmu}, Choice<Codec>{"PCMA", Codec::Pcma},
                    Choice<Codec>{"G722", Codec::G722}, Choice<Codec>{"opus", Codec::Opus}};
}

struct StartupSection : Section {
  constexpr StartupSection() : Section("startup", "What a Connector needs once, when it starts.") {}
  using enum Effect;

  // clang-format off
  Option<Path> persistent_storage_path{*this, "persistent-storage-path", level::kConnector, "run", {0, 1024}, AtStart, "Folder where call data is kept so that calls outlive the Connector; empty: they don't."};
  Option<std::string> application_user_agent{*this, "application-user-agent", level::kConnector, "", {0, 128}, AtStart, "Text added to the SIP User-Agent header."};
  // clang-format on
};

struct FrontEndSection : Section {
  constexpr FrontEndSection()
      : Section("front-end", "Registrar and proxy: the embedded one, or one in front of the Connector.") {}
  using enum Effect;

  // clang-format off
  Option<FrontEndMode> mode{*this, "mode", level::kConnector, "embedded", {}, AtStart, "Whether phones register with the Connector or with an external proxy."};
  Option<List> domains{*this, "domains", level::kConnector, "", {0, 64}, Immediately, "SIP domains that are ours; the first one completes short names."};
  Option<std::string> realm{*this, "realm", level::kConnector, "", {0, 255}, AtStart, "Digest realm; empty means the first domain."};
  Option<std::string> server_address{*this, "server-address", level::kConnector, "", {0, 255}, AtStart, "Host name or address of the external proxy."};
  Option<Integer> server_port{*this, "server-port", level::kConnector, "5060", {1, 65535}, AtStart, "Port of the external proxy."};
  Option<SipTransport> server_transport{*this, "server-transport", level::kConnector, "udp", {}, AtStart, "Transport to the external proxy."};
  Option<Seconds> min_expires{*this, "min-expires", level::kConnector, "60", {1, 86400}, NextRegistration, "Shortest registration accepted; a shorter one is answered 423."};
  Option<Seconds> max_expires{*this, "max-expires", level::kConnector, "3600", {1, 604800}, NextRegistration, "Longest registration granted, and the one given when a phone asks for none."};
  Option<Seconds> nonce_lifetime{*this, "nonce-lifetime", level::kConnector, "300", {5, 86400}, Immediately, "How long a digest nonce may be used before it is answered stale."};
  Option<ListOf<DigestAlgorithm>> digest_algorithms{*this, "digest-algorithms", level::kConnector, "MD5", {1, 2}, Immediately, "Digest algorithms in the order they are offered."};
  Option<List> trusted_addresses{*this, "trusted-addresses", level::kConnector, "", {0, 64}, Immediately, "Further addresses of the external proxy, each as address or address:port."};
  Option<bool> accept_strangers{*this, "accept-strangers", level::kConnector, "true", {}, Immediately, "Whether callers who prove nothing may call DNs of ours; never anything else."};
  Option<bool> foreign_domains{*this, "foreign-domains", level::kConnector, "false", {}, Immediately, "Whether phones and applications of ours may call addresses of other domains."};
  Option<bool> trust_registered_flow{*this, "trust-registered-flow", level::kConnector, "false", {}, Immediately, "Takes calls over a TCP or TLS connection that registered by digest without asking for digest again."};
  // clang-format on
};

struct ConnectorSection : Section {
  constexpr ConnectorSection()
      : Section("connector", "Media and conferences; the folder of a pool speaks for the Connectors of that pool.") {}
  using enum Effect;
  static constexpr Levels kWhere = level::kConnector | level::kSwitch | level::kFolder;

  // clang-format off
  Option<std::string> pool_name{*this, "pool-name", level::kFolder, "", {0, 64}, Immediately, "Application pool that serves the DNs of this first-level folder."};
  Option<Ringback> ringback{*this, "ringback", kWhere, "early-media", {}, NextCall, "What a waiting caller gets: a tone as early media, or a plain 180 for her phone to ring by."};
  Option<bool> early_media_through{*this, "early-media-through", kWhere, "true", {}, NextCall, "Passes early media of the called party, such as announcements, on to a caller who hears ringing."};
  Option<Milliseconds> undecided_timeout{*this, "undecided-timeout", kWhere, "32 sec", {100, 600000}, NextCall, "How long a new call waits for the T-Server's first decision before it is answered 503."};
  Option<Seconds> recovery_window{*this, "recovery-window", level::kConnector, "60", {0, 86400}, AtStart, "A Connector that starts takes its calls up again unless they were kept longer ago."};
  Option<Milliseconds> without_server_timeout{*this, "without-server-timeout", kWhere, "5 sec", {0, 600000}, NextCall, "With no T-Server in reach, how long calls that aren't established are kept; established ones always are."};
  Option<Seconds> drain_timeout{*this, "drain-timeout", level::kConnector, "0", {0, 604800}, Immediately, "How long a Connector that was told to end waits for its calls to be over before it ends them by BYE; 0 means as long as they last."};
  Option<Milliseconds> fork_timeout{*this, "fork-timeout", kWhere, "10 sec", {1000, 600000}, NextCall, "How long the contacts of one preference ring before those of the next are tried."};
  Option<Path> ringtone_file_path{*this, "ringtone-file-path", kWhere, "", {0, 1024}, Immediately, "WAV file played to a caller while the called side alerts; empty means a generated tone.", {.alias = "ringtoneFilePath"}};
  Option<Path> music_on_hold_file_path{*this, "music-on-hold-file-path", kWhere, "", {0, 1024}, Immediately, "WAV file played to a held party; empty means silence.", {.alias = "musicOnHoldFilePath"}};
  Option<Path> prompts_path{*this, "prompts-path", kWhere, "", {0, 1024}, AtStart, "Folder of the prompts that treatments name by file; empty means that there are none."};
  Option<Path> recordings_path{*this, "recordings-path", kWhere, "recordings", {0, 1024}, AtStart, "Folder that recorded announcements are written to; empty means that none can be recorded."};
  Option<Seconds> longest_recording{*this, "longest-recording", kWhere, "600", {1, 86400}, AtStart, "Length at which a recording ends by itself."};
  Option<std::string> speech_command{*this, "speech-command", kWhere, "espeak-ng --stdin -v {language} -w {file}", {0, 1024}, AtStart, "Program that makes a WAV file of the text on its standard input; {language} and {file} are filled in; empty means that texts can't be spoken."};
  Option<std::string> speech_language{*this, "speech-language", kWhere, "en", {1, 64}, AtStart, "Language of texts that name none."};
  Option<bool> caching_enabled{*this, "caching-enabled", kWhere, "true", {}, NextCall, "Keeps a used conference for later calls."};
  Option<Integer> conference_pool_size{*this, "conference-pool-size", level::kSwitch | level::kFolder, "0", {0, 6000}, NextCall, "How many conferences are made ahead."};
  Option<bool> conf_session_shutdown{*this, "conf-session-shutdown", level::kSwitch | level::kFolder, "false", {}, NextCall, "Ends a conference with its last call, instead of keeping it for later ones."};
  Option<Integer> reuse_avcall{*this, "reuse-avcall", level::kSwitch | level::kFolder, "0", {0, 1000000}, NextCall, "How many conversations one conference serves before it is made anew; 0 means any number."};
  // clang-format on
};

struct ConferenceServicesSection : Section {
  constexpr ConferenceServicesSection()
      : Section("conference-services", "Addresses of conferences, in the annex of the switch or of a pool's folder.") {}
  using enum Effect;
  static constexpr Levels kWhere = level::kSwitch | level::kFolder;

  // clang-format off
  Option<Integer> count{*this, "count", kWhere, "1", {1, 100000}, NextCall, "Number of conference service endpoints."};
  Option<std::string> uri_pattern{*this, "uri-pattern", kWhere, "", {0, 255}, NextCall, "Their addresses; the run of D in braces is the number of the endpoint with leading zeros."};
  Option<bool> lobby_bypass_enabled{*this, "lobby-bypass-enabled", kWhere, "true", {}, NextCall, "Whether participants skip the lobby."};
  // clang-format on
};

struct SipSection : Section {
  constexpr SipSection() : Section("sip", "Timers and buffers of the SIP side.") {}
  using enum Effect;

  // clang-format off
  Option<Seconds> session_expires{*this, "session-expires", level::kConnector, "1800", {0, 86400}, NextCall, "Session interval offered and granted (RFC 4028); 0 asks for none."};
  Option<Seconds> min_se{*this, "min-se", level::kConnector, "90", {90, 86400}, NextCall, "Shortest session interval accepted; a shorter one is answered 422 (RFC 4028)."};
  Option<Milliseconds> t1{*this, "t1", level::kConnector, "500 ms", {50, 5000}, AtStart, "Estimate of a round trip, from which retransmissions follow (RFC 3261)."};
  Option<Milliseconds> next_address_timeout{*this, "next-address-timeout", level::kConnector, "4 sec", {100, 60000}, NextCall, "Where a name has several addresses and nothing comes from one, the next is tried after this time; at once where it answers 503 or can't be reached."};
  Option<Seconds> retry_after{*this, "retry-after", level::kConnector, "5", {1, 3600}, Immediately, "Pause asked for with a 503."};
  Option<Seconds> idle_timeout{*this, "idle-timeout", level::kConnector, "180", {10, 86400}, AtStart, "A TCP or TLS connection over which nothing comes is closed after this time."};
  Option<Seconds> message_timeout{*this, "message-timeout", level::kConnector, "10", {1, 600}, AtStart, "A TCP or TLS connection whose message stays incomplete is closed after this time."};
  Option<Bytes> receive_buffer{*this, "receive-buffer", level::kConnector, "4 MB", {65536, 268435456}, AtStart, "Receive buffer of each UDP socket, as far as the system grants it."};
  Option<Bytes> udp_mtu{*this, "udp-mtu", level::kConnector, "65535", {1200, 65535}, AtStart, "Requests larger than this try TCP first."};
  Option<TlsVersion> tls_min_version{*this, "tls-min-version", level::kConnector, "1.2", {}, NextConnection, "Lowest version of TLS."};
  Option<std::string> tls_ciphers{*this, "tls-ciphers", level::kConnector, "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:!aNULL", {1, 1024}, NextConnection, "Ciphers of TLS 1.2, as OpenSSL writes them."};
  Option<std::string> tls_ciphersuites{*this, "tls-ciphersuites", level::kConnector, "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256", {1, 1024}, NextConnection, "Cipher suites of TLS 1.3, as OpenSSL writes them."};
  Option<VerifyClients> tls_verify_clients{*this, "tls-verify-clients", level::kConnector, "none", {}, NextConnection, "Whether who connects over TLS shows a certificate signed by the CA; optional lets those in who don't, with nothing proved. A port's own verify-clients goes before; a trunk with certificate-names makes it optional at least."};
  Option<VerifyServers> tls_verify_servers{*this, "tls-verify-servers", level::kConnector, "name", {}, NextConnection, "Whether the certificate of whom we connect to over TLS must be signed by the CA, and made out to the name or address in the URI."};
  Option<List> report_headers{*this, "report-headers", level::kConnector, "", {0, 32}, NextCall, "Further headers of an INVITE that the T-Server is told of."};
  // clang-format on
};

struct MediaSection : Section {
  constexpr MediaSection() : Section("media", "RTP of the Connector.") {}
  using enum Effect;

  // clang-format off
  Option<Integer> workers{*this, "workers", level::kConnector, "1", {1, 64}, AtStart, "Threads that relay RTP."};
  Option<Seconds> silence_timeout{*this, "silence-timeout", level::kConnector, "30", {0, 86400}, AtStart, "A party from whom nothing comes for so long is taken off its call, unless it is on hold; 0 means never."};
  Option<Seconds> quarantine{*this, "quarantine", level::kConnector, "3", {0, 600}, AtStart, "How long a port rests between two calls."};
  Option<Seconds> rtcp_interval{*this, "rtcp-interval", level::kConnector, "5", {0, 600}, AtStart, "Pause between RTCP reports of ours; 0 sends none."};
  Option<Milliseconds> batch_window{*this, "batch-window", level::kConnector, "1 ms", {0, 20}, AtStart, "Packets that come within this time of each other are relayed together; 0 relays each at once."};
  Option<ListOf<Codec>> codecs{*this, "codecs", level::kConnector, "PCMU, PCMA", {1, 4}, NextCall, "Formats of voice that we offer, the preferred one first."};
  Option<Bytes> receive_buffer{*this, "receive-buffer", level::kConnector, "64 KB", {4096, 16777216}, AtStart, "Receive buffer of each RTP socket."};
  Option<bool> rtcp_mux{*this, "rtcp-mux", level::kConnector, "true", {}, NextCall, "Takes RTCP on the RTP port from a party that offers it (RFC 5761)."};
  // clang-format on
};

struct ConnectorLinkSection : Section {
  constexpr ConnectorLinkSection() : Section("link", "Links from T-Servers.") {}
  using enum Effect;

  // clang-format off
  Option<Seconds> addp_timeout{*this, "addp-timeout", level::kConnector, "5", {0, 3600}, NextConnection, "How long the Connector waits for any sign of life of a T-Server before it drops the link; 0 switches polling off."};
  Option<Seconds> addp_remote_timeout{*this, "addp-remote-timeout", level::kConnector, "5", {0, 3600}, NextConnection, "The same for the T-Server's side of the link."};
  // clang-format on
};

struct ConnectorLimits : Section {
  constexpr ConnectorLimits() : Section("limits", "Bounds that keep one peer from harming the others.") {}
  using enum Effect;

  // clang-format off
  Option<Integer> calls{*this, "calls", level::kConnector, "10000", {1, 1000000}, Immediately, "Conversations at once; new calls above it are answered 503."};
  Option<Integer> parties{*this, "parties", level::kConnector, "25000", {1, 2000000}, Immediately, "Parties of all conversations at once; more are refused."};
  Option<Integer> legs{*this, "legs", level::kConnector, "50000", {1, 4000000}, AtStart, "SIP dialogs and attempts at once; new calls above it are answered 503."};
  Option<Integer> targets{*this, "targets", level::kConnector, "16", {1, 100}, NextCall, "Contacts of one called party that are tried."};
  Option<Integer> calls_per_second_per_source{*this, "calls-per-second-per-source", level::kConnector, "200", {0, 1000000}, Immediately, "New calls taken each second from one address that is neither a trunk nor the proxy; 0 means no bound."};
  Option<Integer> invites_per_second_per_source{*this, "invites-per-second-per-source", level::kConnector, "2000", {0, 1000000}, AtStart, "INVITEs looked at each second from any one address; more are answered 503; 0 means no bound."};
  Option<Integer> unacknowledged_invites{*this, "unacknowledged-invites", level::kConnector, "2000", {1, 1000000}, AtStart, "INVITEs answered and not yet acknowledged; above it new ones are answered 503."};
  Option<Integer> unacknowledged_invites_per_source{*this, "unacknowledged-invites-per-source", level::kConnector, "500", {1, 1000000}, AtStart, "The same for one source address."};
  Option<Integer> unanswered_invites{*this, "unanswered-invites", level::kConnector, "5000", {1, 1000000}, AtStart, "INVITEs not answered yet; above it new ones are answered 503."};
  Option<Integer> unanswered_invites_per_source{*this, "unanswered-invites-per-source", level::kConnector, "500", {1, 1000000}, AtStart, "The same for one source address that is neither a trunk, nor the proxy, nor a phone that proved itself."};
  Option<Integer> failed_authentications{*this, "failed-authentications", level::kConnector, "20", {0, 1000000}, Immediately, "Failed digests from one address within a minute that ban it; 0 bans nobody."};
  Option<Seconds> ban_time{*this, "ban-time", level::kConnector, "60", {1, 86400}, Immediately, "How long such an address is banned."};
  Option<Integer> registrations{*this, "registrations", level::kConnector, "20000", {1, 10000000}, Immediately, "Contacts registered at once; more are answered 503."};
  Option<Integer> contacts_per_aor{*this, "contacts-per-aor", level::kConnector, "10", {1, 100}, Immediately, "Contacts one address may register; a further one takes the place of the oldest."};
  Option<Integer> subscriptions{*this, "subscriptions", level::kConnector, "5000", {0, 1000000}, Immediately, "Subscriptions to conferences at once; more are answered 503."};
  Option<Integer> subscriptions_per_source{*this, "subscriptions-per-source", level::kConnector, "200", {0, 1000000}, Immediately, "The same for one source address."};
  Option<Bytes> message_size{*this, "message-size", level::kConnector, "64 KB", {2048, 1048576}, AtStart, "Largest SIP message taken."};
  Option<Bytes> frame_size{*this, "frame-size", level::kConnector, "1 MB", {4096, 67108864}, NextConnection, "Largest message taken from a T-Server."};
  Option<Bytes> link_queue{*this, "link-queue", level::kConnector, "64 MB", {65536, 1073741824}, NextConnection, "Messages that may wait for a T-Server; above it the link is dropped."};
  // clang-format on
};

namespace options {
inline constexpr StartupSection startup;
inline constexpr FrontEndSection front_end;
inline constexpr ConnectorSection connector;
inline constexpr ConferenceServicesSection conference_services;
inline constexpr SipSection sip;
inline constexpr MediaSection media;
inline constexpr ConnectorLinkSection connector_link;
inline constexpr ConnectorLimits connector_limits;
}  // namespace options

}  // namespace tandem::config
