// What `tandemctl` prints, made of T-Servers' answers. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/tlib.pb.h"

namespace tandem::client {

// Columns as wide as they must be, two blanks between; the first row is the heading.
std::string table(const std::vector<std::vector<std::string>>& rows);

struct ServerStatus {
  std::string name;     // of the application
  std::string address;  // host:port
  std::string failure;  // empty: reached
  tlib::Message info;   // EventServerInfo
};
std::string status_table(const std::vector<ServerStatus>& servers);

// What a Connector says on its port http.
struct ConnectorStatus {
  std::string name;
  std::string address;
  std::string failure;  // empty: reached
  std::string state, version;
  std::uint64_t calls = 0, parties = 0, links = 0;
};
std::string connectors_table(const std::vector<ConnectorStatus>& connectors);

struct DnStatus {
  std::string dn;
  std::string type;
  tlib::Message info;  // EventAddressInfo, or EventError
};
std::string dns_table(const std::vector<DnStatus>& dns);
// The same answers by call.
std::string calls_table(const std::vector<DnStatus>& dns);
// Of the same answers, the DNs where an agent is logged in.
std::string agents_table(const std::vector<DnStatus>& dns);

}  // namespace tandem::client
