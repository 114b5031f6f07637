// TLS towards others: who they are is verified, by name or address, and certificates are taken anew.
#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "bench_room.h"
#include "connector/sip/library.h"

using namespace tandem;
using namespace tandem::connector;
using namespace tandem::connector::test;

namespace {

// Certificates of one CA in a folder that goes with its owner.
class Authority {
 public:
  Authority() {
    std::string path = std::filesystem::temp_directory_path() / "tandem-sip-test-XXXXXX";
    REQUIRE(mkdtemp(path.data()) != nullptr);
    folder_ = path;
    key_ = EVP_EC_gen("P-256");
    ca_ = X509_new();
    fill(ca_, "Trial CA", key_);
    X509_add1_ext_i2d(ca_, NID_basic_constraints, basic(true), 1, 0);
    X509_sign(ca_, key_, EVP_sha256());
    write("ca", ca_, nullptr);
  }
  ~Authority() {
    X509_free(ca_);
    EVP_PKEY_free(key_);
    std::filesystem::remove_all(folder_);
  }
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;
  // `names`: "DNS:sip.carrier.test", "IP:127.0.0.1".
  void make(const std::string& file, const std::string& names) {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* one = X509_new();
    fill(one, "somebody", key);
    X509V3_CTX context;
    X509V3_set_ctx(&context, ca_, one, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, NID_subject_alt_name, names.c_str());
    REQUIRE(extension != nullptr);
    X509_add_ext(one, extension, -1);
    X509_EXTENSION_free(extension);
    X509_sign(one, key_, EVP_sha256());
    write(file, one, key);
    X509_free(one);
    EVP_PKEY_free(key);
  }
  std::string file(const std::string& name) const { return folder_ + "/" + name; }

 private:
  static BASIC_CONSTRAINTS* basic(bool ca) {
    static const std::unique_ptr<BASIC_CONSTRAINTS, decltype(&BASIC_CONSTRAINTS_free)> value(BASIC_CONSTRAINTS_new(),
                                                                                             &BASIC_CONSTRAINTS_free);
    value->ca = ca ? 0xff : 0;
    return value.get();
  }
  void fill(X509* certificate, const char* name, EVP_PKEY* key) {
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(ca_));
  }
  void write(const std::string& name, X509* certificate, EVP_PKEY* key) {
    FILE* out = fopen(file(name + ".pem").c_str(), "w");
    PEM_write_X509(out, certificate);
    fclose(out);
    if (key == nullptr) return;
    out = fopen(file(name + ".key").c_str(), "w");
    PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
    fclose(out);
  }
  std::string folder_;
  EVP_PKEY* key_ = nullptr;
  X509* ca_ = nullptr;
  long serial_ = 0;
};

// Takes one connection, notes the server name and the first line that comes, and hangs up.
class Server {
 public:
  explicit Server(const Authority& authority, const std::string& certificate) {
    context_ = SSL_CTX_new(TLS_server_method());
    REQUIRE(SSL_CTX_use_certificate_file(context_, authority.file(certificate + ".pem").c_str(), SSL_FILETYPE_PEM) ==
            1);
    REQUIRE(SSL_CTX_use_PrivateKey_file(context_, authority.file(certificate + ".key").c_str(), SSL_FILETYPE_PEM) == 1);
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof here;
    REQUIRE(bind(fd_, reinterpret_cast<sockaddr*>(&here), size) == 0);
    REQUIRE(listen(fd_, 8) == 0);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&here), &size);
    port = ntohs(here.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    join();
    SSL_CTX_free(context_);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  void join() {
    if (!thread_.joinable()) return;
    shutdown(fd_, SHUT_RDWR);
    thread_.join();
    close(fd_);
  }
  std::uint16_t port = 0;
  // After join():
  std::string server_name, first_line;

 private:
  void serve() {
    const int connection = accept(fd_, nullptr, nullptr);
    if (connection < 0) return;
    const timeval patience{5, 0};
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    SSL* tls = SSL_new(context_);
    SSL_set_fd(tls, connection);
    if (SSL_accept(tls) == 1) {
      if (const char* name = SSL_get_servername(tls, TLSEXT_NAMETYPE_host_name)) server_name = name;
      char bytes[4096];
      const int got = SSL_read(tls, bytes, sizeof bytes);
      if (got > 0) first_line = std::string(bytes, static_cast<std::size_t>(got)).substr(0, 10);
    }
    SSL_free(tls);
    close(connection);
  }
  SSL_CTX* context_;
  int fd_ = -1;
  std::thread thread_;
};

SipSettings over_tls(const Authority& authority) {
  auto out = quick_settings();
  out.listen = {{"127.0.0.1", 0, SipTransport::Tls}};
  out.tls = {authority.file("us.pem"), authority.file("us.key"), authority.file("ca.pem"), ""};
  return out;
}

// A resolver to whom every name is this machine.
SipResolver loopback() {
  return {[](const std::string&) { return std::vector<SrvRecord>{}; },
          [](const std::string&) { return std::vector<std::string>{"127.0.0.1"}; }};
}

SendInvite call_to(const std::string& next_hop) {
  SendInvite out;
  out.leg = LegId{1ull << 63 | 1};
  out.target.request_uri = "sip:+4420@" + sip_host(next_hop).host;
  out.target.next_hop = next_hop;
  out.target.trunk = "pstn";
  out.from_uri = "sip:alice@tandem.test";
  out.to_uri = out.target.request_uri;
  out.call_id = "tls-1@tandem";
  out.conversation_id = "1";
  out.sdp = kOffer;
  out.max_forwards = 69;
  return out;
}

}  // namespace

TEST_CASE("Over TLS we call who shows a certificate for the name or address of the URI, and nobody else") {
  if (!library::patched()) return;
  struct Row {
    const char* host;
    const char* names;
    ServerCertificates verified;
    bool reached;
  };
  const auto row = GENERATE(values<Row>({
      {"127.0.0.1", "IP:127.0.0.1", ServerCertificates::Named, true},
      {"127.0.0.1", "DNS:sip.carrier.test,IP:127.0.0.2", ServerCertificates::Named, false},
      {"sip.carrier.test", "DNS:sip.carrier.test", ServerCertificates::Named, true},
      {"sip.carrier.test", "DNS:carrier.test", ServerCertificates::Named, false},
      {"sip.carrier.test", "DNS:*.carrier.test", ServerCertificates::Named, false},
      {"sip.carrier.test", "IP:127.0.0.1", ServerCertificates::Named, false},
      {"sip.carrier.test", "DNS:other.test", ServerCertificates::Trusted, true},
  }));
  CAPTURE(row.host, row.names);
  Authority authority;
  authority.make("us", "DNS:tandem.test");
  authority.make("carrier", row.names);
  Server server(authority, "carrier");
  auto settings = over_tls(authority);
  settings.tls_policy.servers = row.verified;
  Bench bench(settings, loopback());
  REQUIRE(bench.opened.has_value());
  bench.perform(call_to("sip:" + std::string(row.host) + ":" + std::to_string(server.port) + ";transport=tls"));
  const auto rejected = bench.next<InviteRejected>(10s);
  REQUIRE(rejected);
  server.join();
  CHECK((server.first_line == "INVITE sip") == row.reached);
  if (row.reached) CHECK(server.server_name == (sip_host(row.host).name ? row.host : ""));
}

TEST_CASE("Nobody is called whose certificate another CA signed") {
  if (!library::patched()) return;
  Authority authority, stranger;
  authority.make("us", "DNS:tandem.test");
  stranger.make("carrier", "IP:127.0.0.1");
  Server server(stranger, "carrier");
  auto settings = over_tls(authority);
  settings.tls_policy.servers = GENERATE(ServerCertificates::Trusted, ServerCertificates::Any);
  Bench bench(settings);
  REQUIRE(bench.opened.has_value());
  bench.perform(call_to("sip:127.0.0.1:" + std::to_string(server.port) + ";transport=tls"));
  REQUIRE(bench.next<InviteRejected>(10s));
  server.join();
  CHECK((server.first_line == "INVITE sip") == (settings.tls_policy.servers == ServerCertificates::Any));
}

TEST_CASE("What TLS can't be made of is told before a port is opened") {
  if (!library::patched()) return;
  Authority authority;
  authority.make("us", "DNS:tandem.test");
  auto settings = over_tls(authority);
  std::string wrong;
  SECTION("ciphers") {
    settings.tls_policy.ciphers = "NONE-SUCH";
    wrong = "sip tls-ciphers";
  }
  SECTION("suites") {
    settings.tls_policy.ciphersuites = "TLS_NONE_SUCH";
    wrong = "sip tls-ciphersuites";
  }
  SECTION("clients are verified, and there is no CA") {
    settings.tls.ca.clear();
    settings.listen.front().clients = ClientCertificates::Required;
    wrong = "tls-verify-clients needs the CA";
  }
  Bench bench(settings);
  REQUIRE(bench.opened.has_error());
  CHECK(bench.opened.error().text.find(wrong) != std::string::npos);
}
