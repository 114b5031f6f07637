// What the call model needs to know of the environment: plain values, resolved from the environment file by the
// program.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/base/ids.h"

namespace tandem::tserver {

// User data of a consultation call: its own, begun with a copy of the main call's, or the main call's themselves.
enum class ConsultUserData { Separate, Inherited, Joint };

enum class DnType { Extension, RoutingPoint, ExternalRoutingPoint, AcdQueue, VirtualQueue, VoipService, TrunkGroup };

struct DnSettings {
  Dn dn;
  DnType type = DnType::Extension;
  bool registered = true;                              // DN object flag `register`; only then in service (MMC-61)
  std::string pool;                                    // application pool; empty is the default pool
  std::optional<std::string> default_dn;               // Routing Point
  std::optional<std::chrono::seconds> router_timeout;  // Routing Point
  std::optional<std::chrono::seconds> no_answer_timeout;
  bool treatments_continuous = false;  // Routing Point: they go on while a destination rings
};

struct LinkSettings {
  std::string name;  // link section name, for the log
  std::string pool;
};

// Options of section TServer at application level, and the device tables.
struct Settings {
  std::uint32_t server_id = 1;  // 0 to 16383, in the top 14 bits of ConnIDs
  std::string application;
  std::string version;
  std::string default_dn;
  std::chrono::seconds router_timeout{10};
  std::uint32_t default_redirection_limit = 4;
  std::chrono::seconds no_answer_timeout{0};     // 0: off
  std::chrono::seconds av_joining_timeout{60};   // an invited party must answer within this
  std::chrono::seconds link_loss_timeout{60};    // calls of a lost Connector are given up after this
  std::chrono::seconds request_timeout{10};      // a Connector has to begin what it was asked for
  std::uint32_t answering_treatments = 0x187c0;  // bit n: a caller is answered for TTreatmentType n
  bool accept_applications = false;              // PlayApplication: applied and over at once, else not applied
  std::uint32_t user_data_limit = 16000;         // packed bytes per call
  ConsultUserData consult_user_data = ConsultUserData::Separate;
  std::uint32_t max_calls = 20000;
  std::uint32_t max_requests_per_client = 1000;  // outstanding at once; above it TERR_TOO_MANY_REQ
  std::vector<std::string> domains;              // SIP domains of this switch
  std::unordered_map<Dn, DnSettings> dns;
  std::vector<LinkSettings> links;

  bool treatment_answers(int type) const { return type >= 0 && type < 32 && ((answering_treatments >> type) & 1) != 0; }
};

}  // namespace tandem::tserver
