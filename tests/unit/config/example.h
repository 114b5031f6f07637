// A small environment without a mistake, for tests that put one in.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "common/config/environment.h"

namespace tandem::config {

inline const std::string kExample = R"(applications:
  T1:
    type: tserver
    host: 127.0.0.1
    ports:
      tlib: {port: 7000, transport: tcp}
    switch: Main
    options:
      TServer: {link-1-name: c1}
      c1: {hostname: 127.0.0.1, port: 9001, protocol: tcp}
  C1:
    type: connector
    host: 127.0.0.1
    ports:
      link: {port: 9001, transport: tcp}
      sip: {port: 5060}
      rtp: {range: 20000-20999}
    switch: Main
    options:
      front-end: {domains: [example.com]}
switches:
  Main:
    annex: {}
    dns:
      - {number: "sip:alice@example.com", type: Extension}
      - {number: "sip:support@example.com", type: Routing Point}
    trunks:
      - {name: pstn, contact: "sip:192.0.2.1:5060", prefix: "+"}
    agent-logins:
      - {code: "1001", name: Alice}
)";

// The example with one place changed.
inline std::string changed(const std::string& from, const std::string& to, std::string text = kExample) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

inline std::vector<std::string> told(const Loaded& loaded) {
  std::vector<std::string> lines;
  for (const auto& problem : loaded.problems) lines.push_back(to_string(problem, "f"));
  return lines;
}

}  // namespace tandem::config
