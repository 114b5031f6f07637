// Requests that name us in their topmost Route are sent on, and their responses back, without any memory of them: for
// phones whose connection this room holds and another Connector calls. Who may have what forwarded is the front end's.
#pragma once

#include <string>

#include "common/log/log.h"
#include "connector/core/admission.h"
#include "connector/sip/ports.h"
#include "connector/sip/sofia.h"

namespace tandem::connector {

class SipForwarder {
 public:
  SipForwarder(const SipPorts& ports, const Admission& admission, Logger& log);

  // True: it was for us to forward and the message is used up; `refusal` is the status to answer with instead, if not
  // 0.
  bool request(nta_agent_t* agent, msg_t* msg, sip_t* sip, const Origin& origin, int& refusal) const;
  // Takes the message.
  void response(nta_agent_t* agent, msg_t* msg, sip_t* sip) const;

 private:
  // What our Via carries: made of what is behind it, so that a response proves that it answers a request we forwarded.
  std::string branch(const sip_via_t* behind, const sip_t* sip) const;

  const SipPorts& ports_;
  const Admission& admission_;
  Logger& log_;
  std::string secret_;
};

}  // namespace tandem::connector
