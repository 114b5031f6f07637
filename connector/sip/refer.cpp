#include "connector/sip/refer.h"

#include <sofia-sip/sip_extra.h>
#include <sofia-sip/url.h>

#include <array>
#include <cstring>
#include <string_view>

#include "connector/sip/text.h"

namespace tandem::connector {
namespace {

ReferRequest refused(int status, std::string why) {
  ReferRequest out;
  out.refusal = status;
  out.why = std::move(why);
  return out;
}

// Value of one header in a URI ("Replaces=...&Require=..."), unescaped; none: absent.
std::optional<std::string> header_in(const char* headers, std::string_view name) {
  std::string_view rest = text::view(headers);
  while (!rest.empty()) {
    const auto end = std::min(rest.find('&'), rest.size());
    const std::string_view item = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const auto equals = item.find('=');
    if (equals != name.size() || strncasecmp(item.data(), name.data(), name.size()) != 0) continue;
    std::string value(item.substr(equals + 1));
    if (value.find("%00") != std::string::npos) return std::string();
    value.resize(url_unescape_to(value.data(), value.c_str(), value.size()));
    return value;
  }
  return std::nullopt;
}

bool calls(const url_t* url) {
  std::array<char, 32> method{};
  if (url->url_params == nullptr || url_param(url->url_params, "method", method.data(), method.size()) == 0)
    return true;
  return strcasecmp(method.data(), "INVITE") == 0;
}

}  // namespace

std::optional<DialogName> read_replaces(const sip_replaces_t* header) {
  if (header == nullptr || header->rp_call_id == nullptr || header->rp_to_tag == nullptr ||
      header->rp_from_tag == nullptr)
    return std::nullopt;
  return DialogName{header->rp_call_id, header->rp_to_tag, header->rp_from_tag, header->rp_early_only != 0};
}

ReferRequest read_refer(const sip_t* sip) {
  const sip_refer_to_t* refer_to = sip->sip_refer_to;
  if (refer_to == nullptr || refer_to->r_next != nullptr) return refused(400, "One Refer-To is needed");
  const url_t* const url = refer_to->r_url;
  if (url->url_type != url_sip && url->url_type != url_sips && url->url_type != url_tel) return refused(416, {});
  if (!calls(url)) return refused(501, "Only calls can be referred");

  ReferRequest out;
  const sofia::Home home;
  url_t* const bare = url_hdup(home.get(), url);
  bare->url_headers = nullptr;
  if (bare->url_params != nullptr) {
    char* const left = url_strip_param_string(const_cast<char*>(bare->url_params), "method");
    bare->url_params = left == nullptr || *left == '\0' ? nullptr : left;
  }
  out.to = text::uri(bare);
  if (!text::sane(out.to)) return refused(400, "Refer-To can't be read");
  if (const auto replaces = header_in(url->url_headers, "Replaces")) {
    out.attended = true;
    out.call = read_replaces(sip_replaces_make(home.get(), replaces->c_str()));
  }
  if (sip->sip_referred_by != nullptr) out.by = text::uri(sip->sip_referred_by->b_url);
  if (const sip_refer_sub_t* wish = sip_refer_sub(sip); wish != nullptr && wish->rs_value != nullptr)
    out.silent = strcasecmp(wish->rs_value, "false") == 0;
  return out;
}

std::string sipfrag(int status, const std::string& reason) {
  const char* phrase = text::phrase(reason);
  if (phrase == nullptr) phrase = sip_status_phrase(status);
  return "SIP/2.0 " + std::to_string(status) + " " + (phrase == nullptr ? "Status" : phrase) + "\r\n";
}

}  // namespace tandem::connector
