#include "common/http/operator_port.h"

#include <chrono>
#include <cstdio>
#include <optional>

#include "common/metrics/process.h"

namespace tandem::http {
namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
      out += code;
    } else {
      out += c;
    }
  }
  return out + '"';
}

// `waited`: from the question until the program's thread had time for it.
Response metrics_page(Operated& operated, std::chrono::duration<double> waited) {
  metrics::Exposition out;
  const Standing standing = operated.standing();
  out.gauge("tandem_info", "Which program this is.")
      .add({{"application", standing.application}, {"version", standing.version}}, 1);
  out.gauge("tandem_ready", "1 while new work is taken.").add(standing.unready.empty() ? 1 : 0);
  out.gauge("tandem_state", "1 for the state the program is in.").add({{"state", standing.state}}, 1);
  out.gauge("tandem_loop_delay_seconds", "How long this question waited for the program's thread.").add(waited.count());
  operated.add_metrics(out);
  metrics::add_process(out);
  return {200, out.text(), std::string(metrics::Exposition::kContentType)};
}

Response ready_page(Operated& operated) {
  const Standing standing = operated.standing();
  if (standing.unready.empty()) return {200, standing.state + "\n"};
  std::string why;
  for (const auto& reason : standing.unready) why += reason + "\n";
  return {503, why};
}

Response answer(const Request& request, Operated& operated, std::chrono::duration<double> waited) {
  if (request.path == "/metrics") return metrics_page(operated, waited);
  if (request.path == "/health") return {200, "ok\n"};
  if (request.path == "/ready") return ready_page(operated);
  if (request.path == "/status") return {200, to_json(operated.standing()), "application/json"};
  return {200, operated.end(request.path == "/stop" && request.query == "force") + "\n"};
}

// What can be said without asking the program.
std::optional<Response> refusal(const Request& request) {
  const bool order = request.path == "/drain" || request.path == "/stop";
  const bool page =
      request.path == "/metrics" || request.path == "/health" || request.path == "/ready" || request.path == "/status";
  if (!order && !page) return Response{404, "there are /metrics, /health, /ready and /status\n"};
  if (order && request.method != "POST") return Response{405, "expected POST\n"};
  if (page && request.method != "GET" && request.method != "HEAD") return Response{405, "expected GET\n"};
  if (order && !(request.trusted && request.ordered))
    return Response{403, "orders come from this host, or over TLS with a certificate, and carry the header X-Tandem\n"};
  return std::nullopt;
}

}  // namespace

std::string to_json(const Standing& standing) {
  std::string out = "{\"application\":" + quoted(standing.application) + ",\"version\":" + quoted(standing.version) +
                    ",\"state\":" + quoted(standing.state) +
                    ",\"ready\":" + (standing.unready.empty() ? "true" : "false") + ",\"unready\":[";
  for (const auto& why : standing.unready) out += (&why == &standing.unready.front() ? "" : ",") + quoted(why);
  out += "]";
  for (const auto& [name, value] : standing.figures) out += "," + quoted(name) + ":" + std::to_string(value);
  return out + "}\n";
}

Result<std::unique_ptr<OperatorPort>, Failure> OperatorPort::open(ServerOptions options, Post post,
                                                                  Operated& operated) {
  auto server =
      Server::open(std::move(options), [post = std::move(post), &operated](Request request, Server::Respond respond) {
        if (auto refused = refusal(request)) return respond(std::move(*refused));
        using Clock = std::chrono::steady_clock;
        const bool asked = post([request, respond, &operated, asked_at = Clock::now()] {
          respond(answer(request, operated, Clock::now() - asked_at));
        });
        if (!asked) respond({503, "the program does not answer\n"});
      });
  if (!server) return server.error();
  std::unique_ptr<OperatorPort> made(new OperatorPort);
  made->server_ = std::move(*server);
  return made;
}

}  // namespace tandem::http
