#include "connector/sip/forwarder.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>

#include <array>
#include <stdexcept>

#include "connector/sip/names.h"
#include "connector/sip/text.h"

namespace tandem::connector {

SipForwarder::SipForwarder(const SipPorts& ports, const Admission& admission, Logger& log)
    : ports_(ports), admission_(admission), log_(log), secret_(32, '\0') {
  if (getrandom(secret_.data(), secret_.size(), 0) != static_cast<ssize_t>(secret_.size()))
    throw std::runtime_error("no random bytes to be had");
}

std::string SipForwarder::branch(const sip_via_t* behind, const sip_t* sip) const {
  std::string of(text::view(behind->v_branch));
  of.append("|").append(text::view(behind->v_host)).append(":").append(text::view(behind->v_port));
  of.append("|").append(text::view(sip->sip_call_id->i_id)).append("|").append(std::to_string(sip->sip_cseq->cs_seq));
  std::array<unsigned char, EVP_MAX_MD_SIZE> out;
  unsigned size = 0;
  if (!HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()),
            reinterpret_cast<const unsigned char*>(of.data()), of.size(), out.data(), &size))
    throw std::runtime_error("HMAC-SHA256 not available in this OpenSSL");
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "z9hG4bKf";
  for (unsigned i = 0; i < 12; ++i) {
    text.push_back(kDigits[out[i] >> 4]);
    text.push_back(kDigits[out[i] & 15]);
  }
  return text;
}

bool SipForwarder::request(nta_agent_t* agent, msg_t* msg, sip_t* sip, const Origin& origin, int& refusal) const {
  if (sip->sip_route == nullptr || !ports_.ours(sip->sip_route->r_url, origin.local_ip)) return false;
  RouteAsked asked;
  asked.origin = origin;
  asked.token = text::view(sip->sip_route->r_url->url_user);
  if (asked.token.empty()) return false;  // a proxy's way to us as the end of the call
  asked.request_uri = text::uri(sip->sip_request->rq_url);
  if (sip->sip_contact != nullptr) asked.contact = text::uri(sip->sip_contact->m_url);
  const auto verdict = admission_.forward(asked);
  if (!verdict) {
    refusal = 403;
    return true;
  }
  if (sip->sip_max_forwards != nullptr) {
    if (sip->sip_max_forwards->mf_count == 0) {
      refusal = 483;
      return true;
    }
    --sip->sip_max_forwards->mf_count;
    msg_fragment_clear(sip->sip_max_forwards->mf_common);
  }
  tport_t* const connection = verdict->connection ? ports_.connection(agent, sip_host(verdict->to)) : nullptr;
  if (verdict->connection && connection == nullptr) {
    log_.write(LogLevel::Standard, "the connection to " + verdict->to + " is gone, Call-ID " +
                                       std::string(text::view(sip->sip_call_id->i_id)) + ": 430");
    refusal = 430;  // Flow Failed (RFC 5626 section 11.5)
    return true;
  }
  const std::string ours = branch(sip->sip_via, sip);
  while (sip->sip_route != nullptr && ports_.ours(sip->sip_route->r_url, origin.local_ip)) sip_route_remove(msg, sip);
  if (!verdict->record.empty()) {
    // One for each side, since they reach us by different ports (RFC 5658); the phone's is the topmost.
    const auto record = [&](const std::string& at) {
      if (auto* route = sip_record_route_format(msg_home(msg), "<sip:%s@%s;lr>", verdict->record.c_str(), at.c_str()))
        msg_header_insert(msg, reinterpret_cast<msg_pub_t*>(sip), reinterpret_cast<msg_header_t*>(route));
    };
    const std::string local =
        (origin.local_ip.find(':') == std::string::npos ? origin.local_ip : "[" + origin.local_ip + "]") + ":" +
        std::to_string(origin.local_port);
    record(local + ";transport=" + origin.transport);
    record(ports_.address_of(tport_parent(connection), origin.local_ip));
  }
  if (log_.enabled(LogLevel::Trace))
    log_.write(LogLevel::Trace, std::string(text::view(sip->sip_request->rq_method_name)) + " forwarded to " +
                                    verdict->to + ", Call-ID " + std::string(text::view(sip->sip_call_id->i_id)));
  nta_msg_tsend(agent, msg, sofia::url(verdict->to.c_str()), NTATAG_BRANCH_KEY(ours.c_str()),
                TAG_IF(connection != nullptr, NTATAG_TPORT(connection)), TAG_END());
  return true;
}

void SipForwarder::response(nta_agent_t* agent, msg_t* msg, sip_t* sip) const {
  const sip_via_t* const behind = sip->sip_via == nullptr ? nullptr : sip->sip_via->v_next;
  if (behind == nullptr || sip->sip_call_id == nullptr || sip->sip_cseq == nullptr ||
      text::view(sip->sip_via->v_branch) != branch(behind, sip)) {
    nta_msg_discard(agent, msg);
    return;
  }
  nta_msg_tsend(agent, msg, nullptr, TAG_END());
}

}  // namespace tandem::connector
