// The link room over real sockets: a T-Server's end made of common/net.
#include "connector/link/room.h"

#include <catch2/catch.hpp>

#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>

#include "common/net/connection.h"
#include "common/net/dialer.h"
#include "common/net/frame.h"
#include "common/net/loop.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace tandem;
using namespace tandem::connector;

namespace {

// A blocking T-Server: frames over plain TCP.
class Server {
 public:
  explicit Server(std::uint16_t port, std::string application = "TServer_1") : application_(std::move(application)) {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
  }
  ~Server() { close(fd_); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void raw(std::string_view bytes) { REQUIRE(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0); }
  void send(link::Envelope envelope, std::uint64_t epoch = 5) {
    envelope.set_sequence(++sequence_);
    envelope.set_epoch(epoch);
    std::string frame(4, '\0');
    const auto body = envelope.SerializeAsString();
    net::write_frame_head(frame.data(), static_cast<std::uint32_t>(body.size()));
    raw(frame + body);
  }
  void hello(link::Role role = link::ROLE_PRIMARY, std::uint64_t epoch = 5) {
    link::Envelope envelope;
    envelope.mutable_hello()->set_major(1);
    envelope.mutable_hello()->set_application(application_);
    envelope.mutable_hello()->set_role(role);
    send(std::move(envelope), epoch);
  }
  // The next message; none at the end of the connection or after 5 s.
  std::optional<link::Envelope> next() {
    std::string head;
    if (!take(head, 4)) return std::nullopt;
    const auto* b = reinterpret_cast<const unsigned char*>(head.data());
    std::string body;
    if (!take(body, static_cast<std::size_t>(b[0]) << 24 | static_cast<std::size_t>(b[1]) << 16 |
                        static_cast<std::size_t>(b[2]) << 8 | b[3]))
      return std::nullopt;
    link::Envelope out;
    REQUIRE(out.ParseFromString(body));
    CHECK(out.sequence() == ++got_);
    return out;
  }

 private:
  bool take(std::string& out, std::size_t size) {
    out.resize(size);
    for (std::size_t at = 0; at < size;) {
      pollfd wait{fd_, POLLIN, 0};
      if (poll(&wait, 1, 5000) <= 0) return false;
      const auto got = recv(fd_, out.data() + at, size - at, 0);
      if (got <= 0) return false;
      at += static_cast<std::size_t>(got);
    }
    return true;
  }
  std::string application_;
  int fd_ = -1;
  std::uint64_t sequence_ = 0;
  std::uint64_t got_ = 0;
};

struct Bench {
  explicit Bench(LinkSettings settings = plain())
      : room(std::move(settings), log, [this](std::vector<Input> inputs) {
          const std::lock_guard guard(mutex);
          for (auto& input : inputs) came.push_back(std::move(input));
          arrived.notify_all();
          return accept;
        }) {
    const auto opened = room.open();
    REQUIRE(opened.has_value());
    port = *opened;
    room.start();
  }
  static LinkSettings plain() {
    LinkSettings out;
    out.tls = false;
    out.identity.application = "Connector_1";
    return out;
  }
  template <class Kind>
  std::optional<Kind> next() {
    std::unique_lock lock(mutex);
    std::optional<Kind> found;
    arrived.wait_for(lock, 5s, [&] {
      for (auto it = came.begin(); it != came.end(); ++it)
        if (auto* kind = std::get_if<Kind>(&*it)) {
          found = std::move(*kind);
          came.erase(it);
          return true;
        }
      return false;
    });
    return found;
  }
  void report(std::uint64_t conversation) {
    Report report;
    report.happening.set_conversation(conversation);
    report.happening.mutable_alerting();
    room.perform(std::move(report));
    room.flush();
  }
  void snapshot(LinkNo link) {
    room.perform(SendSnapshot{link, {}});
    room.flush();
  }
  LinkNo open(Server& server, link::Role role = link::ROLE_PRIMARY, std::uint64_t epoch = 5) {
    server.hello(role, epoch);
    REQUIRE(server.next()->has_hello());
    const auto opened = next<LinkOpened>();
    REQUIRE(opened);
    snapshot(opened->link);
    REQUIRE(server.next()->has_snapshot());
    return opened->link;
  }

  NullLogger log;
  std::mutex mutex;
  std::condition_variable arrived;
  std::deque<Input> came;
  bool accept = true;
  std::uint16_t port = 0;
  LinkRoom room;
};

}  // namespace

TEST_CASE("Link room: every T-Server is sent every happening, in order, after its Snapshot") {
  Bench bench;
  Server primary(bench.port);
  const auto first = bench.open(primary);
  bench.report(1);
  Server backup(bench.port, "TServer_2");
  bench.open(backup, link::ROLE_BACKUP);
  bench.report(2);
  bench.report(3);
  for (const std::uint64_t n : {1, 2, 3}) {
    const auto got = primary.next();
    REQUIRE(got);
    CHECK(got->epoch() == 5);
    CHECK(got->happening().conversation() == n);
    CHECK(got->happening().has_alerting());
  }
  for (const std::uint64_t n : {2, 3}) {
    const auto got = backup.next();
    REQUIRE(got);
    CHECK(got->happening().conversation() == n);
  }
  link::Envelope command;
  command.mutable_command()->set_id(4);
  command.mutable_command()->mutable_admit();
  primary.send(command);
  const auto commanded = bench.next<Commanded>();
  REQUIRE(commanded);
  CHECK(commanded->link == first);
  CHECK(commanded->command.id() == 4);
}

TEST_CASE("Link room: a new primary fences the old one") {
  Bench bench;
  Server old(bench.port);
  bench.open(old, link::ROLE_PRIMARY, 5);
  Server fresh(bench.port, "TServer_2");
  bench.open(fresh, link::ROLE_PRIMARY, 6);
  const auto goodbye = old.next();
  REQUIRE(goodbye);
  CHECK(goodbye->goodbye().reason() == link::Goodbye::FENCED);
  CHECK(!old.next());
  CHECK(bench.next<LinkClosed>());
}

TEST_CASE("Link room: the same T-Server again takes the place of its earlier connection") {
  Bench bench;
  Server first(bench.port);
  const auto number = bench.open(first);
  Server second(bench.port);
  bench.open(second);
  CHECK(first.next()->has_goodbye());
  const auto closed = bench.next<LinkClosed>();
  REQUIRE(closed);
  CHECK(closed->link == number);
  bench.report(8);
  CHECK(second.next()->happening().conversation() == 8);
}

TEST_CASE("Link room: rubbish ends that link and no other") {
  Bench bench;
  Server good(bench.port);
  bench.open(good);
  SECTION("bytes that are no envelope") {
    Server bad(bench.port, "x");
    bad.raw(std::string("\0\0\0\3\xff\xff\xff", 7));
    REQUIRE(bad.next()->has_hello());
    CHECK(bad.next()->goodbye().reason() == link::Goodbye::PROTOCOL_ERROR);
    CHECK(!bad.next());
  }
  SECTION("a frame of 4 GiB") {
    Server bad(bench.port, "x");
    bad.raw("\xff\xff\xff\xff");
    REQUIRE(bad.next()->has_hello());
    CHECK(!bad.next());
  }
  SECTION("another major version") {
    Server bad(bench.port, "x");
    link::Envelope envelope;
    envelope.mutable_hello()->set_major(99);
    bad.send(envelope);
    REQUIRE(bad.next()->has_hello());
    CHECK(bad.next()->goodbye().reason() == link::Goodbye::WRONG_VERSION);
  }
  bench.report(1);
  CHECK(good.next()->happening().conversation() == 1);
}

TEST_CASE("Link room: a core that can't keep up closes the links") {
  Bench bench;
  Server server(bench.port);
  bench.open(server);
  {
    const std::lock_guard guard(bench.mutex);
    bench.accept = false;
  }
  link::Envelope command;
  command.mutable_command()->set_id(1);
  server.send(command);
  CHECK(server.next()->goodbye().reason() == link::Goodbye::SLOW_READER);
}

TEST_CASE("Link room: a T-Server that doesn't read loses its link, others don't notice") {
  auto settings = Bench::plain();
  settings.queue_bytes_max = 65536;
  Bench bench(settings);
  Server slow(bench.port, "slow");
  const auto number = bench.open(slow);
  Server good(bench.port, "good");
  bench.open(good, link::ROLE_BACKUP);
  // More than socket buffers and queue hold; the good one reads all of it.
  const std::string text(20000, 'x');
  std::uint64_t sent = 0;
  std::optional<LinkClosed> closed;
  while (!closed && sent < 5000) {
    for (int i = 0; i < 2; ++i) {
      Report report;
      report.happening.set_conversation(++sent);
      report.happening.mutable_left()->set_reason(text);
      bench.room.perform(std::move(report));
    }
    bench.room.flush();
    for (int i = 0; i < 2; ++i) REQUIRE(good.next());
    const std::lock_guard guard(bench.mutex);
    for (const auto& input : bench.came)
      if (const auto* gone = std::get_if<LinkClosed>(&input)) closed = *gone;
  }
  REQUIRE(closed);
  CHECK(closed->link == number);
}

TEST_CASE("Link room: stopping says goodbye") {
  auto bench = std::make_unique<Bench>();
  Server server(bench->port);
  bench->open(server);
  bench->room.stop();
  CHECK(server.next()->goodbye().reason() == link::Goodbye::SHUTDOWN);
  CHECK(!server.next());
}
