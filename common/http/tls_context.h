// TLS of the HTTP port and its client, as Asio wants it. For this room's own files.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>

#include "common/base/result.h"
#include "common/net/tls.h"

namespace tandem::http {

using SslContext = std::shared_ptr<boost::asio::ssl::context>;

inline Result<SslContext, Failure> make_ssl_context(net::TlsSide side, const net::TlsOptions& files) {
  namespace ssl = boost::asio::ssl;
  auto context = std::make_shared<ssl::context>(side == net::TlsSide::Server ? ssl::context::tls_server
                                                                             : ssl::context::tls_client);
  SSL_CTX* raw = context->native_handle();
  SSL_CTX_set_min_proto_version(raw, files.require_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  boost::system::error_code error;
  const auto failed = [&](const std::string& what) { return Failure{what + " can't be used: " + error.message()}; };
  if (!files.ciphers.empty() && SSL_CTX_set_cipher_list(raw, files.ciphers.c_str()) != 1)
    return Failure{"TLS ciphers \"" + files.ciphers + "\" can't be used"};
  if (!files.certificate.empty()) {
    if (context->use_certificate_chain_file(files.certificate, error))
      return failed("certificate " + files.certificate);
    if (context->use_private_key_file(files.key, ssl::context::pem, error)) return failed("key " + files.key);
  }
  if (!files.ca.empty() && context->load_verify_file(files.ca, error)) return failed("CA " + files.ca);
  auto verify = ssl::verify_peer;
  if (side == net::TlsSide::Server && files.mutual) verify |= ssl::verify_fail_if_no_peer_cert;
  context->set_verify_mode(files.ca.empty() ? ssl::verify_none : verify, error);
  return context;
}

}  // namespace tandem::http
