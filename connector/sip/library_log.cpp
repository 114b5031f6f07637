#include "connector/sip/library_log.h"

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <string>
#include <string_view>

#include "connector/sip/sofia.h"

extern "C" {
extern su_log_t nta_log[];
extern su_log_t tport_log[];
}

namespace tandem::connector {
namespace {

// The library's own log lines. `stream` is the Logger.
void library_log(void* stream, char const* format, va_list arguments) {
  auto* logger = static_cast<Logger*>(stream);
  if (logger == nullptr || !logger->enabled(LogLevel::Debug)) return;
  std::array<char, 512> line;
  const int size = std::vsnprintf(line.data(), line.size(), format, arguments);
  if (size <= 0) return;
  std::string_view text(line.data(), std::min(static_cast<std::size_t>(size), line.size() - 1));
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  logger->write(LogLevel::Debug, "sip library: " + std::string(text));
}

}  // namespace

void redirect_library_log(Logger* to) {
  su_log_redirect(su_log_default, library_log, to);
  su_log_redirect(nta_log, library_log, to);
  su_log_redirect(tport_log, library_log, to);
}

}  // namespace tandem::connector
