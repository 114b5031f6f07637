#include "connector/core/roster.h"

#include <algorithm>

namespace tandem::connector {
namespace {

// Length of the UTF-8 character that begins `text`; 0: none does (RFC 3629, no surrogates, no overlong forms).
std::size_t utf8(std::string_view text) {
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto follows = [&](std::size_t i) { return (at(i) & 0xc0) == 0x80; };
  const unsigned a = at(0);
  if (a < 0x80) return 1;
  if (a >= 0xc2 && a <= 0xdf && follows(1)) return 2;
  if (a >= 0xe0 && a <= 0xef && follows(1) && follows(2)) {
    if ((a == 0xe0 && at(1) < 0xa0) || (a == 0xed && at(1) >= 0xa0)) return 0;
    if (a == 0xef && at(1) == 0xbf && at(2) >= 0xbe) return 0;  // U+FFFE and U+FFFF
    return 3;
  }
  if (a >= 0xf0 && a <= 0xf4 && follows(1) && follows(2) && follows(3)) {
    if ((a == 0xf0 && at(1) < 0x90) || (a == 0xf4 && at(1) >= 0x90)) return 0;
    return 4;
  }
  return 0;
}

void element(std::string& out, std::string_view name, std::string_view text) {
  out.append("<").append(name).append(">").append(xml_escaped(text)).append("</").append(name).append(">");
}

void endpoint(std::string& out, const RosterEntry& entry) {
  out.append("<endpoint entity=\"").append(xml_escaped(entry.endpoint)).append("\" state=\"full\">");
  element(out, "status", entry.status);
  element(out, "joining-method", entry.called ? "dialed-out" : "dialed-in");
  if (!entry.direction.empty()) {
    out += "<media id=\"1\">";
    element(out, "type", "audio");
    element(out, "status", entry.direction);
    out += "</media>";
  }
  out += "</endpoint>";
}

}  // namespace

std::string xml_escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto length = utf8(text);
    const char c = text.front();
    if (length > 1) {
      out.append(text.substr(0, length));
    } else if (length == 0 || (static_cast<unsigned char>(c) < ' ' && c != '\t' && c != '\n' && c != '\r')) {
      out += '?';
    } else {
      switch (c) {
        case '&':
          out += "&amp;";
          break;
        case '<':
          out += "&lt;";
          break;
        case '>':
          out += "&gt;";
          break;
        case '"':
          out += "&quot;";
          break;
        case '\'':
          out += "&apos;";
          break;
        default:
          out += c;
      }
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

std::string conference_info(const Roster& roster, std::uint32_t version) {
  const auto uri = xml_escaped(roster.uri);
  std::vector<const RosterEntry*> users;  // the first entry of each
  for (const auto& entry : roster.entries) {
    if (std::none_of(users.begin(), users.end(), [&](const auto* user) { return user->user == entry.user; }))
      users.push_back(&entry);
  }
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  out.append("<conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\" entity=\"").append(uri);
  out.append("\" state=\"full\" version=\"").append(std::to_string(version)).append("\">");
  out.append("<conference-description><conf-uris><entry><uri>").append(uri);
  out += "</uri><purpose>participation</purpose></entry></conf-uris></conference-description><conference-state>";
  element(out, "user-count", std::to_string(users.size()));
  element(out, "active", roster.active ? "true" : "false");
  element(out, "locked", roster.locked ? "true" : "false");
  out += "</conference-state><users>";
  for (const auto* user : users) {
    out.append("<user entity=\"").append(xml_escaped(user->user)).append("\" state=\"full\"><roles>");
    element(out, "entry", user->role);
    out += "</roles>";
    for (const auto& entry : roster.entries) {
      if (entry.user == user->user) endpoint(out, entry);
    }
    out += "</user>";
  }
  out += "</users></conference-info>\n";
  return out;
}

}  // namespace tandem::connector
