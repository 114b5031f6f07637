// The insides of the sip room: room.cpp keeps ports and legs and carries out actions, room_requests.cpp lets in
// requests that begin something.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "connector/sip/forwarder.h"
#include "connector/sip/gate.h"
#include "connector/sip/leg.h"
#include "connector/sip/library.h"
#include "connector/sip/names.h"
#include "connector/sip/ports.h"
#include "connector/sip/room.h"
#include "connector/sip/sofia.h"
#include "connector/sip/subscriptions.h"
#include "connector/sip/tls_files.h"

namespace tandem::connector {

struct SipRoomImpl final : SipLegHost {
  SipRoomImpl(SipLoop& sip_loop, SipSettings given, Admission& front_end, Logger& logger, SipRoom::Sink to,
              SipResolver resolver)
      : loop(sip_loop),
        wanted(std::move(given)),
        admission_(front_end),
        logs(logger),
        sink(std::move(to)),
        common(wanted),
        gate(wanted),
        subscriptions(sip_loop, *this),
        forwarder(ports, front_end, logger),
        names(std::move(resolver), [this](std::function<void()> result) {
          loop.post([alive = std::weak_ptr<int>(life), result = std::move(result)] {
            if (!alive.expired()) result();
          });
        }) {}
  ~SipRoomImpl() override;

  // SipLegHost
  nta_agent_t* agent() override { return nta.get(); }
  const SipCommonHeaders& headers() const override { return common; }
  const SipSettings& settings() const override { return wanted; }
  Logger& log() override { return logs; }
  const sip_contact_t* contact_towards(const std::string& uri) override { return ports.contact_towards(uri); }
  Admission& admission() override { return admission_; }
  Origin origin(nta_incoming_t* request) override;
  SipLeg* named(const DialogName& name) override;
  void emit(Input input) override { sink(std::move(input)); }
  void emit_later(Input input) override {
    loop.post([this, alive = std::weak_ptr<int>(life), shared = std::make_shared<Input>(std::move(input))] {
      if (!alive.expired()) sink(std::move(*shared));
    });
  }
  sofia::Timer make_timer() override { return sofia::Timer(su_timer_create(su_root_task(loop.root()), 0)); }
  void hop_failed(const std::string& hop) override;
  void prefer_answering(std::vector<std::string>& hops) override;
  sofia::Incoming invite_let_be(const std::string& call_id, std::string_view branch) override;
  void retire(LegId leg) override;
  void bury(std::unique_ptr<SipLeg> leg);
  void enter() override { graveyard.clear(); }

  tport_t* connection(const std::string& uri) override { return ports.connection(nta.get(), sip_host(uri)); }
  Origin origin_of(msg_t* message) override { return ports.origin(nta.get(), message); }
  tport_t* port(const std::string& transport, bool ipv6, std::uint16_t number) override {
    return ports.port(transport, ipv6, number);
  }

  Result<void, Failure> prepare();
  Result<void, Failure> open();
  SipLeg* find(LegId leg);
  int on_message(msg_t* msg, sip_t* sip);
  void on_invite(msg_t* msg, sip_t* sip);
  int replaced(const sip_t* sip, LegId& leg);
  void on_stray_cancel(msg_t* msg, const sip_t* sip);
  void on_unknown_dialog(msg_t* msg);
  void on_subscribe(msg_t* msg, sip_t* sip);
  void on_register(msg_t* msg, sip_t* sip);
  void refuse(msg_t* msg, int status, const char* reason, const std::string& lines = {});
  void refuse(msg_t* msg, const Reply& reply);
  void turned_away(const Origin& origin, const char* why);
  void tls_failed(std::string line);
  void watch_connections();
  void configure(SipSettings settings);

  SipLoop& loop;
  SipSettings wanted;
  Admission& admission_;
  Logger& logs;
  SipRoom::Sink sink;
  SipCommonHeaders common;
  SipGate gate;
  SipSubscriptions subscriptions;
  SipPorts ports;
  SipForwarder forwarder;
  std::optional<SipTlsFolder> tls;
  const SipTlsContext::Told tls_told{[this](std::string line) { tls_failed(std::move(line)); }};
  library::ClosedConnections closed_connections;
  sofia::Agent nta;
  std::unordered_map<LegId, std::unique_ptr<SipLeg>> legs;
  std::vector<std::unique_ptr<SipLeg>> let_be;           // callers whose call is somebody else's now
  std::vector<std::unique_ptr<SipLeg>> graveyard;        // retired, perhaps still on the call stack
  std::unordered_map<std::string, Instant> silent_hops;  // until when each is tried last
  std::uint64_t last_leg = 0;
  bool open_ = false;
  Instant sure_from{0};  // that a dialog which isn't there is nobody's
  bool refusing = false;
  std::uint64_t refused = 0;
  std::uint64_t refused_told = 0;
  Instant told_at{0};
  int tls_lines = 0;
  std::uint64_t tls_untold = 0;
  Instant tls_told_at{0};
  std::shared_ptr<int> life = std::make_shared<int>(0);
  SipNames names;
};

}  // namespace tandem::connector
