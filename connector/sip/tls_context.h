// What TLS of one SIP port is made of: certificate, key, CA, versions, ciphers, who is verified. Made anew when the
// files or the options change; connections that exist keep the old one.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "connector/sip/settings.h"

struct ssl_ctx_st;

namespace tandem::connector {

class SipTlsContext {
 public:
  // Told of each handshake that fails, by whose doing: "TLS with 192.0.2.1:40000 refused: certificate has expired".
  // Called in the SipLoop's thread, outlives every connection.
  using Told = std::function<void(std::string line)>;

  // Reads and checks everything. A Failure names the file or the option and what is wrong with it.
  static Result<SipTlsContext, Failure> make(const SipTlsFiles& files, const SipTlsPolicy& policy,
                                             ClientCertificates clients, const Told* told);
  ssl_ctx_st* get() const { return context_.get(); }
  // "CN=connector1, valid until Dec 31 23:59:59 2026 GMT"
  const std::string& certificate() const { return certificate_; }

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  std::unique_ptr<ssl_ctx_st, Free> context_;
  std::string certificate_;
};

}  // namespace tandem::connector
