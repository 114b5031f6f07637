// Certificates for tests: two authorities, and certificates signed by them, as PEM files in a folder of their own.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include "common/net/tls.h"

namespace tandem::test {

class Certificates {
 public:
  Certificates() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tandem-certs-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = pattern;
  }
  ~Certificates() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;

  // Makes CA `ca` at its first use and a certificate `name` signed by it, good for 127.0.0.1, ::1 and localhost.
  net::TlsOptions make(const std::string& ca, const std::string& name) {
    if (!std::filesystem::exists(file(ca, ".pem"))) write(ca, ca);
    write(ca, name);
    return {.certificate = file(name, ".pem"), .key = file(name, ".key"), .ca = file(ca, ".pem")};
  }
  std::string file(const std::string& name, const char* ending) const { return (folder_ / (name + ending)).string(); }

 private:
  template <auto free>
  struct Free {
    template <class T>
    void operator()(T* handle) const {
      free(handle);
    }
  };
  using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
  using Cert = std::unique_ptr<X509, Free<X509_free>>;
  using File = std::unique_ptr<std::FILE, Free<std::fclose>>;

  static void extend(X509* cert, X509* issuer, int nid, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, cert, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>> extension(
        X509V3_EXT_conf_nid(nullptr, &context, nid, value));
    X509_add_ext(cert, extension.get(), -1);
  }

  void write(const std::string& ca, const std::string& name) {
    const bool self_signed = ca == name;
    const Key key(EVP_EC_gen("P-256"));
    Cert issuer;
    Key issuer_key;
    if (!self_signed) {
      const File cert_file(std::fopen(file(ca, ".pem").c_str(), "r"));
      const File key_file(std::fopen(file(ca, ".key").c_str(), "r"));
      issuer.reset(PEM_read_X509(cert_file.get(), nullptr, nullptr, nullptr));
      issuer_key.reset(PEM_read_PrivateKey(key_file.get(), nullptr, nullptr, nullptr));
    }
    const Cert cert(X509_new());
    X509_set_version(cert.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(cert.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert.get()), 24 * 3600);
    X509_set_pubkey(cert.get(), key.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert.get()), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509* const signer = self_signed ? cert.get() : issuer.get();
    X509_set_issuer_name(cert.get(), X509_get_subject_name(signer));
    if (self_signed) {
      extend(cert.get(), signer, NID_basic_constraints, "critical,CA:TRUE");
      extend(cert.get(), signer, NID_key_usage, "critical,keyCertSign,cRLSign");
    } else {
      extend(cert.get(), signer, NID_basic_constraints, "CA:FALSE");
      extend(cert.get(), signer, NID_ext_key_usage, "serverAuth,clientAuth");
      extend(cert.get(), signer, NID_subject_alt_name, "IP:127.0.0.1,IP:::1,DNS:localhost");
    }
    X509_sign(cert.get(), self_signed ? key.get() : issuer_key.get(), EVP_sha256());
    const File cert_file(std::fopen(file(name, ".pem").c_str(), "w"));
    const File key_file(std::fopen(file(name, ".key").c_str(), "w"));
    PEM_write_X509(cert_file.get(), cert.get());
    PEM_write_PrivateKey(key_file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  }

  std::filesystem::path folder_;
  int serial_ = 0;
};

inline net::TlsContextPtr context(net::TlsSide side, const net::TlsOptions& options) {
  auto made = net::TlsContext::make(side, options);
  if (!made) throw std::runtime_error(made.error().text);
  return *made;
}

}  // namespace tandem::test
