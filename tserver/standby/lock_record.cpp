#include "tserver/standby/lock_record.h"

#include <charconv>
#include <cstdio>

namespace tandem::tserver {
namespace {

constexpr std::string_view kMark = "tandem 1 term ";
constexpr std::size_t kDigits = 20;
constexpr std::size_t kCheck = 10;  // " #" and 8 hex digits; a line feed follows

std::uint32_t fnv(std::string_view text) {
  std::uint32_t hash = 2166136261u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return hash;
}

std::string digits(std::uint64_t value) {
  std::string text = std::to_string(value);
  return std::string(kDigits - text.size(), '0') + text;
}

std::string check(std::string_view line) {
  char text[16];
  std::snprintf(text, sizeof text, " #%08x", fnv(line));
  return text;
}

std::string sealed(std::string line, std::size_t size) {
  line.resize(size - kCheck - 1, ' ');
  return line + check(line) + "\n";
}

// The line without its check, if that fits.
std::optional<std::string_view> opened(std::string_view text, std::size_t size) {
  if (text.size() < size) return std::nullopt;
  const std::string_view line = text.substr(0, size - kCheck - 1);
  if (text.substr(line.size(), kCheck) != check(line)) return std::nullopt;
  return line;
}

std::uint64_t number(std::string_view line, std::size_t at) {
  std::uint64_t value = 0;
  std::from_chars(line.data() + at, line.data() + at + kDigits, value);
  return value;
}

constexpr std::string_view kEpoch = " epoch ", kBy = " by ", kTerm = "term ", kUntil = " until ";

}  // namespace

std::string write_header(const LockHeader& header) {
  std::string line = std::string(kMark) + digits(header.term) + std::string(kEpoch) + digits(header.epoch) +
                     std::string(kBy) + header.holder;
  return sealed(std::move(line), kLockHeaderSize);
}

std::string write_lease(const LockLease& lease) {
  return sealed(std::string(kTerm) + digits(lease.term) + std::string(kUntil) +
                    digits(static_cast<std::uint64_t>(lease.until.count())),
                kLockLeaseSize);
}

std::optional<LockHeader> read_header(std::string_view text) {
  const auto line = opened(text, kLockHeaderSize);
  if (!line || !line->starts_with(kMark)) return std::nullopt;
  const std::size_t epoch = kMark.size() + kDigits + kEpoch.size();
  const std::size_t by = epoch + kDigits + kBy.size();
  std::string holder(line->substr(by));
  holder.erase(holder.find_last_not_of(' ') + 1);
  return LockHeader{number(*line, kMark.size()), number(*line, epoch), std::move(holder)};
}

std::optional<LockLease> read_lease(std::string_view text) {
  const auto line = opened(text, kLockLeaseSize);
  if (!line || !line->starts_with(kTerm)) return std::nullopt;
  return LockLease{number(*line, kTerm.size()),
                   Instant(static_cast<std::int64_t>(number(*line, kTerm.size() + kDigits + kUntil.size())))};
}

}  // namespace tandem::tserver
