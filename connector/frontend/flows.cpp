#include "connector/frontend/flows.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <stdexcept>

#include "connector/frontend/digest.h"

namespace tandem::connector {

namespace {

constexpr std::string_view kDigits = "0123456789abcdef";
constexpr std::size_t kSignature = 32;  // hexadecimal digits
constexpr std::size_t kMaxToken = 512;  // bytes of what is signed

std::string to_hex(std::string_view bytes) {
  std::string out;
  for (const unsigned char byte : bytes) {
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
  return out;
}

std::optional<std::string> of_hex(std::string_view text) {
  if (text.size() % 2 != 0 || text.size() > 2 * kMaxToken) return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const auto high = kDigits.find(text[i]), low = kDigits.find(text[i + 1]);
    if (high == kDigits.npos || low == kDigits.npos) return std::nullopt;
    out.push_back(static_cast<char>(high << 4 | low));
  }
  return out;
}

}  // namespace

std::string FlowTokens::signature(std::string_view text) const {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out;
  unsigned size = 0;
  if (!HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()),
            reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(), &size))
    throw std::runtime_error("HMAC-SHA256 not available in this OpenSSL");
  return to_hex({reinterpret_cast<const char*>(out.data()), kSignature / 2});
}

std::string FlowTokens::write(const Ends& ends) const {
  const std::string text = ends.flow + "|" + ends.back;
  return to_hex(text) + signature("flow " + text);
}

std::optional<FlowTokens::Ends> FlowTokens::read(std::string_view token) const {
  if (token.size() <= kSignature) return std::nullopt;
  const auto text = of_hex(token.substr(0, token.size() - kSignature));
  if (!text || !equal_constant_time(token.substr(token.size() - kSignature), signature("flow " + *text)))
    return std::nullopt;
  const auto bar = text->find('|');
  if (bar == text->npos) return std::nullopt;
  return Ends{text->substr(0, bar), text->substr(bar + 1)};
}

}  // namespace tandem::connector
