// Certificates for SIP over TLS. The library wants a folder with fixed file names and only logs what is wrong with
// them, so they are checked here before a port is opened.
#pragma once

#include <string>

#include "common/base/result.h"
#include "connector/sip/settings.h"

namespace tandem::connector {

// A private folder (mode 0700) holding agent.pem and cafile.pem; removed with its owner.
class SipTlsFolder {
 public:
  // Reads and checks certificate, key (they must belong together) and CA. A Failure names the file and what is wrong.
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

// Makes TLS 1.2, or 1.3, the lowest version of every context made from now on in this process: the library has no
// working option for it. Contexts that set their own floor keep it.
Result<void, Failure> set_tls_floor(bool require_1_3);

}  // namespace tandem::connector
