// INVITEs that go on in another process, or on another Connector: what it needs is kept, what the other side then says
// is understood, what it is told it takes for the words of the one before.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "calls_up.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

namespace {

const LegId kLeg{1ull << 63 | 7};

SipSettings at(std::uint16_t port, SipTransport transport = SipTransport::Udp) {
  auto out = quick_settings();
  out.listen = {{"127.0.0.1", port, transport}};
  return out;
}

ha::Dialog dialog_of(Bench& bench, LegId leg) {
  std::optional<ha::Dialog> out;
  bench.loop.call([&] { out = bench.room->dialog(leg); });
  REQUIRE(out);
  return *out;
}

// A phone that rings for a process that is no more, and the one after it.
struct Rings {
  explicit Rings(bool elsewhere = false) {
    ha::Dialog dialog;
    std::uint16_t port = 0;
    {
      Bench before;
      port = before.port();
      OutgoingCall call(before, peer);
      call.ringing(before, peer);
      invite = call.invite;
      dialog = dialog_of(before, call.leg);
    }
    CHECK(peer.drain(100ms).empty());
    via = invite.header("Via");
    bench = std::make_unique<Bench>(at(elsewhere ? 0 : port));
    REQUIRE(bench->opened.has_value());
    peer.towards("127.0.0.1", bench->port());
    bench->perform(RestoreLeg{kLeg, dialog});
    CHECK(peer.drain(200ms).empty());  // nothing is said to it
  }
  Peer peer;
  Message invite;
  std::string via;
  std::unique_ptr<Bench> bench;
};

// A phone that calls over TCP and listens, too.
class TcpPhone {
 public:
  explicit TcpPhone(std::uint16_t to_port) {
    server_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(bind(server_, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
    REQUIRE(listen(server_, 4) == 0);
    socklen_t size = sizeof at;
    getsockname(server_, reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    at.sin_port = htons(to_port);
    REQUIRE(connect(fd_, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
  }
  ~TcpPhone() {
    hang_up();
    stop_listening();
  }
  TcpPhone(const TcpPhone&) = delete;
  TcpPhone& operator=(const TcpPhone&) = delete;

  void hang_up() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
    held_.clear();
  }
  void stop_listening() {
    if (server_ >= 0) close(server_);
    server_ = -1;
  }
  bool called_back() {
    pollfd wait{server_, POLLIN, 0};
    if (poll(&wait, 1, 5000) <= 0) return false;
    fd_ = accept(server_, nullptr, nullptr);
    return fd_ >= 0;
  }
  void invite() {
    const std::string body = kOffer;
    const std::string text =
        "INVITE sip:support@tandem.test SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:" + std::to_string(port_) +
        ";branch=z9hG4bKtcp;rport\r\nMax-Forwards: 70\r\nFrom: <sip:alice@tandem.test>;tag=a\r\n"
        "To: <sip:support@tandem.test>\r\nCall-ID: over-tcp\r\nCSeq: 1 INVITE\r\nContact: <sip:alice@127.0.0.1:" +
        std::to_string(port_) +
        ";transport=tcp>\r\nContent-Type: application/sdp\r\nContent-Length: " + std::to_string(body.size()) +
        "\r\n\r\n" + body;
    REQUIRE(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) > 0);
  }
  std::optional<Message> response(int status) {
    for (;;) {
      const auto head = held_.find("\r\n\r\n");
      if (head != std::string::npos) {
        const auto message = Message::parse(held_.substr(0, head + 4));
        const auto whole = head + 4 + std::stoul("0" + message.header("Content-Length"));
        if (held_.size() >= whole) {
          held_.erase(0, whole);
          if (message.status() == status) return message;
          continue;
        }
      }
      pollfd wait{fd_, POLLIN, 0};
      if (poll(&wait, 1, 5000) <= 0) return std::nullopt;
      char bytes[4096];
      const auto got = recv(fd_, bytes, sizeof bytes, 0);
      if (got <= 0) return std::nullopt;
      held_.append(bytes, static_cast<std::size_t>(got));
    }
  }

 private:
  int server_ = -1, fd_ = -1;
  std::uint16_t port_ = 0;
  std::string held_;
};

// It waits for an answer when the process ends; what the next one needs of it.
ha::Dialog waiting(TcpPhone& phone, Bench& before) {
  phone.invite();
  const auto invited = before.next<Invited>();
  REQUIRE(invited);
  before.perform(answer_with(invited->leg, 180));
  REQUIRE(phone.response(180));
  auto dialog = dialog_of(before, invited->leg);
  phone.hang_up();
  return dialog;
}

}  // namespace

TEST_CASE("A phone that rang for the process before is heard when it answers") {
  Rings ring;
  ring.peer.send(ring.peer.answer(ring.invite, 183, "bob", kAnswer));
  const auto progress = ring.bench->next<Progressed>();
  REQUIRE(progress);
  CHECK(progress->leg == kLeg);
  CHECK(progress->status == 183);

  const auto ok = ring.peer.answer(ring.invite, 200, "bob", kAnswer);
  ring.peer.send(ok);
  const auto ack = ring.peer.request("ACK");
  REQUIRE(ack);
  CHECK(ack->header("CSeq") ==
        "" + ring.invite.header("CSeq").substr(0, ring.invite.header("CSeq").find(' ')) + " ACK");
  CHECK(ack->header("Call-ID") == ring.invite.header("Call-ID"));
  CHECK(ack->tag("From") == ring.invite.tag("From"));
  CHECK(ack->tag("To") == "bob");
  const auto accepted = ring.bench->next<InviteAccepted>();
  REQUIRE(accepted);
  CHECK(accepted->leg == kLeg);
  CHECK(accepted->sdp == std::string(kAnswer));
  ring.peer.send(ok);
  CHECK(ring.peer.request("ACK"));  // its 200 again, our ACK again

  // The dialog is as any other.
  ring.bench->perform(SendBye{kLeg, ""});
  ring.bench->perform(ForgetLeg{kLeg});
  const auto bye = ring.peer.request("BYE");
  REQUIRE(bye);
  ring.peer.send(ring.peer.answer(*bye, 200, "bob"));
  CHECK(ring.bench->empty());
}

TEST_CASE("A phone that rang for the process before refuses") {
  Rings ring;
  ring.peer.send(ring.peer.answer(ring.invite, 486, "bob"));
  const auto ack = ring.peer.request("ACK");
  REQUIRE(ack);
  CHECK(ack->branch() == ring.invite.branch());
  const auto rejected = ring.bench->next<InviteRejected>();
  REQUIRE(rejected);
  CHECK(rejected->status == 486);
  ring.bench->perform(ForgetLeg{kLeg});
  CHECK(ring.bench->empty());
}

TEST_CASE("A phone that rang before is told to stop, here and from another Connector") {
  const bool elsewhere = GENERATE(false, true);
  Rings ring(elsewhere);
  ring.bench->perform(SendCancel{kLeg, ""});
  const auto cancel = ring.peer.request("CANCEL");
  REQUIRE(cancel);
  CHECK(cancel->header("Via") == ring.via);  // as phones match it (RFC 3261 section 17.2.3)
  CHECK(cancel->uri() == ring.invite.uri());
  CHECK(cancel->tag("From") == ring.invite.tag("From"));
  ring.peer.send(ring.peer.answer(*cancel, 200, "bob"));
  const auto rejected = ring.bench->next<InviteRejected>();
  REQUIRE(rejected);
  CHECK(rejected->status == 487);
  ring.bench->perform(ForgetLeg{kLeg});

  SECTION("which it does") {
    ring.peer.send(ring.peer.answer(ring.invite, 487, "bob"));
    const auto ack = ring.peer.request("ACK");
    REQUIRE(ack);
    CHECK(ack->branch() == ring.invite.branch());
  }
  SECTION("and answers at the same moment") {
    ring.peer.send(ring.peer.answer(ring.invite, 200, "bob", kAnswer));
    CHECK(ring.peer.request("ACK"));
    CHECK(ring.peer.request("BYE"));
  }
  CHECK(ring.bench->empty());
}

TEST_CASE("An INVITE that nobody had responded to is sent again, as it was") {
  Peer peer;
  ha::Dialog dialog;
  std::uint16_t port = 0;
  Message invite;
  {
    Bench before;
    port = before.port();
    OutgoingCall call(before, peer);
    invite = call.invite;
    dialog = dialog_of(before, call.leg);
  }
  peer.drain(100ms);
  Bench bench(at(port));
  bench.perform(RestoreLeg{kLeg, dialog});
  const auto again = peer.request("INVITE");
  REQUIRE(again);
  CHECK(again->text == invite.text);
  peer.towards("127.0.0.1", bench.port());
  peer.send(peer.answer(*again, 180, "bob"));
  CHECK(bench.next<Progressed>());
}

TEST_CASE("A caller over TCP is reached again where its Via says") {
  std::uint16_t port = 0;
  ha::Dialog dialog;
  std::unique_ptr<TcpPhone> phone;
  {
    Bench before(at(0, SipTransport::Tcp));
    port = before.port();
    phone = std::make_unique<TcpPhone>(port);
    dialog = waiting(*phone, before);
  }
  Bench bench(at(0, SipTransport::Tcp));
  SECTION("and answered") {
    bench.perform(RestoreLeg{kLeg, dialog});
    REQUIRE(phone->called_back());
    bench.perform(answer_with(kLeg, 200, kAnswer));
    const auto ok = phone->response(200);
    REQUIRE(ok);
    CHECK(ok->header("Call-ID") == "over-tcp");
    CHECK(ok->branch() == "z9hG4bKtcp");
    CHECK(ok->tag("To") == dialog.local_tag());
    CHECK_FALSE(bench.next<LegLost>(300ms));
  }
  SECTION("or said to be lost") {
    phone->stop_listening();
    bench.perform(RestoreLeg{kLeg, dialog});
    const auto lost = bench.next<LegLost>();
    REQUIRE(lost);
    CHECK(lost->leg == kLeg);
    bench.perform(ForgetLeg{kLeg});
    CHECK(bench.empty(10s));
  }
}
