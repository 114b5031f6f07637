// Counts what goes into the machine and what comes out, for the metrics. One thread's.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <utility>

#include "common/metrics/histogram.h"
#include "tserver/model/machine.h"

namespace tandem::tserver {

class Meter {
 public:
  // Around one call of Machine::handle(): before the input is given away, and with what came of it.
  void begin(const Input& input);
  void end(const Effects& effects, Instant took);

  struct Requests {
    std::uint64_t taken = 0;
    std::uint64_t refused = 0;  // by EventError at once
  };
  // By message type; those of no known type stand together under 0, so that a client can't make new rows.
  static constexpr std::size_t kTypes = 256;
  const std::array<Requests, kTypes>& requests() const { return requests_; }
  const std::map<std::int32_t, std::uint64_t>& errors() const { return errors_; }  // EventErrors, also later ones
  const std::array<std::uint64_t, kTypes>& events() const { return events_; }
  std::uint64_t copies() const { return copies_; }      // of events, one for each client
  std::uint64_t commands() const { return commands_; }  // to Connectors

  enum class Kind { Request, Happening, Timer, Other };
  static constexpr std::array<const char*, 4> kKinds{"request", "happening", "timer", "other"};
  const metrics::Histogram& took(Kind kind) const { return took_[static_cast<std::size_t>(kind)]; }

 private:
  static metrics::Histogram seconds();
  static constexpr std::size_t index(tlib::MessageType type) {
    const auto number = static_cast<std::size_t>(type);
    return number < kTypes ? number : 0;
  }

  Kind kind_ = Kind::Other;
  SessionId session_;
  std::int32_t reference_id_ = 0;
  tlib::MessageType type_{};
  std::array<Requests, kTypes> requests_{};
  std::map<std::int32_t, std::uint64_t> errors_;
  std::array<std::uint64_t, kTypes> events_{};
  std::uint64_t copies_ = 0;
  std::uint64_t commands_ = 0;
  std::array<metrics::Histogram, 4> took_{seconds(), seconds(), seconds(), seconds()};
};

}  // namespace tandem::tserver
