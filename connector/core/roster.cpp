#include "connector/core/roster.h"

#include <algorithm>

#include "common/base/utf8.h"

namespace tandem::connector {
namespace {

// Production 2 of XML 1.0: no control characters but tab and line ends, no U+FFFE and U+FFFF.
bool xml_character(std::string_view character) {
  if (character.size() > 1) return character != "\xef\xbf\xbe" && character != "\xef\xbf\xbf";
  const char c = character.front();
  return static_cast<unsigned char>(c) >= ' ' || c == '\t' || c == '\n' || c == '\r';
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
    const std::size_t length = utf8_length(text);
    const std::string_view character = text.substr(0, std::max<std::size_t>(length, 1));
    text.remove_prefix(character.size());
    if (length == 0 || !xml_character(character)) {
      out += '?';
    } else {
      switch (character.front()) {
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
          out += character;
      }
    }
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
