#include "connector/sip/tls_files.h"

#include <fcntl.h>
#include <openssl/conf.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

namespace tandem::connector {

namespace {

using Bio = std::unique_ptr<BIO, OpenSslFree<BIO_free_all>>;
using Context = std::unique_ptr<SSL_CTX, OpenSslFree<SSL_CTX_free>>;

Result<std::string, Failure> read_file(const std::string& path, const char* what) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Failure{std::string(what) + " " + path + ": " + std::strerror(errno)};
  std::ostringstream out;
  out << in.rdbuf();
  if (out.view().size() > (1u << 20)) return Failure{std::string(what) + " " + path + ": longer than 1 MB"};
  return {boost::system::in_place_value, std::move(out).str()};
}

Bio bio_of(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Result<void, Failure> write_private(const std::string& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return Failure{path + ": " + std::strerror(errno)};
  const auto written = write(fd, text.data(), text.size());
  close(fd);
  if (written != static_cast<ssize_t>(text.size())) return Failure{path + ": can't be written"};
  return {};
}

}  // namespace

std::string openssl_reason() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return reason == nullptr ? "no reason given" : reason;
}

Result<SipTlsMaterial, Failure> read_tls_files(const SipTlsFiles& files) {
  if (files.certificate.empty() || files.key.empty())
    return Failure{"SIP over TLS needs a certificate and a key (tls: certificate, key, ca)"};
  auto certificate = read_file(files.certificate, "certificate");
  if (!certificate) return certificate.error();
  auto key = read_file(files.key, "key");
  if (!key) return key.error();
  SipTlsMaterial out;
  ERR_clear_error();
  const auto all = [](const std::string& text) {
    std::vector<SipTlsMaterial::Certificate> found;
    const Bio bio = bio_of(text);
    while (SipTlsMaterial::Certificate next{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)})
      found.push_back(std::move(next));
    return found;
  };
  out.chain = all(*certificate);
  if (out.chain.empty()) return Failure{"certificate " + files.certificate + ": holds no PEM certificate"};
  const X509* const first = out.chain.front().get();
  out.key.reset(PEM_read_bio_PrivateKey(bio_of(*key).get(), nullptr, nullptr, nullptr));
  if (!out.key)
    return Failure{"key " + files.key + ": holds no PEM private key that can be read without a pass phrase"};
  if (X509_check_private_key(first, out.key.get()) != 1)
    return Failure{"key " + files.key + " does not belong to certificate " + files.certificate};
  if (X509_cmp_current_time(X509_get0_notAfter(first)) < 0)
    return Failure{"certificate " + files.certificate + " has expired"};
  if (!files.ca.empty()) {
    auto ca = read_file(files.ca, "CA");
    if (!ca) return ca.error();
    out.authorities = all(*ca);
    if (out.authorities.empty()) return Failure{"CA " + files.ca + ": holds no PEM certificate"};
    out.ca_text = std::move(*ca);
  }
  ERR_clear_error();
  out.agent_text = *certificate + "\n" + *key;
  return {boost::system::in_place_value, std::move(out)};
}

Result<SipTlsFolder, Failure> SipTlsFolder::make(const SipTlsFiles& files) {
  auto read = read_tls_files(files);
  if (!read) return read.error();
  // The library sends only the first certificate of agent.pem; intermediates are found in cafile.pem.
  std::string ca = read->ca_text;
  for (std::size_t i = 1; i < read->chain.size(); ++i) {
    const Bio out(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(out.get(), read->chain[i].get());
    char* data = nullptr;
    const auto size = BIO_get_mem_data(out.get(), &data);
    ca.append(data, static_cast<std::size_t>(size));
  }

  std::string path = files.directory;
  if (path.empty()) path = std::filesystem::temp_directory_path() / "tandem-sip-tls-XXXXXX";
  if (!path.ends_with("XXXXXX")) path += "/sip-tls-XXXXXX";
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  if (mkdtemp(path.data()) == nullptr) return Failure{path + ": " + std::strerror(errno)};
  SipTlsFolder folder(path);  // mkdtemp makes it 0700
  if (const auto done = write_private(path + "/agent.pem", read->agent_text); !done) return done.error();
  if (const auto done = write_private(path + "/cafile.pem", ca); !done) return done.error();
  return folder;
}

SipTlsFolder::~SipTlsFolder() {
  if (path_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Result<void, Failure> set_tls_floor(bool require_1_3) {
  const int floor = require_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
  const auto holds = [floor] {
    const Context probe(SSL_CTX_new(TLS_method()));
    return probe && SSL_CTX_get_min_proto_version(probe.get()) >= floor;
  };
  if (holds()) return {};
  // The process-wide default of new contexts comes from a configuration module; ours replaces the system's.
  const std::string text = std::string("openssl_conf = tandem_conf\n[tandem_conf]\nssl_conf = tandem_ssl\n") +
                           "[tandem_ssl]\nsystem_default = tandem_default\n[tandem_default]\nMinProtocol = " +
                           (require_1_3 ? "TLSv1.3" : "TLSv1.2") + "\nCipherString = DEFAULT@SECLEVEL=2\n";
  const std::unique_ptr<CONF, OpenSslFree<NCONF_free>> conf(NCONF_new(nullptr));
  long line = 0;
  if (!conf || NCONF_load_bio(conf.get(), bio_of(text).get(), &line) != 1 ||
      CONF_modules_load(conf.get(), nullptr, 0) != 1 || !holds())
    return Failure{"the lowest TLS version can't be set in this build of OpenSSL"};
  return {};
}

}  // namespace tandem::connector
