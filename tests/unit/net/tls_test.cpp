#include "common/net/tls.h"

#include <openssl/ssl.h>

#include <catch2/catch.hpp>

#include "certificates.h"

using namespace tandem;
using namespace tandem::net;

namespace {

// Moves bytes between two sessions until both are quiet. Text: why one of them failed.
std::string talk(TlsSession& client, TlsSession& server, ByteQueue& at_client, ByteQueue& at_server) {
  while (!client.output().empty() || !server.output().empty()) {
    const std::string to_server(client.output().view());
    client.output().clear();
    if (auto taken = server.received(to_server, at_server); !taken) return "server: " + taken.error().text;
    const std::string to_client(server.output().view());
    server.output().clear();
    if (auto taken = client.received(to_client, at_client); !taken) return "client: " + taken.error().text;
  }
  return {};
}

}  // namespace

TEST_CASE("two sessions agree on TLS 1.3 and carry bytes") {
  test::Certificates certificates;
  TlsSession server(test::context(TlsSide::Server, certificates.make("ca", "server")), {});
  TlsSession client(test::context(TlsSide::Client, certificates.make("ca", "client")), "localhost");
  ByteQueue at_client, at_server;
  REQUIRE(client.start().has_value());
  CHECK(talk(client, server, at_client, at_server) == "");
  CHECK(client.established());
  CHECK(server.established());
  CHECK(server.protocol() == "TLSv1.3");
  const std::string long_text(100000, 'x');
  REQUIRE(client.send(long_text).has_value());
  REQUIRE(server.send("short").has_value());
  CHECK(talk(client, server, at_client, at_server) == "");
  CHECK(at_server.view() == long_text);
  CHECK(at_client.view() == "short");
  client.close();
  CHECK(talk(client, server, at_client, at_server) == "");
  CHECK(server.peer_closed());
  CHECK_FALSE(client.peer_closed());
}

TEST_CASE("TLS 1.2 is accepted unless 1.3 is required, 1.1 never") {
  test::Certificates certificates;
  auto options = certificates.make("ca", "server");
  options.mutual = false;
  options.require_1_3 = GENERATE(false, true);
  const int version = GENERATE(TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION);
  TlsSession server(test::context(TlsSide::Server, options), {});

  // A client of OpenSSL's own that speaks just one version.
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> ctx(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  SSL_CTX_set_security_level(ctx.get(), 0);
  SSL_CTX_set_cipher_list(ctx.get(), "ALL:@SECLEVEL=0");
  SSL_CTX_set_min_proto_version(ctx.get(), version);
  SSL_CTX_set_max_proto_version(ctx.get(), version);
  const std::unique_ptr<SSL, decltype(&SSL_free)> client(SSL_new(ctx.get()), SSL_free);
  BIO* const in = BIO_new(BIO_s_mem());
  BIO* const out = BIO_new(BIO_s_mem());
  SSL_set_bio(client.get(), in, out);
  SSL_set_connect_state(client.get());
  ByteQueue plain;
  std::string failure;
  for (int round = 0; round < 4 && failure.empty(); ++round) {
    SSL_do_handshake(client.get());
    char* bytes = nullptr;
    const long count = BIO_get_mem_data(out, &bytes);
    if (auto taken = server.received({bytes, static_cast<std::size_t>(count)}, plain); !taken)
      failure = taken.error().text;
    static_cast<void>(BIO_reset(out));
    BIO_write(in, server.output().view().data(), static_cast<int>(server.output().size()));
    server.output().clear();
  }
  const bool good = version == TLS1_3_VERSION || (version == TLS1_2_VERSION && !options.require_1_3);
  CHECK(server.established() == good);
  CHECK(failure == (good ? "" : "it offers no TLS version that is accepted here"));
}

TEST_CASE("a context says which file is wrong") {
  test::Certificates certificates;
  const auto good = certificates.make("ca", "server");
  const auto other = certificates.make("ca", "other");
  const auto failure = [](TlsSide side, const TlsOptions& options) {
    return TlsContext::make(side, options).error().text;
  };
  CHECK(failure(TlsSide::Server, {.certificate = "/nowhere.pem", .key = good.key, .ca = good.ca}) ==
        "certificate /nowhere.pem can't be used: No such file or directory");
  CHECK(failure(TlsSide::Server, {.certificate = good.certificate, .key = other.key, .ca = good.ca})
            .find("key " + other.key) == 0);
  CHECK(failure(TlsSide::Server, {.certificate = good.certificate, .key = good.key, .ca = good.key})
            .find("CA " + good.key) == 0);
  CHECK(failure(TlsSide::Server, {}) == "a TLS port needs a certificate and its key");
  CHECK(failure(TlsSide::Server, {.certificate = good.certificate, .key = good.key}) ==
        "a port with mutual TLS needs the CA of its clients' certificates");
}
