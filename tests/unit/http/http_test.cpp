#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>
#include <mutex>

#include "common/http/client.h"
#include "common/http/operator_port.h"
#include "common/http/wire.h"
#include "tests/unit/net/certificates.h"

using namespace tandem;
using namespace tandem::http;
using namespace std::chrono_literals;

namespace {

struct Fake final : Operated {
  void add_metrics(metrics::Exposition& out) override { out.gauge("tandem_calls", "Calls.").add(7); }
  Standing standing() override {
    Standing out{"TServer_1", "0.1.0", "ready", {}, {{"calls", 7}}};
    if (ended) out.unready.push_back("is \"told\" to end");
    return out;
  }
  std::string end(bool force) override {
    ended = true;
    return force ? "ends now" : "ends when nothing is left";
  }
  bool ended = false;
};

bool at_once(const std::function<void()>& task) {
  task();
  return true;
}

// Bytes as they are; what comes until the other side closes.
std::string raw(std::uint16_t port, const std::string& bytes) {
  boost::asio::io_context io;
  boost::asio::ip::tcp::socket socket(io);
  socket.connect({boost::asio::ip::make_address("127.0.0.1"), port});
  boost::asio::write(socket, boost::asio::buffer(bytes));
  std::string out;
  boost::system::error_code error;
  boost::asio::read(socket, boost::asio::dynamic_buffer(out), error);
  return out;
}

// Always wants more, and takes nothing.
struct Hungry final : Wire::Handler {
  void on_open() override { wire->read(); }
  void on_bytes(net::ByteQueue& bytes) override {
    seen.emplace_back(bytes.view());
    wire->read();
  }
  void on_end(const std::string&) override {}
  std::shared_ptr<Wire> wire;
  std::vector<std::string> seen;
};

Ask question(std::uint16_t port, const std::string& target, const std::string& method = "GET") {
  return {.host = "127.0.0.1", .port = port, .method = method, .target = target};
}

}  // namespace

TEST_CASE("the operator's pages answer from the program's own state", "[http]") {
  Fake program;
  const auto port = OperatorPort::open({}, at_once, program);
  REQUIRE(port.has_value());
  const auto metrics = ask(question((*port)->port(), "/metrics"));
  REQUIRE(metrics.has_value());
  CHECK(metrics->status == 200);
  CHECK(metrics->type == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(metrics->body.find("tandem_info{application=\"TServer_1\",version=\"0.1.0\"} 1\n") != std::string::npos);
  CHECK(metrics->body.find("tandem_ready 1\n") != std::string::npos);
  CHECK(metrics->body.find("tandem_state{state=\"ready\"} 1\n") != std::string::npos);
  CHECK(metrics->body.find("\ntandem_calls 7\n") != std::string::npos);
  CHECK(metrics->body.find("\nprocess_open_fds ") != std::string::npos);
  CHECK(ask(question((*port)->port(), "/health"))->body == "ok\n");
  CHECK(ask(question((*port)->port(), "/ready"))->status == 200);
  const auto status = ask(question((*port)->port(), "/status"));
  CHECK(status->type == "application/json");
  CHECK(status->body ==
        "{\"application\":\"TServer_1\",\"version\":\"0.1.0\",\"state\":\"ready\",\"ready\":true,\"unready\":[],"
        "\"calls\":7}\n");
  CHECK(ask(question((*port)->port(), "/nothing"))->status == 404);
}

TEST_CASE("half a message is looked at once more when more has come, not before", "[http]") {
  boost::asio::io_context io;
  using boost::asio::ip::tcp;
  tcp::acceptor acceptor(io, {boost::asio::ip::make_address("127.0.0.1"), 0});
  tcp::socket far(io);
  far.connect(acceptor.local_endpoint());
  Hungry hungry;
  hungry.wire = Wire::make(acceptor.accept(), nullptr, "", hungry);
  hungry.wire->accepted();
  const auto until = [&](std::size_t count) {
    while (hungry.seen.size() < count) REQUIRE(io.run_one_for(20s) == 1);
    for (int i = 0; i < 20; ++i) io.poll_one();
  };
  boost::asio::write(far, boost::asio::buffer("half", 4));
  until(1);
  boost::asio::write(far, boost::asio::buffer("more", 4));
  until(2);
  CHECK(hungry.seen == std::vector<std::string>{"half", "halfmore"});
  hungry.wire->close();
}

TEST_CASE("an order is taken from this host by POST with its header, and shows in /ready", "[http]") {
  Fake program;
  const auto port = OperatorPort::open({}, at_once, program);
  REQUIRE(port.has_value());
  CHECK(ask(question((*port)->port(), "/drain"))->status == 405);
  CHECK(raw((*port)->port(), "POST /drain HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            .starts_with("HTTP/1.1 403 "));
  CHECK_FALSE(program.ended);
  CHECK(ask(question((*port)->port(), "/stop?force", "POST"))->body == "ends now\n");
  CHECK(program.ended);
  const auto ready = ask(question((*port)->port(), "/ready"));
  CHECK(ready->status == 503);
  CHECK(ready->body == "is \"told\" to end\n");
  CHECK(ask(question((*port)->port(), "/status"))->body.find("\"unready\":[\"is \\\"told\\\" to end\"]") !=
        std::string::npos);
}

TEST_CASE("a program that doesn't answer is not healthy, and a late answer harms nobody", "[http]") {
  Fake program;
  std::mutex mutex;
  std::vector<std::function<void()>> tasks;
  {
    const auto port = OperatorPort::open(
        {.answer_timeout = 50ms},
        [&](std::function<void()> task) {
          const std::lock_guard held(mutex);
          tasks.push_back(std::move(task));
          return true;
        },
        program);
    REQUIRE(port.has_value());
    const auto health = ask(question((*port)->port(), "/health"));
    REQUIRE(health.has_value());
    CHECK(health->status == 503);
    CHECK(health->body == "the program does not answer\n");
    const std::lock_guard held(mutex);
    REQUIRE(tasks.size() == 1);
    tasks.front()();
  }
  tasks.front()();  // the port is gone
}

TEST_CASE("what is no request, too long or too many is turned away", "[http]") {
  Fake program;
  const auto port = OperatorPort::open({.connection_limit = 1, .read_timeout = 500ms}, at_once, program);
  REQUIRE(port.has_value());
  CHECK(raw((*port)->port(), "\x16\x03\x01 nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));
  CHECK(raw((*port)->port(), "GET /" + std::string(20000, 'x') + " HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 413 "));
  CHECK(raw((*port)->port(), "GET /health HTTP/1.1\r\n").empty());  // never finished: closed after its time
  boost::asio::io_context io;
  boost::asio::ip::tcp::socket first(io);
  first.connect({boost::asio::ip::make_address("127.0.0.1"), (*port)->port()});
  boost::asio::write(first, boost::asio::buffer(std::string("GET /health HTTP/1.1\r\nHost: x\r\n\r\n")));
  char byte = 0;
  boost::asio::read(first, boost::asio::buffer(&byte, 1));  // it has been let in
  CHECK(ask(question((*port)->port(), "/health")).has_error());
}

TEST_CASE("the HTTP port over TLS: orders need a certificate, and new files count for new connections", "[http]") {
  Fake program;
  test::Certificates certificates;
  auto server = certificates.make("ca", "server");
  const auto client = certificates.make("ca", "client");
  server.mutual = false;
  const auto port = OperatorPort::open({.tls = true, .tls_files = server}, at_once, program);
  REQUIRE(port.has_value());
  Ask nameless = question((*port)->port(), "/drain", "POST");
  nameless.tls = net::TlsOptions{.ca = client.ca};
  CHECK(ask(nameless)->status == 403);
  nameless.method = "GET";
  nameless.target = "/health";
  CHECK(ask(nameless)->status == 200);
  Ask named = question((*port)->port(), "/drain", "POST");
  named.tls = client;
  CHECK(ask(named)->status == 200);
  CHECK(program.ended);
  CHECK(ask(question((*port)->port(), "/health")).has_error());  // plain bytes

  auto other = certificates.make("otherca", "other");
  other.mutual = false;
  CHECK((*port)->set_tls({.certificate = "/nowhere.pem", .key = "/nowhere.key"}).has_error());
  REQUIRE((*port)->set_tls(other).has_value());
  // Taken over by the server's thread; a connection before that saw the old ones.
  Ask renewed = question((*port)->port(), "/health");
  renewed.tls = net::TlsOptions{.ca = other.ca};
  Result<Response, Failure> answer = Failure{};
  for (int i = 0; i < 100 && !answer; ++i) answer = ask(renewed);
  REQUIRE(answer.has_value());
  CHECK(answer->status == 200);
}
