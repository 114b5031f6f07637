#include "switch_settings.h"

#include <chrono>

#include "agent_options.h"

namespace tandem::tserver::test {
namespace {

std::chrono::seconds seconds(const std::string& text) {
  return std::chrono::seconds(std::stol(text));
}

DnSettings& put_dn(Settings& settings, const std::string& name, DnType type) {
  DnSettings& dn = settings.dns[Dn(name)];
  dn.dn = Dn(name);
  dn.type = type;
  return dn;
}

}  // namespace

Settings the_switch() {
  Settings settings;
  settings.application = "TServer_1";
  settings.version = "1.0";
  settings.domains = {"t.test"};
  settings.links = {{"c1", ""}, {"c2", ""}, {"w1", "West"}};
  for (const char* name : {"alice", "bob", "carol"}) put_dn(settings, name, DnType::Extension);
  put_dn(settings, "dave", DnType::Extension).pool = "West";
  for (const char* name : {"support", "sales", "night"}) put_dn(settings, name, DnType::RoutingPoint);
  put_dn(settings, "presence", DnType::VoipService).presence_profile = true;
  settings.location = "Main";
  put_dn(settings, "queue", DnType::VirtualQueue);
  put_dn(settings, "erp", DnType::ExternalRoutingPoint);
  return settings;
}

std::string set_option(Settings& settings, const std::string& name, const std::string& value) {
  if (name == "default-dn") {
    settings.default_dn = value;
  } else if (name == "conferences") {
    settings.conference_pools.insert(value == "default" ? "" : value);
  } else if (name == "router-timeout") {
    settings.router_timeout = seconds(value);
  } else if (name == "lobby-timeout") {
    settings.lobby_timeout = seconds(value);
  } else if (name == "default-redirection-limit") {
    settings.default_redirection_limit = static_cast<std::uint32_t>(std::stoul(value));
  } else if (name == "no-answer-timeout") {
    settings.no_answer_timeout = seconds(value);
  } else if (name == "av-joining-timeout") {
    settings.av_joining_timeout = seconds(value);
  } else if (name == "ringing-event") {
    settings.ringing_when_alerting = value == "alerting";
  } else if (name == "unmonitored-users-external") {
    settings.unmonitored_external = value == "true";
  } else if (name == "dial-plan-rule") {  // of the default pool; one more with each
    const auto rule = DialPlanRule::parse(value);
    if (!rule) return "no dial plan rule: " + value;
    settings.dial_plans[""].rules.push_back(*rule);
  } else if (name == "calling-method") {
    settings.dial_plans[""].back_to_back = value == "b2b";
  } else if (name == "cpn") {
    settings.dial_plans[""].cpn = value;
  } else if (name == "request-timeout") {
    settings.request_timeout = seconds(value);
  } else if (name == "route-request-wait") {
    settings.route_request_wait = seconds(value);
  } else if (name == "play-application") {
    settings.accept_applications = value == "accept";
  } else if (name == "link-loss-timeout") {
    settings.link_loss_timeout = seconds(value);
  } else if (name == "dn-return-time") {
    settings.dn_return_time = seconds(value);
  } else if (name == "user-data-limit") {
    settings.user_data_limit = static_cast<std::uint32_t>(std::stoul(value));
  } else if (name == "consult-user-data") {
    settings.consult_user_data = value == "joint"       ? ConsultUserData::Joint
                                 : value == "inherited" ? ConsultUserData::Inherited
                                                        : ConsultUserData::Separate;
  } else if (name == "hot-standby") {
    settings.hot_standby = value == "true";
  } else if (name == "administrators") {
    settings.administrators = {value};
  } else if (name == "max-calls") {
    settings.max_calls = static_cast<std::uint32_t>(std::stoul(value));
  } else if (name == "max-requests-per-client") {
    settings.max_requests_per_client = static_cast<std::uint32_t>(std::stoul(value));
  } else if (!set_agents_option(settings.agents, name, value)) {
    return "no option " + name;
  }
  return "";
}

std::string set_dn(Settings& settings, const Words& words) {
  DnSettings& dn = put_dn(settings, words.at(1), settings.dns[Dn(words.at(1))].type);
  for (const auto& [name, value] : words.pairs) {
    if (name == "default-dn") {
      dn.default_dn = value;
    } else if (name == "router-timeout") {
      dn.router_timeout = seconds(value);
    } else if (name == "no-answer-timeout") {
      dn.no_answer_timeout = seconds(value);
    } else if (name == "allow-pass-through-calls") {
      dn.pass_through = value == "none" ? PassThrough::None : value == "iscc" ? PassThrough::Iscc : PassThrough::All;
    } else if (name == "handle-direct-calls") {
      dn.direct_calls = value == "true" ? DirectCalls::Yes : value == "false" ? DirectCalls::No : DirectCalls::OnLogin;
    } else if (name == "handle-direct-calls-media") {
      dn.direct_audio = value != "im";
    } else if (name == "override-call-type") {
      dn.call_type = std::stoi(value);
    } else if (name == "sip-treatments-continuous") {
      dn.treatments_continuous = value == "true";
    } else if (name == "association") {
      settings.associations[value] = dn.dn;
    } else if (name == "register") {
      dn.registered = value == "true";
    } else if (name == "pool") {
      dn.pool = value;
    } else if (!set_agent_option(dn.agent, name, value)) {
      return "no option " + name + " of a DN";
    }
  }
  return "";
}

std::string set_agent(Settings& settings, const Words& words) {
  AgentLoginSettings& login = settings.agents.logins[words.at(1)];
  for (const auto& [name, value] : words.pairs) {
    if (name == "password") {
      login.password = value;
    } else if (!set_agent_option(login.options, name, value)) {
      return "no option " + name + " of an agent";
    }
  }
  return "";
}

}  // namespace tandem::tserver::test
