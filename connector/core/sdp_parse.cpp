#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <optional>

#include "connector/core/sdp.h"

namespace tandem::connector::sdp {
namespace {

struct Static {
  std::uint8_t number;
  const char* encoding;
  std::uint32_t rate;
  std::uint8_t channels;
};

// RFC 3551 section 6, audio.
constexpr std::array<Static, 17> kStatic{{{0, "PCMU", 8000, 1},
                                          {3, "GSM", 8000, 1},
                                          {4, "G723", 8000, 1},
                                          {5, "DVI4", 8000, 1},
                                          {6, "DVI4", 16000, 1},
                                          {7, "LPC", 8000, 1},
                                          {8, "PCMA", 8000, 1},
                                          {9, "G722", 8000, 1},
                                          {10, "L16", 44100, 2},
                                          {11, "L16", 44100, 1},
                                          {12, "QCELP", 8000, 1},
                                          {13, "CN", 8000, 1},
                                          {14, "MPA", 90000, 1},
                                          {15, "G728", 8000, 1},
                                          {16, "DVI4", 11025, 1},
                                          {17, "DVI4", 22050, 1},
                                          {18, "G729", 8000, 1}}};

template <class Number>
std::optional<Number> number(std::string_view text, std::uint64_t limit) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > limit) return std::nullopt;
  return static_cast<Number>(value);
}

// Takes the next word of a line.
std::string_view word(std::string_view& rest) {
  const auto begin = rest.find_first_not_of(" \t");
  if (begin == std::string_view::npos) {
    rest = {};
    return {};
  }
  rest.remove_prefix(begin);
  const auto end = std::min(rest.find_first_of(" \t"), rest.size());
  const auto taken = rest.substr(0, end);
  rest.remove_prefix(end);
  return taken;
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// A token we may write again: visible ASCII.
bool visible(std::string_view text) {
  for (const char c : text) {
    if (c <= ' ' || c > '~') return false;
  }
  return !text.empty();
}

bool no_controls(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) return false;
  }
  return true;
}

struct Address {
  std::string ip;
  bool zero = false;
};

// "IN IP4 192.0.2.1[/ttl]". A host name, or a multicast address, can't be served: the address stays empty.
Address address(std::string_view text) {
  Address result;
  if (!same_text(word(text), "IN")) return result;
  const auto family = word(text);
  auto host = word(text);
  host = host.substr(0, host.find('/'));
  const std::string literal(host.substr(0, 64));
  if (same_text(family, "IP4")) {
    in_addr raw{};
    if (inet_pton(AF_INET, literal.c_str(), &raw) != 1) return result;
    const std::uint32_t value = ntohl(raw.s_addr);
    if (value >> 28 == 0xe) return result;
    result.zero = value == 0;
  } else if (same_text(family, "IP6")) {
    in6_addr raw{};
    if (inet_pton(AF_INET6, literal.c_str(), &raw) != 1 || raw.s6_addr[0] == 0xff) return result;
    result.zero = IN6_IS_ADDR_UNSPECIFIED(&raw) != 0;
  } else {
    return result;
  }
  result.ip = literal;
  return result;
}

std::optional<Direction> direction(std::string_view attribute) {
  if (attribute == "sendrecv") return Direction::SendRecv;
  if (attribute == "sendonly") return Direction::SendOnly;
  if (attribute == "recvonly") return Direction::RecvOnly;
  if (attribute == "inactive") return Direction::Inactive;
  return std::nullopt;
}

class Parser {
 public:
  Result<Description, Failure> run(std::string_view text) {
    if (text.size() > kSizeMax) return Failure{"session description too large"};
    while (!text.empty()) {
      const auto end = std::min(text.find_first_of("\r\n"), text.size());
      const auto line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (trimmed(line).empty()) continue;
      if (auto failure = take(line)) return *failure;
    }
    finish();
    return std::move(result_);
  }

 private:
  std::optional<Failure> take(std::string_view line) {
    if (line.size() < 2 || line[1] != '=' || line[0] < 'a' || line[0] > 'z') return Failure{"not a line of SDP"};
    const auto value = line.substr(2);
    switch (line[0]) {
      case 'm':
        return media(value);
      case 'c': {
        auto found = address(value);
        if (result_.media.empty()) {
          session_address_ = std::move(found);
        } else {
          own_address_ = true;
          result_.media.back().ip = std::move(found.ip);
          result_.media.back().ip_is_zero = found.zero;
        }
        return std::nullopt;
      }
      case 'a':
        attribute(trimmed(value));
        return std::nullopt;
      default:
        return std::nullopt;
    }
  }

  // "audio 49170[/2] RTP/AVP 0 8 101"
  std::optional<Failure> media(std::string_view value) {
    finish();
    if (result_.media.size() >= kMediaMax) return Failure{"too many media lines"};
    Media media;
    const auto type = word(value);
    auto port = word(value);
    port = port.substr(0, port.find('/'));
    const auto transport = word(value);
    const auto parsed = number<std::uint16_t>(port, 65535);
    if (!visible(type) || !parsed || !visible(transport)) return Failure{"bad media line"};
    media.type = type;
    media.port = *parsed;
    media.transport = transport;
    const bool rtp = same_text(media.type, "audio") && transport.find("RTP/") != std::string_view::npos;
    for (auto format = word(value); !format.empty(); format = word(value)) {
      if (media.format.empty() && visible(format)) media.format = format;
      if (!rtp || media.payloads.size() >= kPayloadsMax) continue;
      const auto payload = number<std::uint8_t>(format, 127);
      if (payload && !find(media, *payload)) media.payloads.push_back(Payload{.number = *payload, .encoding = ""});
    }
    if (media.format.empty()) return Failure{"media line without formats"};
    own_address_ = false;
    media.direction = session_direction_;
    media.rtcp_mux = session_mux_;
    result_.media.push_back(std::move(media));
    return std::nullopt;
  }

  void attribute(std::string_view value) {
    const auto colon = value.find(':');
    const auto name = trimmed(value.substr(0, colon));
    const auto rest = colon == std::string_view::npos ? std::string_view{} : trimmed(value.substr(colon + 1));
    const auto way = direction(name);
    if (result_.media.empty()) {
      if (way) session_direction_ = *way;
      if (name == "rtcp-mux") session_mux_ = true;
      if (name == "ptime") session_ptime_ = number<std::uint32_t>(rest, 1000).value_or(0);
      return;
    }
    auto& media = result_.media.back();
    if (way) {
      media.direction = *way;
    } else if (name == "rtpmap") {
      rtpmap(media, rest);
    } else if (name == "fmtp") {
      fmtp(media, rest);
    } else if (name == "ptime") {
      media.ptime_ms = number<std::uint32_t>(rest, 1000).value_or(0);
    } else if (name == "maxptime") {
      media.maxptime_ms = number<std::uint32_t>(rest, 1000).value_or(0);
    } else if (name == "rtcp-mux") {
      media.rtcp_mux = true;
    } else if (name == "rtcp") {
      auto port = rest;
      media.rtcp_port = number<std::uint16_t>(word(port), 65535).value_or(0);
    }
  }

  // "101 telephone-event/8000[/1]"
  static void rtpmap(Media& media, std::string_view rest) {
    const auto payload = number<std::uint8_t>(word(rest), 127);
    auto* format = payload ? find(media, *payload) : nullptr;
    if (!format) return;
    const auto map = word(rest);
    const auto first = map.find('/');
    if (first == std::string_view::npos) return;
    const auto second = map.find('/', first + 1);
    const auto rate = number<std::uint32_t>(
        map.substr(first + 1, second == std::string_view::npos ? second : second - first - 1), 1000000);
    if (!rate || *rate == 0 || !visible(map.substr(0, first)) || first > 64) return;
    format->encoding = map.substr(0, first);
    format->clock_rate = *rate;
    format->channels = 1;
    if (second != std::string_view::npos) {
      const auto channels = number<std::uint8_t>(map.substr(second + 1), 255);
      if (channels && *channels > 0) format->channels = *channels;
    }
  }

  static void fmtp(Media& media, std::string_view rest) {
    const auto payload = number<std::uint8_t>(word(rest), 127);
    auto* format = payload ? find(media, *payload) : nullptr;
    const auto parameters = trimmed(rest);
    if (!format || parameters.size() > kParametersMax || !no_controls(parameters)) return;
    format->parameters = parameters;
  }

  static Payload* find(Media& media, std::uint8_t payload) {
    for (auto& each : media.payloads) {
      if (each.number == payload) return &each;
    }
    return nullptr;
  }

  // Ends the last m= section: inherited values, names of static payloads; formats nobody named are dropped.
  void finish() {
    if (result_.media.empty()) return;
    auto& media = result_.media.back();
    if (!own_address_) {
      media.ip = session_address_.ip;
      media.ip_is_zero = session_address_.zero;
      own_address_ = true;
    }
    if (media.ptime_ms == 0) media.ptime_ms = session_ptime_;
    for (auto& payload : media.payloads) {
      if (!payload.encoding.empty()) continue;
      for (const auto& known : kStatic) {
        if (known.number != payload.number) continue;
        payload.encoding = known.encoding;
        payload.clock_rate = known.rate;
        payload.channels = known.channels;
      }
    }
    std::erase_if(media.payloads, [](const Payload& payload) { return payload.encoding.empty(); });
  }

  Description result_;
  Address session_address_;
  Direction session_direction_ = Direction::SendRecv;
  bool session_mux_ = false;
  bool own_address_ = true;
  std::uint32_t session_ptime_ = 0;
};

}  // namespace

bool same_text(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

bool same_encoding(const Payload& a, const Payload& b) {
  return a.clock_rate == b.clock_rate && a.channels == b.channels && same_text(a.encoding, b.encoding);
}

Result<Description, Failure> parse(std::string_view text) {
  return Parser().run(text);
}

}  // namespace tandem::connector::sdp
