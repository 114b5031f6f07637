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

// What a caller hears while nobody has answered: tone sent as early media (183), or her own phone's (180).
enum class Ringback { EarlyMedia, Ringing };
constexpr auto choices(Ringback) {
  return std::array{Choice<Ringback>{"early-media", Ringback::EarlyMedia},
                    Choice<Ringback>{"ringing", Ringback::Ringing}};
}

struct StartupSection : Section {
  constexpr StartupSection() : Section("startup", "What a Connector needs once, when it starts.") {}
  using enum Effect;

  // clang-format off
  Option<Path> persistent_storage_path{*this, "persistent-storage-path", level::kConnector, "run", {1, 1024}, AtStart, "Folder where the Connector keeps what must outlive it."};
  Option<std::string> application_user_agent{*this, "application-user-agent", level::kConnector, "", {0, 128}, AtStart, "Text added to the SIP User-Agent header."};
  // clang-format on
};

struct FrontEndSection : Section {
  constexpr FrontEndSection()
      : Section("front-end", "Registrar and proxy: the embedded one, or one in front of the Connector.") {}
  using enum Effect;

  // clang-format off
  Option<FrontEndMode> mode{*this, "mode", level::kConnector, "embedded", {}, AtStart, "Whether phones register with the Connector or with an external proxy."};
  Option<List> domains{*this, "domains", level::kConnector, "", {0, 64}, Immediately, "SIP domains that are ours; calls to others are never relayed."};
  Option<std::string> realm{*this, "realm", level::kConnector, "", {0, 255}, AtStart, "Digest realm; empty means the first domain."};
  Option<std::string> server_address{*this, "server-address", level::kConnector, "", {0, 255}, AtStart, "Host name or address of the external proxy."};
  Option<Integer> server_port{*this, "server-port", level::kConnector, "5060", {1, 65535}, AtStart, "Port of the external proxy."};
  Option<SipTransport> server_transport{*this, "server-transport", level::kConnector, "udp", {}, AtStart, "Transport to the external proxy."};
  Option<Seconds> min_expires{*this, "min-expires", level::kConnector, "60", {1, 86400}, NextRegistration, "Shortest registration accepted; a shorter one is answered 423."};
  Option<Seconds> max_expires{*this, "max-expires", level::kConnector, "3600", {1, 604800}, NextRegistration, "Longest registration granted, and the one given when a phone asks for none."};
  Option<Seconds> nonce_lifetime{*this, "nonce-lifetime", level::kConnector, "300", {5, 86400}, Immediately, "How long a digest nonce may be used before it is answered stale."};
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
  Option<Path> ringtone_file_path{*this, "ringtone-file-path", kWhere, "", {0, 1024}, Immediately, "WAV file played to a caller while the called side alerts; empty means a generated tone.", {.alias = "ringtoneFilePath"}};
  Option<Path> music_on_hold_file_path{*this, "music-on-hold-file-path", kWhere, "", {0, 1024}, NotInUseYet, "WAV file played to a held party; empty means silence.", {.alias = "musicOnHoldFilePath"}};
  Option<bool> caching_enabled{*this, "caching-enabled", kWhere, "true", {}, NotInUseYet, "Keeps a used conference for later calls."};
  Option<Integer> conference_pool_size{*this, "conference-pool-size", level::kSwitch | level::kFolder, "0", {0, 6000}, NotInUseYet, "How many conferences are made ahead."};
  Option<Integer> reuse_avcall{*this, "reuse-avcall", level::kSwitch | level::kFolder, "0", {0, 1000000}, NotInUseYet, "How many conversations one call object serves."};
  // clang-format on
};

struct ConferenceServicesSection : Section {
  constexpr ConferenceServicesSection()
      : Section("conference-services", "Addresses of conferences, in the annex of the switch or of a pool's folder.") {}
  using enum Effect;
  static constexpr Levels kWhere = level::kSwitch | level::kFolder;

  // clang-format off
  Option<Integer> count{*this, "count", kWhere, "1", {1, 100000}, NotInUseYet, "Number of conference service endpoints."};
  Option<std::string> uri_pattern{*this, "uri-pattern", kWhere, "", {0, 255}, NotInUseYet, "Their addresses; the run of D in braces is the number of the endpoint with leading zeros."};
  Option<bool> lobby_bypass_enabled{*this, "lobby-bypass-enabled", kWhere, "true", {}, NotInUseYet, "Whether participants skip the lobby."};
  // clang-format on
};

struct SipSection : Section {
  constexpr SipSection() : Section("sip", "Timers and buffers of the SIP side.") {}
  using enum Effect;

  // clang-format off
  Option<Seconds> session_expires{*this, "session-expires", level::kConnector, "1800", {90, 86400}, NextCall, "Session interval offered and granted (RFC 4028)."};
  Option<Seconds> min_se{*this, "min-se", level::kConnector, "90", {90, 86400}, NextCall, "Shortest session interval accepted; a shorter one is answered 422 (RFC 4028)."};
  Option<Seconds> idle_timeout{*this, "idle-timeout", level::kConnector, "600", {10, 86400}, AtStart, "A TCP or TLS connection without traffic is closed after this time."};
  Option<Seconds> message_timeout{*this, "message-timeout", level::kConnector, "20", {1, 600}, AtStart, "A TCP or TLS connection whose message stays incomplete is closed after this time."};
  Option<Bytes> receive_buffer{*this, "receive-buffer", level::kConnector, "4 MB", {65536, 268435456}, AtStart, "Receive buffer of each UDP socket, as far as the system grants it."};
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
  Option<Integer> calls{*this, "calls", level::kConnector, "5000", {1, 1000000}, Immediately, "Calls at once; new ones above it are answered 503."};
  Option<Integer> calls_per_second_per_source{*this, "calls-per-second-per-source", level::kConnector, "200", {1, 1000000}, Immediately, "New calls taken each second from one address that isn't a trunk; more are answered 503."};
  Option<Integer> unacknowledged_invites{*this, "unacknowledged-invites", level::kConnector, "1000", {1, 1000000}, Immediately, "INVITEs answered and not yet acknowledged; above it new calls are answered 503."};
  Option<Integer> registrations{*this, "registrations", level::kConnector, "20000", {1, 10000000}, Immediately, "Contacts registered at once; more are answered 503."};
  Option<Integer> contacts_per_aor{*this, "contacts-per-aor", level::kConnector, "10", {1, 100}, NextRegistration, "Contacts one address may register; more are answered 403."};
  Option<Bytes> message_size{*this, "message-size", level::kConnector, "64 KB", {2048, 1048576}, AtStart, "Largest SIP message taken."};
  Option<Bytes> frame_size{*this, "frame-size", level::kConnector, "1 MB", {4096, 67108864}, NextConnection, "Largest message taken from a T-Server."};
  Option<Bytes> link_queue{*this, "link-queue", level::kConnector, "64 MB", {65536, 1073741824}, Immediately, "Messages that may wait for a T-Server; above it the link is dropped."};
  // clang-format on
};

namespace options {
inline constexpr StartupSection startup;
inline constexpr FrontEndSection front_end;
inline constexpr ConnectorSection connector;
inline constexpr ConferenceServicesSection conference_services;
inline constexpr SipSection sip;
inline constexpr ConnectorLinkSection connector_link;
inline constexpr ConnectorLimits connector_limits;
}  // namespace options

}  // namespace tandem::config
