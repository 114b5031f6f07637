// One SIP dialog, or attempt at one, as its phone knows it, and the ways between phone and Connectors. What a Connector
// knows of it is the Connector's own: another one may have it later, or two at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "connector/core/machine.h"
#include "network.h"

namespace tandem::simulation {

class Connector;
class Phone;

struct Dialog {
  Dialog(Network& in, Phone& of, Connector& by) : network(in), phone(&of), connector(&by), media_at(&by) {}

  // To and from phones on connections things arrive in order. Defined in phone.cpp.
  Pipe& to_phone(Connector& from);
  Pipe& to_connector(Connector& to);

  Network& network;
  Phone* phone;
  Connector* connector;  // where the phone's requests go
  Connector* media_at;   // and its RTP
  bool by_phone = false;
  std::string call_id;

  enum class Phase { Trying, Ringing, Up, Over };
  Phase phase = Phase::Trying;
  bool wants_out = false;  // it hung up before it was answered, or before its answer was acknowledged
  bool heard = false;      // a response to its INVITE, or the ACK of its answer: CANCEL and BYE wait for that
  bool unheard = false;    // that it gave up was told to a Connector that doesn't have the call, or to nobody
  bool held = false;
  bool changing = false;  // its re-INVITE is out
  int version = 0;
  std::set<std::uint64_t> branches;  // re-INVITEs that came
  std::uint32_t sequence = 0;        // highest of a Connector's requests: lower ones are refused
  std::uint32_t asked = 0;           // its own last request
  std::uint16_t port = 0;            // its own for RTP
  std::uint16_t remote_port = 0;     // where it sends RTP to
  std::uint32_t rtp_watch = 0;

 private:
  std::map<Connector*, std::unique_ptr<Pipe>> there_, back_;
};
using DialogPtr = std::shared_ptr<Dialog>;

constexpr Instant kTimerB = std::chrono::seconds(32);

}  // namespace tandem::simulation
