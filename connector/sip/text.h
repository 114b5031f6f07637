// Values between sofia's structures and ours. Everything returned is a copy: nothing of a message is kept.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connector/core/admission.h"
#include "connector/core/machine.h"
#include "connector/sip/sofia.h"

namespace tandem::connector::text {

inline std::string_view view(const char* text) {
  return text == nullptr ? std::string_view() : std::string_view(text);
}

std::string uri(const url_t* url);               // as written, with parameters, without brackets
std::string display(const char* name);           // without its quotes and escapes
std::string address(const su_sockaddr_t* from);  // IP without brackets
std::uint16_t port(const su_sockaddr_t* from);
std::string way_to(const std::string& ip, std::uint16_t port, const std::string& transport);  // as a URI

// The session description of a message; that part of a multipart body (RFC 5621). None: there is no such body.
std::optional<std::string> sdp(const sip_t* sip);
SessionTimer timer(const sip_t* sip);  // RFC 4028
std::string reason(const sip_t* sip);  // value of the first Reason header (RFC 3326), may be empty
std::string header(const sip_t* sip, std::string_view name);  // one the library doesn't know; empty: absent
std::vector<std::string> asserted(const sip_t* sip);          // URIs of P-Asserted-Identity
bool lists(const msg_list_t* list, std::string_view item);
bool allows(const sip_t* sip, sip_method_t method);
// First option tag of Require that isn't one of `supported`; empty: all are (RFC 3261 section 8.2.2.3).
std::string unsupported(const sip_t* sip);

RequestFacts facts(const sip_t* sip, Origin origin);
RegisterAsked registration(const sip_t* sip, Origin origin);

// "Name: value" lines for SIPTAG_HEADER_STR. Headers that would break the message are left out.
std::string header_lines(const std::vector<SipHeader>& headers);
// Value of a Reason header: words become SIP;text="words", a value that is one already stays.
std::string reason_value(const std::string& reason);
// "\"Display\" <uri>" for From and To. None: not a URI that can be sent.
std::optional<std::string> name_addr(const std::string& shown, const std::string& uri);
bool sane(std::string_view uri);  // no byte that could end a header or a URI in brackets

// Value of Session-Expires as we send it.
std::string session_expires(std::uint32_t seconds, SessionTimer::Refresher refresher);
std::uint32_t min_se_of(const sip_t* sip);      // of a 422; 0: absent
const char* phrase(const std::string& reason);  // null: the standard one

inline constexpr char kConversationHeader[] = "Ms-Conversation-ID";

}  // namespace tandem::connector::text
