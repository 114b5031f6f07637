// A YAML document as a bounded tree with line numbers. The only place that knows the YAML library. Bounds hold for the
// document with its aliases written out, so a few lines can't stand for millions of nodes.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/report.h"

namespace tandem::config {

struct YamlNode;
using YamlPtr = std::shared_ptr<const YamlNode>;

struct YamlEntry {
  std::string key;
  int line = 0;
  YamlPtr value;
};

struct YamlNode {
  enum class Kind { Null, Scalar, Sequence, Map };
  Kind kind = Kind::Null;
  int line = 0;
  int height = 1;          // levels of nodes below and including this one
  std::size_t weight = 1;  // nodes below and including this one, aliases written out
  std::string text;        // Scalar
  std::vector<YamlPtr> items;
  std::vector<YamlEntry> entries;
};

struct YamlLimits {
  std::size_t bytes = 32u << 20;
  int depth = 16;
  std::size_t nodes = 4'000'000;
};

// The first document of `text`, or null with a fatal problem. Keys that come twice are errors; the first one counts.
YamlPtr parse_yaml(std::string_view text, Report& report, const YamlLimits& limits = {});

}  // namespace tandem::config
