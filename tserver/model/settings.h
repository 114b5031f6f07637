// What the call model needs to know of the environment: plain values, resolved from the environment file by the
// program.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/base/dial_plan_rule.h"
#include "common/base/ids.h"

namespace tandem::tserver {

// User data of a consultation call: its own, begun with a copy of the main call's, or the main call's themselves.
enum class ConsultUserData { Separate, Inherited, Joint };

enum class DnType { Extension, RoutingPoint, ExternalRoutingPoint, AcdQueue, VirtualQueue, VoipService, TrunkGroup };

// How long after-call work lasts; 0 and not untimed: there is none.
struct WrapUp {
  std::chrono::seconds time{0};
  bool untimed = false;
  explicit operator bool() const { return untimed || time.count() > 0; }
};

enum class NoAnswerAction { None, NotReady, Logout };

// What an Agent Login, a DN and the application may each say about an agent; the first of them that says it wins.
struct AgentOptions {
  std::optional<WrapUp> wrap_up;
  std::optional<NoAnswerAction> no_answer_action;
  std::optional<bool> login_on_call;                // log in and out while the DN has a call
  std::optional<bool> logout_on_disconnect;         // with the client that logged in first
  std::optional<std::chrono::minutes> auto_logout;  // inactivity, 0: never
  std::optional<std::chrono::seconds> legal_guard;
};

struct AgentLoginSettings {
  std::string password;
  AgentOptions options;
};

enum class StrictId { AnyId, Configured, Password };
enum class LoginState { PerRequest, Ready, NotReady };

// Of all agents.
struct AgentSettings {
  StrictId strict_id = StrictId::AnyId;
  LoginState login_state = LoginState::PerRequest;
  bool logout_on_out_of_service = false;
  bool auto_logout_ready = false;
  bool timed_acw_in_idle = true;
  bool acw_in_idle_force_ready = true;
  std::uint32_t limit = 0;  // logged in at once, 0: no limit
  AgentOptions options;
  std::unordered_map<std::string, AgentLoginSettings> logins;  // by code
};

// What happens to a call whose parties are all external.
enum class PassThrough : std::uint8_t { None, All, Iscc };
enum class DirectCalls : std::uint8_t { No, Yes, OnLogin };

// How the destinations of a pool are called.
struct DialPlan {
  std::vector<DialPlanRule> rules;  // the first that matches counts
  bool back_to_back = false;        // what matches is called so
  std::string cpn;                  // caller shown then; empty: the true one
};

struct DnSettings {
  Dn dn;
  DnType type = DnType::Extension;
  bool registered = true;                              // DN object flag `register`; only then in service (MMC-61)
  std::string pool;                                    // application pool; empty is the default pool
  std::optional<std::string> default_dn;               // Routing Point
  std::optional<std::chrono::seconds> router_timeout;  // Routing Point
  std::optional<std::chrono::seconds> no_answer_timeout;
  PassThrough pass_through = PassThrough::All;
  DirectCalls direct_calls = DirectCalls::Yes;       // Extension: whether calls straight to it are reported
  bool direct_audio = true, direct_messages = true;  // which of them
  std::optional<int> call_type;                      // Routing Point: what calls report from there on
  bool treatments_continuous = false;                // Routing Point: they go on while a destination rings
  bool presence_profile = false;                     // Voice over IP Service of that type
  AgentOptions agent;                                // Extension
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
  std::string location;                     // the switch: what this site is called towards others
  bool hot_standby = false;                 // one of a pair: backup until it is told otherwise
  std::vector<std::string> administrators;  // certificates' names whose holders may switch over; none: all who show one
  std::string default_dn;
  std::chrono::seconds router_timeout{10};
  std::chrono::seconds lobby_timeout{600};
  std::uint32_t default_redirection_limit = 4;
  std::chrono::seconds no_answer_timeout{0};      // 0: off
  std::chrono::seconds av_joining_timeout{60};    // an invited party must answer within this
  std::chrono::seconds route_request_wait{0};     // a routing request waits so long for a call's Connector; 0: not
  std::chrono::milliseconds takeover_timeout{0};  // calls of a lost Connector go to another after this; 0: never
  std::chrono::seconds dn_return_time{0};         // over so long the DNs of a Connector that was lost come back to it
  std::chrono::seconds link_loss_timeout{60};     // calls of a lost Connector are given up after this
  std::chrono::seconds request_timeout{10};       // a Connector has to begin what it was asked for
  std::uint32_t answering_treatments = 0x187c0;   // bit n: a caller is answered for TTreatmentType n
  bool accept_applications = false;               // PlayApplication: applied and over at once, else not applied
  std::uint32_t user_data_limit = 16000;          // packed bytes per call
  ConsultUserData consult_user_data = ConsultUserData::Separate;
  std::uint32_t max_calls = 20000;
  std::uint32_t max_requests_per_client = 1000;  // outstanding at once; above it TERR_TOO_MANY_REQ
  AgentSettings agents;
  bool unmonitored_external = false;                     // users of our domains without a DN count as external
  bool ringing_when_alerting = false;                    // EventRinging when the phone rings, not with the invitation
  std::unordered_map<std::string, DialPlan> dial_plans;  // by pool
  std::unordered_set<std::string> conference_pools;      // pools whose conferences get an address
  std::vector<std::string> domains;                      // SIP domains of this switch
  std::unordered_map<Dn, DnSettings> dns;
  std::unordered_map<std::string, Dn> associations;  // number without + -> External Routing Point (MMC-64)
  std::vector<LinkSettings> links;

  bool treatment_answers(int type) const { return type >= 0 && type < 32 && ((answering_treatments >> type) & 1) != 0; }
};

}  // namespace tandem::tserver
