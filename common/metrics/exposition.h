// Metrics as text in Prometheus's exposition format 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/). A family is begun, then its samples follow.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "common/metrics/histogram.h"

namespace tandem::metrics {

using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

class Exposition {
 public:
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

  // Counters end in _total and only rise; a histogram's samples are given with add(labels, histogram).
  Exposition& counter(std::string_view name, std::string_view help) { return family(name, help, "counter"); }
  Exposition& gauge(std::string_view name, std::string_view help) { return family(name, help, "gauge"); }
  Exposition& histogram(std::string_view name, std::string_view help) { return family(name, help, "histogram"); }

  // A sample of the family begun last.
  Exposition& add(double value) { return add({}, value); }
  Exposition& add(Labels labels, double value);
  Exposition& add(Labels labels, const Histogram& histogram);

  const std::string& text() const { return text_; }

 private:
  Exposition& family(std::string_view name, std::string_view help, std::string_view type);
  void sample(std::string_view suffix, Labels labels, std::string_view le, double value);

  std::string name_;
  std::string text_;
};

}  // namespace tandem::metrics
