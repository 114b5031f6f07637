#include "common/net/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <boost/asio/ip/address.hpp>
#include <climits>
#include <ctime>
#include <system_error>

namespace tandem::net {
namespace {

template <auto free>
struct Free {
  template <class T>
  void operator()(T* handle) const {
    free(handle);
  }
};
using CtxPtr = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, Free<SSL_free>>;
using BioPtr = std::unique_ptr<BIO, Free<BIO_free>>;
using BioMethodPtr = std::unique_ptr<BIO_METHOD, Free<BIO_meth_free>>;
using X509Ptr = std::unique_ptr<X509, Free<X509_free>>;

// The two ends of a session's transport.
struct Wire {
  std::string_view input;
  ByteQueue output;
};

Wire& wire_of(BIO* bio) {
  return *static_cast<Wire*>(BIO_get_data(bio));
}

int wire_read(BIO* bio, char* to, int size) {
  BIO_clear_retry_flags(bio);
  Wire& wire = wire_of(bio);
  if (wire.input.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const std::size_t count = std::min(wire.input.size(), static_cast<std::size_t>(size));
  std::memcpy(to, wire.input.data(), count);
  wire.input.remove_prefix(count);
  return static_cast<int>(count);
}

int wire_write(BIO* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  wire_of(bio).output.append({from, static_cast<std::size_t>(size)});
  return size;
}

long wire_ctrl(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BioMethodPtr make_wire_method() {
  BioMethodPtr method(BIO_meth_new(BIO_TYPE_SOURCE_SINK, "wire"));
  BIO_meth_set_read(method.get(), wire_read);
  BIO_meth_set_write(method.get(), wire_write);
  BIO_meth_set_ctrl(method.get(), wire_ctrl);
  return method;
}

std::string openssl_error() {
  std::string text;
  while (const unsigned long code = ERR_get_error()) {
    // The first error is the cause, the rest say where it was met.
    if (!text.empty()) continue;
    const char* reason = ERR_reason_error_string(code);
    if (ERR_SYSTEM_ERROR(code)) {
      text = std::generic_category().message(ERR_GET_REASON(code));
    } else {
      text = reason != nullptr ? reason : "error " + std::to_string(code);
    }
  }
  return text.empty() ? "no reason given" : text;
}

std::string common_name(const X509* certificate) {
  std::array<char, 256> name{};
  if (certificate == nullptr ||
      X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name.data(), name.size()) < 0) {
    return {};
  }
  return name.data();
}

// Called for each certificate of the other side's chain: keeps the name of one that is refused, for the log.
int note_verdict(int good, X509_STORE_CTX* store) {
  if (good == 0) {
    const void* ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    auto* name = static_cast<std::string*>(SSL_get_app_data(static_cast<const SSL*>(ssl)));
    if (name != nullptr) *name = common_name(X509_STORE_CTX_get0_cert(store));
  }
  return good;
}

// Why a session failed, in an operator's words. `name`: of the certificate that was refused.
std::string explain(const SSL* ssl, const std::string& name) {
  const unsigned long code = ERR_peek_last_error();
  const long verdict = SSL_get_verify_result(ssl);
  if (verdict != X509_V_OK) {
    ERR_clear_error();
    return "its certificate" + (name.empty() ? "" : " \"" + name + "\"") +
           " is not accepted: " + X509_verify_cert_error_string(verdict);
  }
  if (ERR_GET_LIB(code) == ERR_LIB_SSL) {
    const auto said = [](const char* words) {
      ERR_clear_error();
      return std::string(words);
    };
    switch (ERR_GET_REASON(code)) {
      case SSL_R_HTTP_REQUEST:
      case SSL_R_WRONG_VERSION_NUMBER:
      case SSL_R_UNEXPECTED_MESSAGE:
      case SSL_R_RECORD_TOO_SMALL:
      case SSL_R_PACKET_LENGTH_TOO_LONG:
      case SSL_R_BAD_RECORD_TYPE:
        return said("it sends plain bytes, not TLS");
      case SSL_R_UNSUPPORTED_PROTOCOL:
      case SSL_R_VERSION_TOO_LOW:
        return said("it offers no TLS version that is accepted here");
      case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return said("it presents no certificate");
      case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
      case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
        return said("it does not accept our certificate");
      case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        return said("it says that our certificate has expired");
      case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
        return said("it asks for a certificate, none is configured here");
      case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        return said("it accepts none of our TLS versions");
      default:
        break;
    }
  }
  return openssl_error();
}

}  // namespace

struct TlsContext::Impl {
  TlsSide side = TlsSide::Server;
  CtxPtr ctx;
  BioMethodPtr method;
};

TlsContext::TlsContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsContext::~TlsContext() = default;

Result<std::shared_ptr<TlsContext>, Failure> TlsContext::make(TlsSide side, const TlsOptions& options) {
  ERR_clear_error();
  auto impl = std::make_unique<Impl>();
  impl->side = side;
  impl->method = make_wire_method();
  impl->ctx.reset(SSL_CTX_new(side == TlsSide::Server ? TLS_server_method() : TLS_client_method()));
  SSL_CTX* ctx = impl->ctx.get();
  if (ctx == nullptr) return Failure{"TLS can't be set up: " + openssl_error()};

  SSL_CTX_set_min_proto_version(ctx, options.require_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_options(
      ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(ctx, 0);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_read_ahead(ctx, 1);
  const std::string ciphers = options.ciphers.empty() ? "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL" : options.ciphers;
  if (SSL_CTX_set_cipher_list(ctx, ciphers.c_str()) != 1) {
    return Failure{"TLS ciphers \"" + ciphers + "\" can't be used: " + openssl_error()};
  }

  if (!options.certificate.empty()) {
    if (SSL_CTX_use_certificate_chain_file(ctx, options.certificate.c_str()) != 1) {
      return Failure{"certificate " + options.certificate + " can't be used: " + openssl_error()};
    }
    if (SSL_CTX_use_PrivateKey_file(ctx, options.key.c_str(), SSL_FILETYPE_PEM) != 1) {
      return Failure{"key " + options.key + " can't be used: " + openssl_error()};
    }
    if (SSL_CTX_check_private_key(ctx) != 1) {
      return Failure{"key " + options.key + " does not belong to certificate " + options.certificate};
    }
  } else if (side == TlsSide::Server) {
    return Failure{"a TLS port needs a certificate and its key"};
  }

  const bool must = side == TlsSide::Server ? options.mutual : options.verify_peer;
  if (must || (side == TlsSide::Server && options.optional && !options.ca.empty())) {
    if (options.ca.empty()) {
      if (side == TlsSide::Server) return Failure{"a port with mutual TLS needs the CA of its clients' certificates"};
      SSL_CTX_set_default_verify_paths(ctx);
    } else {
      if (SSL_CTX_load_verify_locations(ctx, options.ca.c_str(), nullptr) != 1) {
        return Failure{"CA " + options.ca + " can't be used: " + openssl_error()};
      }
      if (side == TlsSide::Server) SSL_CTX_set_client_CA_list(ctx, SSL_load_client_CA_file(options.ca.c_str()));
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | (must ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), note_verdict);
  } else {
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, nullptr);
  }
  return std::shared_ptr<TlsContext>(new TlsContext(std::move(impl)));
}

std::optional<std::chrono::seconds> certificate_expiry(const std::string& file) {
  const std::unique_ptr<BIO, Free<BIO_free>> bio(BIO_new_file(file.c_str(), "r"));
  if (bio == nullptr) return std::nullopt;
  const X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  std::tm end{};
  if (certificate == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &end) != 1) return std::nullopt;
  return std::chrono::seconds(timegm(&end));
}

struct TlsSession::Impl {
  TlsContextPtr context;
  Wire wire;
  std::string refused;  // common name of a certificate that isn't accepted
  SslPtr ssl;
  bool established = false;
  bool peer_closed = false;
  bool failed = false;

  Failure fail() {
    failed = true;
    return Failure{explain(ssl.get(), refused)};
  }
  Result<void, Failure> handshake() {
    ERR_clear_error();
    const int done = SSL_do_handshake(ssl.get());
    if (done == 1) {
      established = true;
      return {};
    }
    if (SSL_get_error(ssl.get(), done) == SSL_ERROR_WANT_READ) return {};
    return fail();
  }
};

TlsSession::TlsSession(TlsContextPtr context, const std::string& name) : impl_(std::make_unique<Impl>()) {
  impl_->context = std::move(context);
  const TlsContext::Impl& made = *impl_->context->impl_;
  impl_->ssl.reset(SSL_new(made.ctx.get()));
  SSL* ssl = impl_->ssl.get();
  BioPtr bio(BIO_new(made.method.get()));
  if (ssl == nullptr || bio == nullptr) throw std::bad_alloc();
  BIO_set_data(bio.get(), &impl_->wire);
  BIO_set_init(bio.get(), 1);
  BIO* const both = bio.release();
  SSL_set_bio(ssl, both, both);  // takes the one reference
  SSL_set_app_data(ssl, &impl_->refused);
  if (made.side == TlsSide::Server) {
    SSL_set_accept_state(ssl);
    return;
  }
  SSL_set_connect_state(ssl);
  if (name.empty()) return;
  boost::system::error_code no_address;
  boost::asio::ip::make_address(name, no_address);
  if (no_address) {
    SSL_set_tlsext_host_name(ssl, name.c_str());
    SSL_set1_host(ssl, name.c_str());
  } else {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str());
  }
}
TlsSession::~TlsSession() = default;

Result<void, Failure> TlsSession::start() {
  return impl_->handshake();
}

Result<void, Failure> TlsSession::received(std::string_view bytes, ByteQueue& plain) {
  Impl& me = *impl_;
  if (me.failed || me.peer_closed) return {};
  me.wire.input = bytes;
  if (!me.established) {
    if (auto done = me.handshake(); !done || !me.established) return done;
  }
  constexpr int chunk = SSL3_RT_MAX_PLAIN_LENGTH;
  while (true) {
    ERR_clear_error();
    const int count = SSL_read(me.ssl.get(), plain.prepare(chunk), chunk);
    if (count > 0) {
      plain.commit(static_cast<std::size_t>(count));
      continue;
    }
    switch (SSL_get_error(me.ssl.get(), count)) {
      case SSL_ERROR_WANT_READ:
        return {};
      case SSL_ERROR_ZERO_RETURN:
        me.peer_closed = true;
        return {};
      default:
        return me.fail();
    }
  }
}

Result<void, Failure> TlsSession::send(std::string_view plain) {
  Impl& me = *impl_;
  while (!plain.empty()) {
    ERR_clear_error();
    const int count =
        SSL_write(me.ssl.get(), plain.data(), static_cast<int>(std::min<std::size_t>(plain.size(), INT_MAX)));
    if (count <= 0) return me.fail();
    plain.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

void TlsSession::close() {
  if (impl_->failed) return;
  ERR_clear_error();
  SSL_shutdown(impl_->ssl.get());
}

bool TlsSession::established() const {
  return impl_->established;
}
bool TlsSession::peer_closed() const {
  return impl_->peer_closed;
}
ByteQueue& TlsSession::output() {
  return impl_->wire.output;
}

bool TlsSession::peer_proved() const {
  const SSL* ssl = impl_->ssl.get();
  return (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) != 0 && SSL_get0_peer_certificate(ssl) != nullptr &&
         SSL_get_verify_result(ssl) == X509_V_OK;
}
std::string TlsSession::peer_name() const {
  const X509Ptr certificate(SSL_get1_peer_certificate(impl_->ssl.get()));
  return common_name(certificate.get());
}
std::string TlsSession::protocol() const {
  return SSL_get_version(impl_->ssl.get());
}

}  // namespace tandem::net
