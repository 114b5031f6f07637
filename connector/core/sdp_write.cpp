#include <charconv>

#include "connector/core/sdp.h"

namespace tandem::connector::sdp {
namespace {

void append(std::string& out, std::uint64_t value) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

void attribute(std::string& out, std::string_view name, std::uint64_t value) {
  out += "a=";
  out += name;
  out += ':';
  append(out, value);
  out += "\r\n";
}

const char* word(Direction direction) {
  switch (direction) {
    case Direction::SendOnly:
      return "a=sendonly\r\n";
    case Direction::RecvOnly:
      return "a=recvonly\r\n";
    case Direction::Inactive:
      return "a=inactive\r\n";
    case Direction::SendRecv:
      break;
  }
  return "a=sendrecv\r\n";
}

void audio(std::string& out, const Local& local) {
  out += "m=audio ";
  append(out, local.port);
  out += ' ';
  out += local.transport;
  for (const auto& payload : local.payloads) {
    out += ' ';
    append(out, payload.number);
  }
  if (local.payloads.empty()) out += " 0";  // a line has at least one format, also a declined one
  out += "\r\n";
  if (local.port == 0) return;
  for (const auto& payload : local.payloads) {
    out += "a=rtpmap:";
    append(out, payload.number);
    out += ' ';
    out += payload.encoding;
    out += '/';
    append(out, payload.clock_rate);
    if (payload.channels > 1) {
      out += '/';
      append(out, payload.channels);
    }
    out += "\r\n";
    if (payload.parameters.empty()) continue;
    out += "a=fmtp:";
    append(out, payload.number);
    out += ' ';
    out += payload.parameters;
    out += "\r\n";
  }
  if (local.ptime_ms) attribute(out, "ptime", local.ptime_ms);
  if (local.maxptime_ms) attribute(out, "maxptime", local.maxptime_ms);
  if (local.rtcp_mux) out += "a=rtcp-mux\r\n";
  out += word(local.direction);
}

}  // namespace

std::string write(const Local& local) {
  const char* const family = local.ip.find(':') == std::string::npos ? "IN IP4 " : "IN IP6 ";
  std::string out;
  out.reserve(384);
  out += "v=0\r\no=- ";
  append(out, local.session);
  out += ' ';
  append(out, local.version);
  out += ' ';
  out += family;
  out += local.ip;
  out += "\r\ns=-\r\nc=";
  out += family;
  out += local.ip;
  out += "\r\nt=0 0\r\n";
  std::size_t place = 0;
  for (const auto& other : local.others) {
    if (place++ == local.line) audio(out, local);
    out += "m=";
    out += other.type;
    out += " 0 ";
    out += other.transport;
    out += ' ';
    out += other.format;
    out += "\r\n";
  }
  if (local.line >= local.others.size()) audio(out, local);
  return out;
}

}  // namespace tandem::connector::sdp
