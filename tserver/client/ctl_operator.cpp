#include "tserver/client/ctl_operator.h"

#include <boost/json.hpp>
#include <chrono>
#include <thread>

namespace tandem::client {
namespace {

namespace json = boost::json;

// Told to connect where the program listens on every address.
std::string reachable(const std::string& address) {
  if (address == "0.0.0.0") return "127.0.0.1";
  if (address == "::") return "::1";
  return address;
}

http::Ask question(const CtlOptions& options, const config::Application& application, const std::string& target) {
  const config::Port& port = *application.port("http");
  http::Ask ask{.host = reachable(port.address), .port = port.port, .target = target, .patience = options.patience};
  if (port.transport == config::Transport::Tls) {
    const config::TlsFiles& own = application.tls;
    ask.tls = net::TlsOptions{.certificate = options.cert.empty() ? own.certificate : options.cert,
                              .key = options.key.empty() ? own.key : options.key,
                              .ca = options.ca.empty() ? own.ca : options.ca};
  }
  return ask;
}

std::uint64_t number(const json::object& from, const char* key) {
  const json::value* value = from.if_contains(key);
  return value != nullptr && value->is_int64() ? static_cast<std::uint64_t>(value->get_int64()) : 0;
}

std::string text(const json::object& from, const char* key) {
  const json::value* value = from.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "-";
}

ConnectorStatus status_of(const CtlOptions& options, const config::Application& application) {
  const http::Ask ask = question(options, application, "/status");
  const bool v6 = ask.host.find(':') != std::string::npos;
  ConnectorStatus status;
  status.name = application.name;
  status.address = (v6 ? "[" + ask.host + "]" : ask.host) + ":" + std::to_string(ask.port);
  const auto answer = http::ask(ask);
  if (!answer) {
    status.failure = answer.error().text;
    return status;
  }
  boost::system::error_code error;
  const json::value said = json::parse(answer->body, error);
  if (error || !said.is_object() || answer->status != 200) {
    status.failure = "it answers " + std::to_string(answer->status) + " to /status";
    return status;
  }
  const json::object& object = said.get_object();
  status.state = text(object, "state");
  status.version = text(object, "version");
  status.calls = number(object, "calls");
  status.parties = number(object, "parties");
  status.links = number(object, "links");
  return status;
}

}  // namespace

std::vector<ConnectorStatus> ask_connectors(const CtlOptions& options, const config::Environment& environment) {
  std::vector<ConnectorStatus> all;
  for (const config::Application& application : environment.applications) {
    if (!options.app.empty() && application.name != options.app) continue;
    if (application.type == config::AppType::Connector && application.port("http") != nullptr)
      all.push_back(status_of(options, application));
  }
  return all;
}

Result<std::string, Failure> end_program(const CtlOptions& options, const config::Application& application, bool force,
                                         bool wait) {
  if (application.port("http") == nullptr)
    return Failure{application.name + " has no port http to be told by; send it " + (force ? "SIGINT" : "SIGTERM")};
  http::Ask order = question(options, application, force ? "/stop?force" : "/drain");
  order.method = "POST";
  const auto said = http::ask(order);
  if (!said) return Failure{application.name + ": " + said.error().text};
  std::string answer = said->body.substr(0, said->body.find('\n'));
  if (said->status != 200) return Failure{application.name + ": " + answer};
  // It has ended when nobody listens any more.
  while (wait && http::ask(question(options, application, "/status")))
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  return {boost::system::in_place_value, application.name + ": " + answer + (wait ? "; has stopped" : "")};
}

}  // namespace tandem::client
