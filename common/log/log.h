// Where both programs write what they do. One line for each state change, with ConnID, Call-ID and DN where they are
// known.
//
// Levels are the documented ones: standard (an operator must know), interaction (requests and events), trace (calls
// step by step), debug. A Logger is passed by reference to whoever logs; pure cores return log lines as effects
// instead.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace tandem {

enum class LogLevel { Debug, Trace, Interaction, Standard };

class Logger {
 public:
  virtual ~Logger() = default;
  virtual bool enabled(LogLevel level) const = 0;  // cheap: ask before building a costly line
  virtual void write(LogLevel level, std::string_view line) = 0;
};

// Throws away everything; for tests.
class NullLogger final : public Logger {
 public:
  bool enabled(LogLevel) const override { return false; }
  void write(LogLevel, std::string_view) override {}
};

}  // namespace tandem
