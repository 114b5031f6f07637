#include "connector/sip/text.h"

#include <sofia-sip/msg_mime.h>
#include <sofia-sip/sip_extra.h>

#include <array>
#include <charconv>
#include <cstring>

namespace tandem::connector::text {

namespace {

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r' || text.back() == '\n'))
    text.remove_suffix(1);
  return text;
}

std::string unquote(std::string_view text) {
  text = trim(text);
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
  text = text.substr(1, text.size() - 2);
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
  return out;
}

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) return 0xffffffffu;
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "0.7" as thousandths (RFC 3261 section 25.1: at most three digits).
std::optional<std::uint16_t> thousandths(std::string_view text) {
  if (text.empty() || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  std::uint16_t value = static_cast<std::uint16_t>((text[0] - '0') * 1000);
  if (text.size() == 1) return value;
  if (text[1] != '.' || text.size() > 5) return std::nullopt;
  std::uint16_t weight = 100;
  for (const char c : text.substr(2)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = static_cast<std::uint16_t>(value + (c - '0') * weight);
    weight = static_cast<std::uint16_t>(weight / 10);
  }
  return value > 1000 ? std::optional<std::uint16_t>() : value;
}

std::string parameter(const msg_param_t* params, std::string_view name) {
  for (; params != nullptr && *params != nullptr; ++params) {
    const std::string_view item = *params;
    const auto equals = item.find('=');
    if (same(trim(item.substr(0, equals)), name))
      return equals == std::string_view::npos ? std::string() : unquote(item.substr(equals + 1));
  }
  return {};
}

void add_credentials(const sip_authorization_t* header, bool proxy, std::vector<DigestCredentials>& out) {
  for (; header != nullptr && out.size() < 8; header = header->au_next) {
    if (!same(view(header->au_scheme), "Digest")) continue;
    DigestCredentials& c = out.emplace_back();
    c.proxy = proxy;
    for (const msg_param_t* p = header->au_params; p != nullptr && *p != nullptr; ++p) {
      const std::string_view item = *p;
      const auto equals = item.find('=');
      if (equals == std::string_view::npos) continue;
      const auto name = trim(item.substr(0, equals));
      const std::array<std::pair<std::string_view, std::string*>, 10> fields{{{"username", &c.username},
                                                                              {"realm", &c.realm},
                                                                              {"nonce", &c.nonce},
                                                                              {"uri", &c.uri},
                                                                              {"response", &c.response},
                                                                              {"algorithm", &c.algorithm},
                                                                              {"cnonce", &c.cnonce},
                                                                              {"opaque", &c.opaque},
                                                                              {"qop", &c.qop},
                                                                              {"nc", &c.nc}}};
      for (const auto& [field, to] : fields)
        if (same(name, field)) *to = unquote(item.substr(equals + 1));
    }
  }
}

}  // namespace

std::string uri(const url_t* url) {
  if (url == nullptr) return {};
  std::array<char, 256> small;
  const auto size = url_e(small.data(), static_cast<isize_t>(small.size()), url);
  if (size < 0) return {};
  if (static_cast<std::size_t>(size) < small.size()) return std::string(small.data(), static_cast<std::size_t>(size));
  std::string large(static_cast<std::size_t>(size) + 1, '\0');
  url_e(large.data(), static_cast<isize_t>(large.size()), url);
  large.resize(static_cast<std::size_t>(size));
  return large;
}

std::string display(const char* name) {
  return name == nullptr ? std::string() : unquote(name);
}

std::string address(const su_sockaddr_t* from) {
  std::array<char, SU_ADDRSIZE> text{};
  if (from == nullptr || su_inet_ntop(from->su_family, SU_ADDR(from), text.data(), text.size()) == nullptr) return {};
  constexpr std::string_view mapped = "::ffff:";
  const std::string_view found = text.data();
  if (found.starts_with(mapped) && found.find('.') != std::string_view::npos)
    return std::string(found.substr(mapped.size()));
  return std::string(found);
}

std::string way_to(const std::string& ip, std::uint16_t port, const std::string& transport) {
  const std::string host = ip.find(':') == std::string::npos ? ip : "[" + ip + "]";
  return "sip:" + host + ":" + std::to_string(port) + ";transport=" + transport;
}

std::uint16_t port(const su_sockaddr_t* from) {
  return from == nullptr ? std::uint16_t{0} : ntohs(from->su_port);
}

std::optional<std::string> sdp(const sip_t* sip) {
  const sip_payload_t* body = sip->sip_payload;
  if (body == nullptr || body->pl_len == 0) return std::nullopt;
  const sip_content_type_t* type = sip->sip_content_type;
  if (type == nullptr) return std::nullopt;
  if (same(view(type->c_type), "application/sdp")) return std::string(body->pl_data, body->pl_len);
  if (strncasecmp(view(type->c_type).data(), "multipart/", 10) != 0) return std::nullopt;
  const sofia::Home home;
  for (const msg_multipart_t* part = msg_multipart_parse(home.get(), type, const_cast<sip_payload_t*>(body));
       part != nullptr; part = part->mp_next) {
    if (part->mp_content_type != nullptr && part->mp_payload != nullptr &&
        same(view(part->mp_content_type->c_type), "application/sdp"))
      return std::string(part->mp_payload->pl_data, part->mp_payload->pl_len);
  }
  return std::nullopt;
}

SessionTimer timer(const sip_t* sip) {
  SessionTimer out;
  if (const auto* x = sip->sip_session_expires) {
    out.expires_s = static_cast<std::uint32_t>(std::min<unsigned long>(x->x_delta, 0xffffffffUL));
    const auto refresher = view(x->x_refresher);
    if (same(refresher, "uac")) out.refresher = SessionTimer::Refresher::Uac;
    if (same(refresher, "uas")) out.refresher = SessionTimer::Refresher::Uas;
  }
  if (const auto* min = sip->sip_min_se)
    out.min_se_s = static_cast<std::uint32_t>(std::min<unsigned long>(min->min_delta, 0xffffffffUL));
  out.supported = lists(sip->sip_supported, "timer");
  return out;
}

std::string reason(const sip_t* sip) {
  const sip_reason_t* header = sip->sip_reason;
  if (header == nullptr || header->re_protocol == nullptr) return {};
  std::string out = header->re_protocol;
  for (const msg_param_t* p = header->re_params; p != nullptr && *p != nullptr; ++p) out.append(";").append(*p);
  return out;
}

std::string header(const sip_t* sip, std::string_view name) {
  for (const sip_unknown_t* u = sip->sip_unknown; u != nullptr; u = u->un_next)
    if (same(view(u->un_name), name)) return std::string(trim(view(u->un_value)));
  return {};
}

std::vector<std::string> asserted(const sip_t* sip) {
  std::vector<std::string> out;
  for (const sip_unknown_t* u = sip->sip_unknown; u != nullptr && out.size() < 4; u = u->un_next) {
    if (!same(view(u->un_name), "P-Asserted-Identity")) continue;
    std::string_view rest = view(u->un_value);
    while (!rest.empty() && out.size() < 4) {
      // Skip a quoted display name; then the address is in brackets or stands alone.
      rest = trim(rest);
      if (!rest.empty() && rest.front() == '"') {
        std::size_t end = 1;
        while (end < rest.size() && rest[end] != '"') end += rest[end] == '\\' ? 2 : 1;
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
      const auto comma = rest.find(',');
      const auto open = rest.find('<');
      if (open != std::string_view::npos && open < comma) {
        const auto close = rest.find('>', open);
        if (close == std::string_view::npos) break;
        out.emplace_back(rest.substr(open + 1, close - open - 1));
        rest.remove_prefix(close + 1);
      } else if (const auto plain = trim(rest.substr(0, comma)); !plain.empty()) {
        out.emplace_back(plain.substr(0, plain.find(';')));
      }
      const auto next = rest.find(',');
      if (next == std::string_view::npos) break;
      rest.remove_prefix(next + 1);
    }
  }
  return out;
}

bool lists(const msg_list_t* list, std::string_view item) {
  for (; list != nullptr; list = list->k_next)
    for (const msg_param_t* p = list->k_items; p != nullptr && *p != nullptr; ++p)
      if (same(*p, item)) return true;
  return false;
}

bool allows(const sip_t* sip, sip_method_t method) {
  return sip->sip_allow != nullptr && sip_is_allowed(sip->sip_allow, method, sip_method_name(method, nullptr));
}

std::string unsupported(const sip_t* sip) {
  for (const sip_require_t* list = sip->sip_require; list != nullptr; list = list->k_next)
    for (const msg_param_t* p = list->k_items; p != nullptr && *p != nullptr; ++p)
      if (!same(*p, "timer") && !same(*p, "path") && !same(*p, "replaces") && !same(*p, "norefersub")) return *p;
  return {};
}

RequestFacts facts(const sip_t* sip, Origin origin) {
  RequestFacts out;
  out.method = sip->sip_request->rq_method_name;
  out.request_uri = uri(sip->sip_request->rq_url);
  out.from_uri = uri(sip->sip_from->a_url);
  out.from_display = display(sip->sip_from->a_display);
  out.to_uri = uri(sip->sip_to->a_url);
  out.call_id = view(sip->sip_call_id->i_id);
  if (sip->sip_user_agent != nullptr) out.user_agent = view(sip->sip_user_agent->g_string);
  out.cseq = sip->sip_cseq->cs_seq;
  out.asserted = asserted(sip);
  out.origin = std::move(origin);
  add_credentials(sip->sip_authorization, false, out.credentials);
  add_credentials(sip->sip_proxy_authorization, true, out.credentials);
  if (sip->sip_max_forwards != nullptr) out.max_forwards = static_cast<std::uint32_t>(sip->sip_max_forwards->mf_count);
  for (const sip_via_t* v = sip->sip_via; v != nullptr && out.via.size() < 70; v = v->v_next) {
    std::string sent_by(view(v->v_host));
    if (v->v_port != nullptr) sent_by.append(":").append(v->v_port);
    out.via.push_back(std::move(sent_by));
  }
  return out;
}

RegisterAsked registration(const sip_t* sip, Origin origin) {
  RegisterAsked out;
  out.facts = facts(sip, std::move(origin));
  for (const sip_contact_t* m = sip->sip_contact; m != nullptr && out.contacts.size() < 64; m = m->m_next) {
    if (m->m_url->url_type == url_any) {
      out.star = true;
      continue;
    }
    ContactAsked& c = out.contacts.emplace_back();
    c.uri = uri(m->m_url);
    // What can't be read counts as absent (RFC 3261 section 10.2.1.1).
    if (m->m_expires != nullptr) c.expires_s = number(m->m_expires);
    if (m->m_q != nullptr) c.q_milli = thousandths(m->m_q);
    c.instance = parameter(m->m_params, "+sip.instance");
    c.reg_id = number(parameter(m->m_params, "reg-id")).value_or(0);
  }
  if (sip->sip_expires != nullptr)
    out.expires_s = static_cast<std::uint32_t>(std::min<unsigned long>(sip->sip_expires->ex_delta, 0xffffffffUL));
  for (const sip_path_t* p = sip_path(sip); p != nullptr && out.path.size() < 16; p = p->r_next)
    out.path.push_back(uri(p->r_url));
  for (const sip_supported_t* list = sip->sip_supported; list != nullptr; list = list->k_next)
    for (const msg_param_t* p = list->k_items; p != nullptr && *p != nullptr && out.supported.size() < 32; ++p)
      out.supported.emplace_back(*p);
  return out;
}

std::string header_lines(const std::vector<SipHeader>& headers) {
  std::string out;
  for (const auto& h : headers) {
    if (h.name.empty() ||
        h.name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~") !=
            std::string::npos)
      continue;
    if (h.value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) continue;
    out.append(h.name).append(": ").append(h.value).append("\r\n");
  }
  return out;
}

std::string reason_value(const std::string& reason) {
  if (reason.empty() || reason.find_first_of("\r\n") != std::string::npos) return {};
  if (reason.starts_with("SIP;") || reason.starts_with("Q.850;")) return reason;
  std::string out = "SIP;text=\"";
  for (const char c : reason) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

// Value of Session-Expires as we send it.
std::string session_expires(std::uint32_t seconds, SessionTimer::Refresher refresher) {
  std::string out = std::to_string(seconds);
  if (refresher == SessionTimer::Refresher::Uac) out += ";refresher=uac";
  if (refresher == SessionTimer::Refresher::Uas) out += ";refresher=uas";
  return out;
}

std::uint32_t min_se_of(const sip_t* sip) {
  return sip == nullptr || sip->sip_min_se == nullptr
             ? 0u
             : static_cast<std::uint32_t>(std::min<unsigned long>(sip->sip_min_se->min_delta, 0xffffffffUL));
}

const char* phrase(const std::string& reason) {
  return reason.empty() || reason.find_first_of("\r\n") != std::string::npos ? nullptr : reason.c_str();
}

bool sane(std::string_view uri) {
  if (uri.empty() || uri.size() > 2048) return false;
  for (const char c : uri)
    if (static_cast<unsigned char>(c) <= ' ' || c == '<' || c == '>' || c == '"' || c == 0x7f) return false;
  return true;
}

std::optional<std::string> name_addr(const std::string& shown, const std::string& uri) {
  if (!sane(uri)) return std::nullopt;
  std::string out;
  out.reserve(shown.size() + uri.size() + 8);
  if (!shown.empty()) {
    out += '"';
    for (const char c : shown) {
      if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) continue;
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += "\" ";
  }
  return out.append("<").append(uri).append(">");
}

}  // namespace tandem::connector::text
