// One SIP dialog, or attempt at one, between a phone and a Connector: what both sides know of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "connector/core/machine.h"
#include "network.h"

namespace tandem::simulation {

class Connector;
class Phone;

struct Dialog {
  Dialog(Network& network, Process& phone_process, Process& connector_process)
      : to_phone(network, connector_process, phone_process), to_connector(network, phone_process, connector_process) {}

  Phone* phone = nullptr;
  Connector* connector = nullptr;
  bool by_phone = false;
  std::string call_id;
  Pipe to_phone, to_connector;

  // The phone's side.
  enum class Phase { Trying, Ringing, Up, Over };
  Phase phase = Phase::Trying;
  bool wants_out = false;  // it hung up before it was answered: CANCEL
  bool held = false;
  bool changing = false;  // its re-INVITE is out
  int version = 0;
  std::uint16_t port = 0;         // its own for RTP
  std::uint16_t remote_port = 0;  // where it sends RTP to
  std::uint32_t rtp_watch = 0;

  // The Connector's.
  connector::LegId leg;
  std::uint32_t life = 0;  // of the Connector's process
  bool final_sent = false, acked = false, forgotten = false, bye_sent = false, early = false;
  std::uint32_t reinvite = 0, answered_reinvite = 0;
};
using DialogPtr = std::shared_ptr<Dialog>;

constexpr Instant kTimerB = std::chrono::seconds(32);

}  // namespace tandem::simulation
