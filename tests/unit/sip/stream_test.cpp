// TCP and TLS.
#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "bench_room.h"
#include "connector/sip/library.h"
#include "connector/sip/tls_files.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

namespace {

class Stream {
 public:
  explicit Stream(std::uint16_t to_port) {
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(to_port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
    socklen_t size = sizeof to;
    getsockname(fd, reinterpret_cast<sockaddr*>(&to), &size);
    port = ntohs(to.sin_port);
  }
  ~Stream() { close(fd); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  void send(const std::string& text) { REQUIRE(::send(fd, text.data(), text.size(), MSG_NOSIGNAL) > 0); }
  // The next whole message; none at the end of the stream or in time.
  std::optional<Message> next(std::chrono::milliseconds time = 5s) {
    for (;;) {
      const auto head = held.find("\r\n\r\n");
      if (head != std::string::npos) {
        const auto message = Message::parse(held.substr(0, head + 4));
        const auto whole = head + 4 + std::stoul("0" + message.header("Content-Length"));
        if (held.size() >= whole) {
          auto out = Message::parse(held.substr(0, whole));
          held.erase(0, whole);
          return out;
        }
      }
      pollfd wait{fd, POLLIN, 0};
      if (poll(&wait, 1, static_cast<int>(time.count())) <= 0) return std::nullopt;
      char bytes[4096];
      const auto got = recv(fd, bytes, sizeof bytes, 0);
      if (got <= 0) {
        ended = true;
        return std::nullopt;
      }
      held.append(bytes, static_cast<std::size_t>(got));
    }
  }
  std::string request(const std::string& method, int cseq, const std::string& to_tag = "",
                      const std::string& body = "") {
    return method + " sip:support@tandem.test SIP/2.0\r\nVia: SIP/2.0/TCP 10.9.8.7:5060;branch=z9hG4bK" + method +
           std::to_string(cseq) +
           ";rport\r\nMax-Forwards: 70\r\nFrom: <sip:alice@tandem.test>;tag=a\r\nTo: "
           "<sip:support@tandem.test>" +
           (to_tag.empty() ? "" : ";tag=" + to_tag) + "\r\nCall-ID: stream\r\nCSeq: " + std::to_string(cseq) + " " +
           method + "\r\nContact: <sip:alice@10.9.8.7:5060;transport=tcp>\r\n" +
           (body.empty() ? "" : "Content-Type: application/sdp\r\n") +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  int fd = -1;
  std::uint16_t port = 0;
  std::string held;
  bool ended = false;
};

SipSettings over_tcp() {
  auto out = quick_settings();
  out.listen = {{"127.0.0.1", 0, SipTransport::Tcp}};
  return out;
}

// A folder with a self-signed certificate, gone with its owner.
struct Certificates {
  Certificates() {
    std::string path = std::filesystem::temp_directory_path() / "tandem-sip-test-XXXXXX";
    REQUIRE(mkdtemp(path.data()) != nullptr);
    folder = path;
    make("one");
    make("two");
  }
  ~Certificates() { std::filesystem::remove_all(folder); }
  void make(const std::string& name) {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("tandem.test"), -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    X509_sign(certificate, key, EVP_sha256());
    FILE* out = fopen((folder + "/" + name + ".pem").c_str(), "w");
    PEM_write_X509(out, certificate);
    fclose(out);
    out = fopen((folder + "/" + name + ".key").c_str(), "w");
    PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
    fclose(out);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  std::string file(const std::string& name) const { return folder + "/" + name; }
  std::string folder;
};

}  // namespace

TEST_CASE("A request in a dialog that may still be given back is put off if it came over a connection") {
  auto settings = over_tcp();
  settings.unsure_for = 1h;
  Bench bench(settings);
  Stream phone(bench.port());
  for (const auto* method : {"BYE", "INVITE"}) {
    phone.send(phone.request(method, 1, "nobody"));
    const auto later = phone.next();
    REQUIRE(later);
    CHECK(later->status() == 500);
    CHECK(later->header("Retry-After") == "1");
  }
}

TEST_CASE("A call over TCP from behind a NAT is ended over the connection it came by") {
  Bench bench(over_tcp());
  REQUIRE(bench.opened.has_value());
  Stream phone(bench.port());
  phone.send(phone.request("INVITE", 1, "", kOffer));
  const auto invited = bench.next<Invited>();
  REQUIRE(invited);
  CHECK(invited->source == "127.0.0.1:" + std::to_string(phone.port));
  bench.perform(answer_with(invited->leg, 200, kAnswer));
  const auto ok = phone.next();
  REQUIRE(ok);
  CHECK(ok->status() == 200);
  CHECK(ok->header("Contact") == "<sip:127.0.0.1:" + std::to_string(bench.port()) + ";transport=tcp>");
  phone.send(phone.request("ACK", 1, ok->tag("To")));
  REQUIRE(bench.next<Acked>());
  bench.perform(SendBye{invited->leg, ""});
  const auto bye = phone.next();
  REQUIRE(bye);
  CHECK(bye->method() == "BYE");
  CHECK(bye->uri() == "sip:alice@10.9.8.7:5060;transport=tcp");
  Peer writer;
  phone.send(writer.answer(*bye, 200, ""));
  bench.perform(ForgetLeg{invited->leg});
  CHECK(bench.empty());
}

TEST_CASE("A request routed over us reaches a phone by its connection, and its response goes back") {
  auto settings = over_tcp();
  settings.listen.push_back({"127.0.0.1", 0, SipTransport::Udp});
  Bench bench(settings);
  REQUIRE(bench.opened.has_value());
  auto phone = std::make_unique<Stream>(bench.port(0));
  phone->send(phone->request("OPTIONS", 1));
  REQUIRE(phone->next());
  Peer caller;  // another Connector
  caller.towards("127.0.0.1", bench.port(1));
  const std::string here = "127.0.0.1:" + std::to_string(bench.port(1));
  const auto invite = [&](int cseq) {
    return caller.make("INVITE", "sip:alice@10.9.8.7:5060;transport=tcp", "b" + std::to_string(cseq), cseq, "flow-1",
                       "", kOffer, "Route: <sip:token@" + here + ";lr>\r\nContact: <sip:" + caller.address() + ">\r\n");
  };
  caller.send(invite(1));
  CHECK(caller.response(403));  // the token is nobody's
  CHECK(bench.desk.last_route.token == "token");
  CHECK(bench.desk.last_route.contact == "sip:alice@" + caller.address());

  const std::string flow = "sip:127.0.0.1:" + std::to_string(phone->port) + ";transport=tcp";
  bench.loop.call([&] { bench.desk.forwarding = Forwarding{flow, true, "both"}; });
  caller.send(invite(2));
  const auto came = phone->next();
  REQUIRE(came);
  CHECK(came->method() == "INVITE");
  CHECK(came->uri() == "sip:alice@10.9.8.7:5060;transport=tcp");
  CHECK(came->all("Route").empty());
  CHECK(came->all("Via").size() == 2);
  CHECK(came->header("Max-Forwards") == "69");
  CHECK(came->body == kOffer);
  const auto records = came->all("Record-Route");
  REQUIRE(records.size() == 2);
  CHECK(records[0] == "<sip:both@127.0.0.1:" + std::to_string(bench.port(0)) + ";transport=tcp;lr>");
  CHECK(records[1] == "<sip:both@" + here + ";transport=udp;lr>");

  Peer writer;
  phone->send(writer.answer(*came, 180, "alice"));
  const auto ringing = caller.response(180);
  REQUIRE(ringing);
  CHECK(ringing->all("Via").size() == 1);
  CHECK(ringing->branch() == "z9hG4bKb2");

  SECTION("the same CANCEL finds the same transaction") {
    caller.send(caller.make("CANCEL", "sip:alice@10.9.8.7:5060;transport=tcp", "b2", 2, "flow-1", "", "",
                            "Route: <sip:token@" + here + ";lr>\r\n"));
    const auto cancel = phone->next();
    REQUIRE(cancel);
    CHECK(cancel->method() == "CANCEL");
    CHECK(cancel->branch() == came->branch());
  }
  SECTION("from the phone back to who called") {
    bench.loop.call([&] {
      bench.desk.forwarding = Forwarding{"sip:" + caller.address() + ";transport=udp", false, {}};
    });
    auto bye = phone->request("BYE", 7, "x");
    bye.insert(bye.find("Max-Forwards"), "Route: " + records[0] + ", " + records[1] + "\r\n");
    phone->send(bye);
    const auto forwarded = caller.request("BYE");
    REQUIRE(forwarded);
    CHECK(forwarded->all("Route").empty());
    caller.send(caller.answer(*forwarded, 200, ""));
    const auto done = phone->next();
    REQUIRE(done);
    CHECK(done->status() == 200);
  }
  SECTION("a response to what we never forwarded goes nowhere") {
    auto forged = *came;
    for (auto& [name, value] : forged.headers)
      if (name == "Call-ID") value = "another";
    phone->send(writer.answer(forged, 200, "alice"));
    CHECK(!caller.response(200, 300ms));
  }
  SECTION("no connection, no call") {
    phone.reset();
    caller.send(invite(3));
    CHECK(caller.response(430));
  }
  CHECK(bench.nothing_else());
}

TEST_CASE("The front end is told of a connection that closes") {
  if (!library::patched()) return;
  Bench bench(over_tcp());
  REQUIRE(bench.opened.has_value());
  std::uint16_t port = 0;
  {
    Stream phone(bench.port());
    phone.send(phone.request("OPTIONS", 1));
    REQUIRE(phone.next());
    port = phone.port;
  }
  Origin closed;
  for (int i = 0; i < 500 && closed.port == 0; ++i) {
    bench.loop.call([&] { closed = bench.desk.closed; });
    if (closed.port == 0) poll(nullptr, 0, 10);
  }
  CHECK(closed.ip == "127.0.0.1");
  CHECK(closed.port == port);
  CHECK(closed.transport == "tcp");
}

TEST_CASE("Two messages in one piece, and one in many, are read alike") {
  Bench bench(over_tcp());
  Stream phone(bench.port());
  const auto first = phone.request("OPTIONS", 1);
  const auto second = phone.request("OPTIONS", 2);
  phone.send(first + second);
  CHECK(phone.next()->status() == 200);
  CHECK(phone.next()->status() == 200);
  const auto third = phone.request("OPTIONS", 3);
  for (const char c : third) phone.send(std::string(1, c));
  CHECK(phone.next()->status() == 200);
}

TEST_CASE("A connection with half a message, or with rubbish, is closed in time") {
  auto settings = over_tcp();
  settings.idle_timeout = 700ms;
  settings.message_timeout = 700ms;
  Bench bench(settings);
  SECTION("half a message") {
    Stream phone(bench.port());
    phone.send("INVITE sip:support@tandem.test SIP/2.0\r\nVia: SIP/2.0/TCP h");
    CHECK(!phone.next(10s));
    CHECK(phone.ended);
  }
  SECTION("a header that never ends") {
    Stream phone(bench.port());
    const std::string more = "X: " + std::string(60000, 'a');
    for (int i = 0; i < 4 && ::send(phone.fd, more.data(), more.size(), MSG_NOSIGNAL) > 0; ++i) {
    }
    while (phone.next(10s)) {
    }
    CHECK(phone.ended);
  }
  Stream good(bench.port());
  good.send(good.request("OPTIONS", 9));
  CHECK(good.next()->status() == 200);
}

TEST_CASE("A phone that is called over a TCP port nobody listens on any more: 503 at once") {
  Bench bench(over_tcp());
  Peer nobody;
  auto order = invite_to(nobody);
  order.target.request_uri += ";transport=tcp";
  bench.perform(order);
  const auto rejected = bench.next<InviteRejected>();
  REQUIRE(rejected);
  CHECK(rejected->status == 503);
}

TEST_CASE("TLS files are checked before a port is opened") {
  Certificates made;
  SipTlsFiles files{made.file("one.pem"), made.file("one.key"), made.file("one.pem"), ""};
  std::string wrong;
  SECTION("no certificate") {
    files.certificate = made.file("none.pem");
    wrong = "certificate " + files.certificate + ": No such file";
  }
  SECTION("a key of another certificate") {
    files.key = made.file("two.key");
    wrong = "does not belong to certificate";
  }
  SECTION("a key that is none") {
    files.key = made.file("one.pem");
    wrong = "holds no PEM private key";
  }
  SECTION("a certificate that is none") {
    files.certificate = made.file("one.key");
    wrong = "holds no PEM certificate";
  }
  SECTION("no CA") {
    files.ca = made.file("none.pem");
    wrong = "CA " + files.ca + ": No such file";
  }
  SECTION("nothing given") {
    files = {};
    wrong = "SIP over TLS needs a certificate";
  }
  auto settings = quick_settings();
  settings.listen.push_back({"127.0.0.1", 0, SipTransport::Tls});
  settings.tls = files;
  if (wrong.empty()) {
    const auto folder = SipTlsFolder::make(files);
    REQUIRE(folder.has_value());
    struct stat info {};
    REQUIRE(stat(folder->path().c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0700);
    CHECK(std::filesystem::exists(folder->path() + "/agent.pem"));
    CHECK(std::filesystem::exists(folder->path() + "/cafile.pem"));
    return;
  }
  Bench bench(settings);
  REQUIRE(bench.opened.has_error());
  CHECK(bench.opened.error().text.find(wrong) != std::string::npos);
}

TEST_CASE("SIP over TLS is served, TLS 1.1 is not") {
  Certificates made;
  auto settings = quick_settings();
  settings.listen = {{"127.0.0.1", 0, SipTransport::Tls}};
  settings.tls = {made.file("one.pem"), made.file("one.key"), made.file("one.pem"), ""};
  Bench bench(settings);
  REQUIRE(bench.opened.has_value());
  const int lowest = GENERATE(TLS1_2_VERSION, TLS1_1_VERSION);
  Stream plain(bench.port());
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_min_proto_version(context, lowest);
  SSL_CTX_set_max_proto_version(context, lowest);
  SSL* tls = SSL_new(context);
  SSL_set_fd(tls, plain.fd);
  const bool done = SSL_connect(tls) == 1;
  CHECK(done == (lowest == TLS1_2_VERSION));
  if (done) {
    auto text = plain.request("OPTIONS", 1);
    text.replace(text.find("SIP/2.0/TCP"), 11, "SIP/2.0/TLS");
    REQUIRE(SSL_write(tls, text.data(), static_cast<int>(text.size())) > 0);
    char bytes[4096];
    const int got = SSL_read(tls, bytes, sizeof bytes);
    REQUIRE(got > 0);
    CHECK(std::string(bytes, static_cast<std::size_t>(got)).rfind("SIP/2.0 200", 0) == 0);
  }
  SSL_free(tls);
  SSL_CTX_free(context);
}

TEST_CASE("A port that is taken is told") {
  Bench first;
  auto settings = quick_settings();
  settings.listen = {{"127.0.0.1", first.port(), SipTransport::Udp}};
  Bench second(settings);
  REQUIRE(second.opened.has_error());
  CHECK(second.opened.error().text.find("127.0.0.1:" + std::to_string(first.port()) + "/udp can't be opened") !=
        std::string::npos);
}
