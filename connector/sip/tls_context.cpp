#include "connector/sip/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#include <array>

#include "connector/sip/text.h"
#include "connector/sip/tls_files.h"

namespace tandem::connector {

namespace {

// Where a session's other end is.
std::string peer_of(const SSL* ssl) {
  su_sockaddr_t address{};
  socklen_t size = sizeof address;
  if (getpeername(SSL_get_fd(ssl), &address.su_sa, &size) != 0) return "somebody who left";
  const std::string ip = text::address(&address);
  return (ip.find(':') == std::string::npos ? ip : "[" + ip + "]") + ":" + std::to_string(text::port(&address));
}

// OpenSSL tells of alerts only here; each that isn't a goodbye ends a handshake or a connection.
void on_info(const SSL* ssl, int where, int value) {
  if ((where & SSL_CB_ALERT) == 0 || (value >> 8) != SSL3_AL_FATAL) return;
  const auto* told = static_cast<const SipTlsContext::Told*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  if (told == nullptr || !*told) return;
  const bool ours = (where & SSL_CB_WRITE) != 0;
  if (ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) return;  // it just left
  std::string line = "TLS with " + peer_of(ssl) + (ours ? " refused: " : " refused by them: ");
  const long verdict = SSL_get_verify_result(ssl);
  if (ours && verdict != X509_V_OK) {
    line += X509_verify_cert_error_string(verdict);
  } else if (const char* cause = ours ? ERR_reason_error_string(ERR_peek_last_error()) : nullptr; cause != nullptr) {
    line += cause;
  } else {
    line += SSL_alert_desc_string_long(value);
  }
  (*told)(std::move(line));
}

// Who shows a certificate that isn't good may come all the same, and proves nothing by it.
int let_in(int, X509_STORE_CTX*) {
  return 1;
}

std::string described(const X509* certificate) {
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> out(BIO_new(BIO_s_mem()), &BIO_free_all);
  X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  BIO_puts(out.get(), ", valid until ");
  ASN1_TIME_print(out.get(), X509_get0_notAfter(certificate));
  char* data = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

void SipTlsContext::Free::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

Result<SipTlsContext, Failure> SipTlsContext::make(const SipTlsFiles& files, const SipTlsPolicy& policy,
                                                   ClientCertificates clients, const Told* told) {
  auto read = read_tls_files(files);
  if (!read) return read.error();
  SipTlsContext out;
  out.context_.reset(SSL_CTX_new(TLS_method()));
  SSL_CTX* const ctx = out.context_.get();
  if (ctx == nullptr) return Failure{"TLS can't be set up"};
  SSL_CTX_set_min_proto_version(ctx, policy.require_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                               SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_app_data(ctx, const_cast<Told*>(told));
  SSL_CTX_set_info_callback(ctx, on_info);
  if (SSL_CTX_set_cipher_list(ctx, policy.ciphers.c_str()) != 1)
    return Failure{"sip tls-ciphers: \"" + policy.ciphers + "\" names no cipher that can be used"};
  if (SSL_CTX_set_ciphersuites(ctx, policy.ciphersuites.c_str()) != 1)
    return Failure{"sip tls-ciphersuites: \"" + policy.ciphersuites + "\" names a suite that is unknown"};

  out.certificate_ = described(read->chain.front().get());
  bool used =
      SSL_CTX_use_certificate(ctx, read->chain.front().get()) == 1 && SSL_CTX_use_PrivateKey(ctx, read->key.get()) == 1;
  for (std::size_t i = 1; i < read->chain.size(); ++i)
    used = used && SSL_CTX_add1_chain_cert(ctx, read->chain[i].get()) == 1;
  if (!used) return Failure{"certificate " + files.certificate + " can't be used: " + openssl_reason()};

  for (const auto& authority : read->authorities) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), authority.get());
    if (clients != ClientCertificates::None) SSL_CTX_add_client_CA(ctx, authority.get());
  }
  // With no CA of ours, the system's are asked about those whom we connect to; never about who comes.
  if (read->authorities.empty()) {
    if (clients != ClientCertificates::None)
      return Failure{"sip tls-verify-clients needs the CA of their certificates (tls: ca)"};
    SSL_CTX_set_default_verify_paths(ctx);
  }
  switch (clients) {
    case ClientCertificates::None:
      SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, nullptr);
      break;
    case ClientCertificates::Optional:
      SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, let_in);
      break;
    case ClientCertificates::Required:
      SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
      break;
  }
  // A resumed session isn't verified again, so there is none where clients prove who they are. Elsewhere tickets spare
  // phones the long handshake and us the memory of a cache.
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  if (clients != ClientCertificates::None) {
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(ctx, 0);
  }
  ERR_clear_error();
  return {boost::system::in_place_value, std::move(out)};
}

}  // namespace tandem::connector
