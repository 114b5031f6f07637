#include "tserver/client/ctl_report.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <map>
#include <string_view>

#include "tserver/client/names.h"
#include "tserver/client/pretty.h"

namespace tandem::client {

namespace {

using Row = std::vector<std::string>;

const tlib::KVPair* find(const tlib::KVList& list, const std::string& key) {
  const auto found = std::ranges::find(list.pairs(), key, &tlib::KVPair::key);
  return found == list.pairs().end() ? nullptr : &*found;
}

std::string text(const tlib::Message& message, const std::string& key) {
  const tlib::KVPair* pair = find(message.extensions(), key);
  if (pair == nullptr) return "-";
  if (pair->has_int_()) return std::to_string(pair->int_());
  const std::string& value = pair->has_unicode() ? pair->unicode() : pair->str();
  return value.empty() ? "-" : printable(value);
}

std::optional<int> number(const tlib::Message& message, const std::string& key) {
  const tlib::KVPair* pair = find(message.extensions(), key);
  if (pair == nullptr || !pair->has_int_()) return std::nullopt;
  return pair->int_();
}

std::string utc(std::uint64_t seconds) {
  if (seconds == 0) return "-";
  const auto at = static_cast<std::time_t>(seconds);
  std::tm parts{};
  if (::gmtime_r(&at, &parts) == nullptr) return "-";
  std::string text(32, '\0');
  text.resize(std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts));
  return text;
}

// "connected", or "connected+dialing": the generic state and its modifiers.
std::string party_state(int bits) {
  const auto name = [](int value) {
    const auto* known = tlib::TPartyState_descriptor()->FindValueByNumber(value);
    return known == nullptr ? std::to_string(value) : known->name().substr(std::string_view("PartyState").size());
  };
  std::string state = name(bits & 0xf);
  for (int bit = 0x10; bit <= 0x20000; bit <<= 1) {
    if ((bits & bit) != 0) state += "+" + name(bit);
  }
  std::ranges::transform(state, state.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return state;
}

std::string call_type(int type) {
  const auto* known = tlib::TCallType_descriptor()->FindValueByNumber(type);
  return known == nullptr ? std::to_string(type) : known->name().substr(std::string_view("CallType").size());
}

// A DN's view of its n-th call.
struct View {
  std::string connection;
  std::string state;
  std::string type;
};

std::vector<View> views(const tlib::Message& info) {
  std::vector<View> found;
  for (int n = 0; find(info.extensions(), "conn-" + std::to_string(n)) != nullptr; ++n) {
    const std::string suffix = std::to_string(n);
    const auto state = number(info, "ps-" + suffix);
    const auto type = number(info, "ct-" + suffix);
    found.push_back(
        {text(info, "conn-" + suffix), state ? party_state(*state) : "queued", type ? call_type(*type) : ""});
  }
  return found;
}

std::string calls_of(const tlib::Message& info) {
  std::string calls;
  for (const View& view : views(info)) calls += (calls.empty() ? "" : ", ") + view.connection + " " + view.state;
  return calls;
}

// AgentStatus of a DN's snapshot.
std::string agent_state(int status) {
  constexpr std::array names{"logged in", "ready", "not ready", "after-call work", "away"};
  if (status < 1 || status > static_cast<int>(names.size())) return std::to_string(status);
  return names[static_cast<std::size_t>(status) - 1];
}

}  // namespace

std::string table(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

// How far the backup of a pair is, and how old what it knows: "caught-up:1ms".
std::string synchronised(const tlib::Message& info) {
  const auto lag = number(info, "sync-lag-ms");
  return text(info, "sync") + (lag && *lag >= 0 ? ":" + std::to_string(*lag) + "ms" : "");
}

std::string status_table(const std::vector<ServerStatus>& servers) {
  std::vector<Row> rows{
      {"APPLICATION", "ADDRESS", "ROLE", "EPOCH", "SYNC", "LINKS", "CALLS", "CLIENTS", "DNS", "VERSION", "UP SINCE"}};
  for (const ServerStatus& server : servers) {
    if (!server.failure.empty()) {
      rows.push_back({server.name, server.address, "not reached"});
      continue;
    }
    const tlib::Message& info = server.info;
    rows.push_back({server.name, server.address, text(info, "role"), text(info, "epoch"), synchronised(info),
                    text(info, "links-up") + "/" + text(info, "links-total"), text(info, "calls"),
                    text(info, "clients"), text(info, "dns"), printable(info.serverversion()),
                    utc(info.serverstarttime())});
  }
  return table(rows);
}

std::string connectors_table(const std::vector<ConnectorStatus>& connectors) {
  std::vector<Row> rows{{"APPLICATION", "ADDRESS", "STATE", "T-SERVERS", "CALLS", "PARTIES", "VERSION"}};
  for (const ConnectorStatus& one : connectors) {
    if (!one.failure.empty()) {
      rows.push_back({one.name, one.address, "not reached"});
      continue;
    }
    rows.push_back({one.name, one.address, printable(one.state), std::to_string(one.links), std::to_string(one.calls),
                    std::to_string(one.parties), printable(one.version)});
  }
  return table(rows);
}

std::string dns_table(const std::vector<DnStatus>& dns) {
  std::vector<Row> rows{{"DN", "TYPE", "STATE", "CALLS"}};
  for (const DnStatus& dn : dns) {
    Row row{dn.dn, dn.type};
    if (dn.info.type() == tlib::EventError) {
      row.emplace_back("refused: " + std::string(error_name(dn.info.errorcode()).value_or("error")));
    } else {
      row.emplace_back(number(dn.info, "status").value_or(0) == 1 ? "in service" : "out of service");
      row.push_back(calls_of(dn.info));
    }
    rows.push_back(std::move(row));
  }
  return table(rows);
}

std::string agents_table(const std::vector<DnStatus>& dns) {
  std::vector<Row> rows{{"AGENT", "DN", "STATE", "CALLS"}};
  for (const DnStatus& dn : dns) {
    const int status = number(dn.info, "AgentStatus").value_or(0);
    if (status <= 0) continue;
    rows.push_back({dn.info.agentid().empty() ? "-" : printable(dn.info.agentid()), dn.dn, agent_state(status),
                    calls_of(dn.info)});
  }
  return table(rows);
}

std::string calls_table(const std::vector<DnStatus>& dns) {
  std::map<std::string, Row> calls;  // by ConnID
  for (const DnStatus& dn : dns) {
    for (const View& view : views(dn.info)) {
      Row& row = calls.try_emplace(view.connection, Row{view.connection, "", ""}).first->second;
      if (!view.type.empty()) row[1] = view.type;
      row[2] += (row[2].empty() ? "" : ", ") + dn.dn + " " + view.state;
    }
  }
  std::vector<Row> rows{{"CONNID", "TYPE", "PARTIES"}};
  for (auto& [connection, row] : calls) rows.push_back(std::move(row));
  return table(rows);
}

}  // namespace tandem::client
