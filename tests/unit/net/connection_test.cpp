// Connections, listeners and dialers over loopback sockets.
#include "common/net/connection.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>
#include <deque>

#include "certificates.h"
#include "common/net/dialer.h"
#include "common/net/listener.h"

using namespace tandem;
using namespace tandem::net;
using boost::asio::ip::tcp;

namespace {

// Runs the loop until `done`; false if that takes far too long.
bool until(EventLoop& loop, const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!done()) {
    if (loop.context().run_one_until(deadline) == 0) return false;
  }
  return true;
}

struct Peer final : Connection::Handler {
  explicit Peer(ConnectionPtr made) : connection(std::move(made)) { connection->start(*this); }
  ~Peer() override { connection->detach(); }
  void on_frame(std::string_view frame) override {
    frames.emplace_back(frame);
    if (echo) connection->send(frame);
  }
  void on_closed(CloseReason why, const std::string& words) override {
    reason = why;
    text = words;
  }
  ConnectionPtr connection;
  bool echo = false;
  std::vector<std::string> frames;
  std::optional<CloseReason> reason;
  std::string text;
};

struct Server {
  Server(EventLoop& event_loop, ListenerOptions options) : loop(event_loop) {
    auto opened = Listener::open(
        loop, std::move(options),
        [this](ConnectionPtr made) { peers.push_back(std::make_unique<Peer>(std::move(made))); },
        [this](const std::string& line) { refused.push_back(line); });
    REQUIRE(opened.has_value());
    listener = std::move(*opened);
  }
  EventLoop& loop;
  std::unique_ptr<Listener> listener;
  std::deque<std::unique_ptr<Peer>> peers;
  std::vector<std::string> refused;
};

struct Client {
  Client(EventLoop& loop, DialerOptions options)
      : dialer(Dialer::make(
            loop, std::move(options), [this](ConnectionPtr made) { peer = std::make_unique<Peer>(std::move(made)); },
            [this](const std::string& line, std::chrono::milliseconds) { failed.push_back(line); })) {
    dialer->dial();
  }
  std::unique_ptr<Dialer> dialer;
  std::unique_ptr<Peer> peer;
  std::vector<std::string> failed;
};

DialerOptions to(std::uint16_t port, TlsContextPtr tls = {}) {
  return {.hosts = {{"127.0.0.1", port}}, .tls = std::move(tls), .backoff = {.first = 1ms, .limit = 20ms}};
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("frames go both ways, in order, over TCP and over mutual TLS, IPv4 and IPv6") {
  test::Certificates certificates;
  EventLoop loop;
  const bool tls = GENERATE(false, true);
  const std::string host = GENERATE("127.0.0.1", "::1");
  ListenerOptions listening{.host = host};
  DialerOptions dialling;
  if (tls) {
    listening.tls = test::context(TlsSide::Server, certificates.make("ca", "server"));
    dialling.tls = test::context(TlsSide::Client, certificates.make("ca", "client"));
    dialling.verify_name = true;
  }
  Server server(loop, listening);
  dialling.hosts = {{host, server.listener->port()}};
  Client client(loop, dialling);
  REQUIRE(until(loop, [&] { return !server.peers.empty() && client.peer; }));
  server.peers[0]->echo = true;

  std::vector<std::string> sent;
  for (int i = 0; i < 2000; ++i) {
    sent.emplace_back(static_cast<std::size_t>(i * 7 % 3000), static_cast<char>('a' + i % 26));
    client.peer->connection->send(std::string_view(sent.back()).substr(0, sent.back().size() / 3),
                                  std::string_view(sent.back()).substr(sent.back().size() / 3));
  }
  REQUIRE(until(loop, [&] { return client.peer->frames.size() == sent.size(); }));
  CHECK(server.peers[0]->frames == sent);
  CHECK(client.peer->frames == sent);
  CHECK(client.peer->connection->queued() == 0);
  CHECK(server.peers[0]->connection->peer() == client.peer->connection->local());
  CHECK(server.peers[0]->connection->peer_name() == (tls ? "client" : ""));
  CHECK(client.peer->connection->peer_name() == (tls ? "server" : ""));
  CHECK(client.peer->connection->protocol() == (tls ? "TLSv1.3" : "TCP"));

  client.peer->connection->close("enough");
  REQUIRE(until(loop, [&] { return client.peer->reason && server.peers[0]->reason; }));
  CHECK(client.peer->reason == CloseReason::Local);
  CHECK(client.peer->text == "enough");
  CHECK(server.peers[0]->reason == CloseReason::PeerClosed);
}

TEST_CASE("what comes after bytes that filled the reading buffer to its last is read into the larger one") {
  test::Certificates certificates;
  EventLoop loop;
  const bool tls = GENERATE(false, true);
  ListenerOptions listening;
  if (tls) listening.tls = test::context(TlsSide::Server, certificates.make("ca", "server"));
  Server server(loop, listening);
  const auto client_tls = tls ? test::context(TlsSide::Client, certificates.make("ca", "client")) : TlsContextPtr{};
  // 4096 bytes are one of these with head and TLS record, whatever the cipher adds.
  for (std::size_t size = 4092; size > 4050; --size) {
    server.peers.clear();
    Client client(loop, to(server.listener->port(), client_tls));
    REQUIRE(until(loop, [&] { return !server.peers.empty() && client.peer; }));
    std::vector<std::string> sent;
    for (const std::size_t one : {size, 2 * size + 4, std::size_t{100}}) {
      sent.emplace_back(one, static_cast<char>('a' + sent.size()));
      client.peer->connection->send(sent.back());
      REQUIRE(until(loop, [&] { return server.peers[0]->frames.size() == sent.size() || server.peers[0]->reason; }));
    }
    REQUIRE(server.peers[0]->frames == sent);
  }
}

TEST_CASE("what is queued before close() arrives") {
  test::Certificates certificates;
  EventLoop loop;
  const bool tls = GENERATE(false, true);
  ListenerOptions listening;
  TlsContextPtr dialling;
  if (tls) {
    listening.tls = test::context(TlsSide::Server, certificates.make("ca", "server"));
    dialling = test::context(TlsSide::Client, certificates.make("ca", "client"));
  }
  Server server(loop, listening);
  Client client(loop, to(server.listener->port(), dialling));
  REQUIRE(until(loop, [&] { return !server.peers.empty() && client.peer; }));
  std::vector<std::string> sent;
  for (int i = 0; i < 1000; ++i) sent.push_back(std::to_string(i));  // more than one turn takes
  sent.emplace_back(1 << 20, 'x');
  sent.emplace_back("last");
  for (const std::string& one : sent) client.peer->connection->send(one);
  client.peer->connection->close("done");
  CHECK_FALSE(client.peer->connection->send("late"));
  server.peers[0]->connection->send("unread by a closing client");
  REQUIRE(until(loop, [&] { return server.peers[0]->reason.has_value(); }));
  CHECK(server.peers[0]->reason == CloseReason::PeerClosed);
  CHECK(server.peers[0]->frames == sent);
}

TEST_CASE("a client with a certificate of another CA, or none, is refused and told in the log") {
  test::Certificates certificates;
  EventLoop loop;
  Server server(loop, {.tls = test::context(TlsSide::Server, certificates.make("ca", "server"))});
  Client good(loop, to(server.listener->port(), test::context(TlsSide::Client, certificates.make("ca", "client"))));
  REQUIRE(until(loop, [&] { return server.peers.size() == 1 && good.peer; }));

  auto options = certificates.make("ca2", "stranger");
  std::string expected = "its certificate \"stranger\" is not accepted: unable to get local issuer certificate";
  SECTION("another CA") {
    options.ca = certificates.file("ca", ".pem");
  }
  SECTION("none") {
    options = {.ca = certificates.file("ca", ".pem")};
    expected = "it presents no certificate";
  }
  Client bad(loop, to(server.listener->port(), test::context(TlsSide::Client, options)));
  REQUIRE(until(loop, [&] { return !server.refused.empty(); }));
  CHECK(contains(server.refused[0], "127.0.0.1:"));
  INFO(server.refused[0]);
  CHECK(contains(server.refused[0], " refused: " + expected));
  CHECK(server.peers.size() == 1);
  // In TLS 1.3 the client learns of it after its own handshake.
  REQUIRE(until(loop, [&] { return bad.peer && bad.peer->reason; }));
  CHECK((bad.peer->reason == CloseReason::Broken || bad.peer->reason == CloseReason::PeerClosed));

  good.peer->echo = true;
  server.peers[0]->connection->send("still here");
  REQUIRE(until(loop, [&] { return !server.peers[0]->frames.empty(); }));
}

TEST_CASE("a server with a certificate of another CA, or for another name, is not talked to") {
  test::Certificates certificates;
  EventLoop loop;
  auto server_options = certificates.make("ca", "server");
  Server server(loop, {.tls = test::context(TlsSide::Server, server_options)});
  auto options = certificates.make("ca", "client");
  DialerOptions dialling;
  std::string expected;
  SECTION("another CA") {
    certificates.make("ca2", "other");
    options.ca = certificates.file("ca2", ".pem");
    dialling = to(server.listener->port(), test::context(TlsSide::Client, options));
    expected = "its certificate \"server\" is not accepted: unable to get local issuer certificate";
  }
  SECTION("another name") {
    dialling = to(server.listener->port(), test::context(TlsSide::Client, options));
    dialling.hosts = {{"127.0.0.2", server.listener->port()}};
    dialling.verify_name = true;
    server.listener.reset();
    auto opened = Listener::open(
        loop,
        {.host = "127.0.0.2", .port = dialling.hosts[0].port, .tls = test::context(TlsSide::Server, server_options)},
        [](const ConnectionPtr&) { FAIL("accepted"); },
        [&](const std::string& line) { server.refused.push_back(line); });
    REQUIRE(opened.has_value());
    server.listener = std::move(*opened);
    expected = "its certificate \"server\" is not accepted: IP address mismatch";
  }
  Client client(loop, dialling);
  REQUIRE(until(loop, [&] { return client.failed.size() >= 2 && !server.refused.empty(); }));
  INFO(client.failed[0]);
  CHECK(contains(client.failed[0], expected));
  CHECK_FALSE(client.peer);
}

TEST_CASE("who sends plain bytes to a TLS port, or nothing, is refused and costs others nothing") {
  test::Certificates certificates;
  EventLoop loop;
  Server server(loop, {.tls = test::context(TlsSide::Server, certificates.make("ca", "server")),
                       .connection = {.handshake_timeout = 100ms}});
  tcp::socket socket(loop.context());
  socket.connect({boost::asio::ip::address_v4::loopback(), server.listener->port()});
  std::string expected = "it sends plain bytes, not TLS";
  SECTION("HTTP") {
    boost::asio::write(socket, boost::asio::buffer("GET / HTTP/1.1\r\n\r\n", 18));
  }
  SECTION("a frame") {
    boost::asio::write(socket, boost::asio::buffer("\0\0\0\5hello", 9));
  }
  SECTION("4 GiB announced") {
    boost::asio::write(socket, boost::asio::buffer("\xff\xff\xff\xff\1", 5));
  }
  SECTION("nothing") {
    expected = "no TLS handshake within 100 ms";
  }
  SECTION("hangs up") {
    socket.close();
    expected = "it closed during the TLS handshake";
  }
  Client client(loop, to(server.listener->port(), test::context(TlsSide::Client, certificates.make("ca", "client"))));
  REQUIRE(until(loop, [&] { return server.refused.size() == 1 && server.peers.size() == 1; }));
  CHECK(contains(server.refused[0], " refused: " + expected));
}

TEST_CASE("a frame announced with 4 GiB closes that connection at once") {
  EventLoop loop;
  Server server(loop, {});
  tcp::socket socket(loop.context());
  socket.connect({boost::asio::ip::address_v4::loopback(), server.listener->port()});
  boost::asio::write(socket, boost::asio::buffer("\xff\xff\xff\xff", 4));
  REQUIRE(until(loop, [&] { return !server.peers.empty() && server.peers[0]->reason; }));
  CHECK(server.peers[0]->reason == CloseReason::FrameTooLong);
  CHECK(contains(server.peers[0]->text, "4294967295 bytes"));
}

TEST_CASE("who doesn't read is closed when its queue is full, others get everything") {
  test::Certificates certificates;
  EventLoop loop;
  const bool tls = GENERATE(false, true);
  ListenerOptions listening{.connection = {.queue_limit = 1 << 20}};
  TlsContextPtr dialling;
  if (tls) {
    listening.tls = test::context(TlsSide::Server, certificates.make("ca", "server"));
    dialling = test::context(TlsSide::Client, certificates.make("ca", "client"));
  }
  Server server(loop, listening);
  Client slow(loop, to(server.listener->port(), dialling));
  REQUIRE(until(loop, [&] { return server.peers.size() == 1 && slow.peer; }));
  Client good(loop, to(server.listener->port(), dialling));
  REQUIRE(until(loop, [&] { return server.peers.size() == 2 && good.peer; }));
  slow.peer->connection->pause();
  const std::string event(10000, 'e');
  std::size_t sent = 0;
  std::size_t most = 0;
  while (!server.peers[0]->reason) {
    REQUIRE(sent < 100000);
    server.peers[0]->connection->send(event);
    most = std::max(most, server.peers[0]->connection->queued());
    REQUIRE(server.peers[1]->connection->send(event));
    ++sent;
    // Sent no faster than the good one reads.
    REQUIRE(until(loop, [&] { return good.peer->frames.size() >= sent; }));
    good.peer->frames.resize(sent);
  }
  CHECK(server.peers[0]->reason == CloseReason::SlowReader);
  CHECK(contains(server.peers[0]->text, "bytes wait to be read"));
  CHECK(most <= (1 << 20));
  CHECK(server.peers[1]->connection->open());
  CHECK_FALSE(server.peers[0]->connection->send(event));
}

TEST_CASE("who floods is read no faster than allowed, and closed when it goes on") {
  EventLoop loop;
  Server server(loop, {.connection = {.frames_per_second = 1000, .burst = 50, .flood_timeout = 300ms}});
  Client flood(loop, to(server.listener->port()));
  REQUIRE(until(loop, [&] { return server.peers.size() == 1 && flood.peer; }));
  Peer& seen = *server.peers[0];
  const Instant begin = loop.steady();
  SECTION("goes on") {
    while (!seen.reason) {
      if (flood.peer->connection->queued() < 100000) {
        for (int i = 0; i < 1000; ++i) flood.peer->connection->send("hello");
      }
      loop.context().run_one_for(std::chrono::seconds(1));
    }
    CHECK(seen.reason == CloseReason::Flood);
    CHECK(seen.text == "more than 1000 messages a second for 300 ms");
    const double seconds = std::chrono::duration<double>(loop.steady() - begin).count();
    CHECK(static_cast<double>(seen.frames.size()) <= 50 + 1000 * seconds);
  }
  SECTION("stops: nothing is lost") {
    for (int i = 0; i < 200; ++i) flood.peer->connection->send(std::to_string(i));
    REQUIRE(until(loop, [&] { return seen.frames.size() == 200; }));
    CHECK(seen.frames[199] == "199");
    CHECK(loop.steady() - begin >= 100ms);
    CHECK_FALSE(seen.reason);
  }
}

TEST_CASE("silence beyond the limit closes") {
  EventLoop loop;
  Server server(loop, {.connection = {.idle_timeout = 50ms}});
  Client client(loop, to(server.listener->port()));
  REQUIRE(until(loop, [&] { return !server.peers.empty() && server.peers[0]->reason; }));
  CHECK(server.peers[0]->reason == CloseReason::Idle);
}

TEST_CASE("connections above the limit are closed at once, and there is room again later") {
  EventLoop loop;
  Server server(loop, {.connection_limit = 2});
  Client one(loop, to(server.listener->port()));
  Client two(loop, to(server.listener->port()));
  REQUIRE(until(loop, [&] { return server.peers.size() == 2 && one.peer && two.peer; }));
  Client three(loop, to(server.listener->port()));
  REQUIRE(until(loop, [&] { return server.refused.size() == 1 && three.peer && three.peer->reason; }));
  CHECK(contains(server.refused[0], "refused: 2 connections are open, the limit"));
  one.peer->connection->close("room");
  REQUIRE(until(loop, [&] { return server.peers[0]->reason || server.peers[1]->reason; }));
  three.peer.reset();
  three.dialer->dial();
  REQUIRE(until(loop, [&] { return server.peers.size() == 3; }));
}

TEST_CASE("paused reading keeps the rest for later") {
  EventLoop loop;
  Server server(loop, {});
  Client client(loop, to(server.listener->port()));
  REQUIRE(until(loop, [&] { return server.peers.size() == 1 && client.peer; }));
  server.peers[0]->connection->pause();
  for (int i = 0; i < 10; ++i) client.peer->connection->send(std::to_string(i));
  client.peer->echo = true;
  server.peers[0]->connection->send("are you there");
  REQUIRE(until(loop, [&] { return client.peer->frames.size() == 1; }));
  CHECK(server.peers[0]->frames.empty());
  server.peers[0]->connection->resume();
  REQUIRE(until(loop, [&] { return server.peers[0]->frames.size() == 11; }));
}

TEST_CASE("a dialer comes back when its server does, and tries every host") {
  EventLoop loop;
  auto first = std::make_unique<Server>(loop, ListenerOptions{});
  const std::uint16_t port = first->listener->port();
  DialerOptions options = to(port);
  options.hosts.push_back({"localhost", port});
  Client client(loop, options);
  REQUIRE(until(loop, [&] { return client.peer && !first->peers.empty(); }));
  client.dialer->proved();
  first.reset();
  REQUIRE(until(loop, [&] { return client.peer->reason.has_value(); }));
  client.peer.reset();
  client.dialer->redial();
  REQUIRE(until(loop, [&] { return client.failed.size() >= 4; }));
  CHECK(contains(client.failed[0], "127.0.0.1:" + std::to_string(port) + " not reached: "));
  CHECK(contains(client.failed[1], "localhost:" + std::to_string(port) + " not reached: "));
  Server second(loop, {.port = port});
  REQUIRE(until(loop, [&] { return client.peer && !second.peers.empty(); }));
}

TEST_CASE("a name that isn't known is told") {
  EventLoop loop;
  Client client(loop, {.hosts = {{"no-such-host.invalid", 1}}, .backoff = {.first = 1ms, .limit = 2ms}});
  REQUIRE(until(loop, [&] { return !client.failed.empty(); }));
  CHECK(contains(client.failed[0], "no-such-host.invalid:1 not reached: the name is not resolved"));
}

TEST_CASE("a port in use is told") {
  EventLoop loop;
  Server server(loop, {});
  const auto second = Listener::open(loop, {.port = server.listener->port()}, {}, {});
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().text ==
        "127.0.0.1:" + std::to_string(server.listener->port()) + ": can't be bound: Address already in use");
}

TEST_CASE("a handler may let go of its connection from within a call") {
  struct Fickle final : Connection::Handler {
    explicit Fickle(ConnectionPtr made) : connection(std::move(made)) { connection->start(*this); }
    void on_frame(std::string_view) override {
      ++frames;
      connection->detach();
      connection.reset();
    }
    void on_closed(CloseReason, const std::string&) override { FAIL("detached"); }
    ConnectionPtr connection;
    int frames = 0;
  };
  EventLoop loop;
  std::unique_ptr<Fickle> fickle;
  auto listener = Listener::open(
      loop, {}, [&](ConnectionPtr made) { fickle = std::make_unique<Fickle>(std::move(made)); },
      [](const std::string&) {});
  REQUIRE(listener.has_value());
  Client client(loop, to((*listener)->port()));
  REQUIRE(until(loop, [&] { return client.peer && fickle; }));
  client.peer->connection->send("one");
  client.peer->connection->send("two");
  REQUIRE(until(loop, [&] { return client.peer->reason.has_value(); }));
  CHECK(fickle->frames == 1);
}

TEST_CASE("new TLS files count for new connections") {
  test::Certificates certificates;
  EventLoop loop;
  Server server(loop, {.tls = test::context(TlsSide::Server, certificates.make("ca", "old"))});
  const auto tls = test::context(TlsSide::Client, certificates.make("ca", "client"));
  Client before(loop, to(server.listener->port(), tls));
  REQUIRE(until(loop, [&] { return before.peer && server.peers.size() == 1; }));
  server.listener->set_tls(test::context(TlsSide::Server, certificates.make("ca", "new")));
  Client after(loop, to(server.listener->port(), tls));
  REQUIRE(until(loop, [&] { return after.peer && server.peers.size() == 2; }));
  CHECK(before.peer->connection->peer_name() == "old");
  CHECK(after.peer->connection->peer_name() == "new");
  before.peer->echo = true;
  server.peers[0]->connection->send("old one still talks");
  REQUIRE(until(loop, [&] { return server.peers[0]->frames.size() == 1; }));
}
