// Certificates for SIP over TLS, checked before a port is opened. The distribution's library wants a folder with fixed
// file names and only logs what is wrong with them.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "connector/sip/settings.h"

namespace tandem::connector {

template <auto Free>
struct OpenSslFree {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};

struct SipTlsMaterial {
  using Certificate = std::unique_ptr<X509, OpenSslFree<X509_free>>;
  std::vector<Certificate> chain;  // ours first
  std::unique_ptr<EVP_PKEY, OpenSslFree<EVP_PKEY_free>> key;
  std::vector<Certificate> authorities;
  std::string agent_text, ca_text;  // the files
};
// Certificate and key belong together and haven't expired. A Failure names the file and what is wrong.
Result<SipTlsMaterial, Failure> read_tls_files(const SipTlsFiles& files);
// Why OpenSSL failed just now.
std::string openssl_reason();

// For the distribution's library: a private folder (mode 0700) holding agent.pem and cafile.pem; removed with its
// owner.
class SipTlsFolder {
 public:
  static Result<SipTlsFolder, Failure> make(const SipTlsFiles& files);
  SipTlsFolder(SipTlsFolder&& other) noexcept { path_.swap(other.path_); }
  SipTlsFolder& operator=(SipTlsFolder&& other) noexcept {
    path_.swap(other.path_);
    return *this;
  }
  ~SipTlsFolder();
  const std::string& path() const { return path_; }

 private:
  explicit SipTlsFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// The same: makes TLS 1.2, or 1.3, the lowest version of every context made from now on in this process, since it has
// no working option for it. Contexts that set their own floor keep it.
Result<void, Failure> set_tls_floor(bool require_1_3);

}  // namespace tandem::connector
