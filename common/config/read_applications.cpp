#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "common/config/map_reader.h"
#include "common/config/reader.h"

namespace tandem::config {
namespace {

constexpr std::size_t kMostApplications = 64;
constexpr std::size_t kMostPorts = 32;  // of one application

// What the ports of an application are called and how they may be reached.
struct PortKind {
  AppType type;
  std::string_view name;
  std::string_view transports;  // the first is the default; empty: a range of UDP ports
  bool needed;
};
constexpr PortKind kPorts[] = {
    {AppType::TServer, "tlib", "tls tcp", true},      {AppType::TServer, "ha-sync", "tls", false},
    {AppType::TServer, "http", "tcp tls", false},     {AppType::Connector, "link", "tls tcp", true},
    {AppType::Connector, "sip", "udp tcp tls", true}, {AppType::Connector, "rtp", "", true},
    {AppType::Connector, "http", "tcp tls", false},
};

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto space = std::min(text.find(' '), text.size());
    out.push_back(text.substr(0, space));
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  return out;
}

std::optional<std::uint16_t> port_number(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 1 || value > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(value);
}

Transport transport_of(std::string_view name) {
  return name == "udp" ? Transport::Udp : name == "tcp" ? Transport::Tcp : Transport::Tls;
}

void read_range(MapReader& map, Port& port, Report& report, bool& good) {
  static constexpr std::string_view kExpected = "UDP ports as first-last, 1024 to 65535, the first even, at least two";
  const YamlEntry* entry = map.need("range", kExpected);
  good = entry != nullptr;
  if (!entry) return;
  const std::string_view text = entry->value->text;
  const auto dash = text.find('-');
  const auto first = port_number(text.substr(0, dash));
  const auto last = dash == text.npos ? std::nullopt : port_number(text.substr(dash + 1));
  good = first && last && *first >= 1024 && *first % 2 == 0 && *last > *first;
  if (!good) {
    map.wrong(*entry->value, "range", kExpected, Severity::Fatal);
    return;
  }
  port.first = *first;
  port.last = *last;
  if (port.last - port.first < 40)
    report.warn({entry->line},
                map.what() + ": range " + quoted(text) + " is small; every party of a call takes two ports");
}

void read_port(const YamlNode& node, const PortKind& kind, Application& application, Report& report) {
  MapReader map(node, "application " + application.name + ": port " + std::string(kind.name), report);
  Port port;
  port.name = kind.name;
  port.at = {node.line};
  bool good = true;
  if (kind.transports.empty()) {
    port.transport = Transport::Udp;
    read_range(map, port, report, good);
  } else {
    if (const YamlEntry* entry = map.need("port", "a port from 1 to 65535")) {
      const auto number = port_number(entry->value->text);
      if (!number) map.wrong(*entry->value, "port", "a port from 1 to 65535", Severity::Fatal);
      good = number.has_value();
      port.port = number.value_or(0);
    } else {
      good = false;
    }
    const auto transports = words(kind.transports);
    port.transport = transport_of(transports.front());
    if (const YamlEntry* entry = map.take("transport")) {
      if (std::find(transports.begin(), transports.end(), entry->value->text) == transports.end()) {
        map.wrong(*entry->value, "transport", one_of(transports), Severity::Fatal);
        good = false;
      }
      port.transport = transport_of(entry->value->text);
    }
  }
  if (kind.name == "sip" && port.transport == Transport::Tls) {
    static constexpr std::string_view kVerify = "none optional required";
    port.verify_clients = map.text("verify-clients", one_of(words(kVerify)));
    const auto known = words(kVerify);
    if (!port.verify_clients.empty() && std::find(known.begin(), known.end(), port.verify_clients) == known.end()) {
      map.wrong(*map.take("verify-clients")->value, "verify-clients", one_of(known), Severity::Fatal);
      good = false;
    }
  }
  port.address = map.text("address", "a host name or address to listen on");
  // Who operates the program sits on its host, unless it is said otherwise.
  if (port.address.empty()) port.address = port.name == "http" ? "127.0.0.1" : application.host;
  map.finish();
  if (good) application.ports.push_back(std::move(port));
}

void read_ports(const YamlEntry* ports, Application& application, Report& report) {
  const std::string what = "application " + application.name + ": ports";
  static const YamlNode kNone;
  MapReader map(ports ? *ports->value : kNone, what, report);
  for (const auto& kind : kPorts) {
    if (kind.type != application.type) continue;
    const YamlEntry* entry = map.take(kind.name);
    if (!entry) {
      if (kind.needed)
        report.fatal(
            ports ? Source{ports->line} : application.at,
            what + " have no " + quoted(kind.name) + "; a " + std::string(to_string(application.type)) + " needs it");
      continue;
    }
    auto items = items_of(*entry->value);
    if (items.empty())
      report.fatal({entry->line}, what + ": " + entry->key + " is empty; expected {port: N} or a list of such");
    if (items.size() > kMostPorts) {
      report.fatal({entry->line}, what + ": more than " + std::to_string(kMostPorts) + " of " + entry->key);
      items.resize(kMostPorts);
    }
    for (const YamlNode* item : items) read_port(*item, kind, application, report);
  }
  map.finish();
}

class Reader {
 public:
  Reader(const YamlNode& node, Environment& environment, Report& report)
      : node_(node), environment_(environment), report_(report) {}

  void read() {
    for (const auto& entry : node_.entries) {
      good_name(entry.key, {entry.line}, "application", report_);
      resolve(entry);
    }
    for (const auto& entry : node_.entries)
      if (const auto found = done_.find(entry.key); found != done_.end())
        environment_.applications.push_back(std::move(found->second));
  }

 private:
  // Reads one application and, before it, the one it is like. Null: a cycle or no such application.
  const Application* resolve(const YamlEntry& entry) {
    if (const auto found = done_.find(entry.key); found != done_.end()) return &found->second;
    if (!under_way_.insert(entry.key).second) return nullptr;
    Application application;
    application.name = entry.key;
    application.at = {entry.line};
    MapReader map(*entry.value, "application " + application.name, report_, application.at);
    inherit(map, application);
    read_own(map, application);
    map.finish();
    return &done_.emplace(entry.key, std::move(application)).first->second;
  }

  void inherit(MapReader& map, Application& application) {
    application.like = map.text("like", "the name of an application");
    if (application.like.empty()) return;
    const YamlEntry& at = *map.take("like");
    const auto other = std::find_if(node_.entries.begin(), node_.entries.end(),
                                    [&](const YamlEntry& e) { return e.key == application.like; });
    if (other == node_.entries.end()) {
      std::vector<std::string_view> names;
      for (const auto& e : node_.entries) names.push_back(e.key);
      report_.fatal({at.line}, map.what() + ": like is " + quoted(application.like) +
                                   "; expected the name of an application" + did_you_mean(application.like, names));
      return;
    }
    const Application* base = resolve(*other);
    if (!base) {
      report_.fatal({at.line}, map.what() + ": like " + quoted(application.like) +
                                   " leads back to itself; expected an application that isn't like this one");
      return;
    }
    application.type = base->type;
    typed_.insert(application.name);
    application.switch_name = base->switch_name;
    application.tls = base->tls;
    application.options = base->options;
  }

  void read_own(MapReader& map, Application& application) {
    static constexpr std::string_view kTypes = "tserver or connector";
    if (const YamlEntry* entry = map.take("type")) {
      const auto& text = entry->value->text;
      application.type = text == "connector" ? AppType::Connector : AppType::TServer;
      if (text != to_string(application.type)) {
        map.wrong(*entry->value, "type", kTypes, Severity::Fatal);
        application.type = likely_type(map.take("ports"));
      }
    } else if (!typed_.contains(application.name)) {
      map.need("type", kTypes);
    }
    application.host = map.needed_text("host", "a host name or address");
    read_ports(map.take("ports"), application, report_);
    if (map.take("switch")) application.switch_name = map.text("switch", "the name of a switch");
    if (application.switch_name.empty()) map.need("switch", "the name of a switch");
    if (const auto text = map.text("redundancy", "none or hot-standby"); text == "hot-standby")
      application.redundancy = Redundancy::HotStandby;
    else if (!text.empty() && text != "none")
      map.wrong(*map.take("redundancy")->value, "redundancy", "none or hot-standby", Severity::Error);
    application.backup = map.text("backup", "the name of an application");
    if (const YamlEntry* entry = map.take("tls")) read_tls(*entry->value, application);
    if (const YamlEntry* entry = map.take("options"))
      for (auto& [section, values] : read_options(*entry->value, map.what(), report_))
        for (auto& [name, value] : values) application.options[section].insert_or_assign(name, std::move(value));
  }

  // So that one wrong word doesn't make everything below it wrong.
  static AppType likely_type(const YamlEntry* ports) {
    for (const auto& port : ports ? ports->value->entries : std::vector<YamlEntry>())
      for (const auto& kind : kPorts)
        if (kind.name == port.key) return kind.type;
    return AppType::TServer;
  }

  void read_tls(const YamlNode& node, Application& application) {
    MapReader map(node, "application " + application.name + ": tls", report_);
    application.tls.at = {node.line};
    const auto file = [&](std::string_view key, std::string& into) {
      if (map.take(key)) into = environment_.path(map.text(key, "a PEM file"));
    };
    file("certificate", application.tls.certificate);
    file("key", application.tls.key);
    file("ca", application.tls.ca);
    const bool all =
        !application.tls.certificate.empty() && !application.tls.key.empty() && !application.tls.ca.empty();
    if (!all) report_.fatal(map.at(), map.what() + " is incomplete; expected certificate, key and ca");
    map.finish();
  }

  const YamlNode& node_;
  Environment& environment_;
  Report& report_;
  std::map<std::string, Application, std::less<>> done_;
  std::set<std::string, std::less<>> under_way_;
  std::set<std::string, std::less<>> typed_;  // have inherited a type
};

}  // namespace

void read_applications(const YamlNode& node, Environment& environment, Report& report) {
  if (node.kind != YamlNode::Kind::Map || node.entries.empty()) {
    report.fatal({node.line}, "applications is " + found_text(node) + "; expected a map of applications by name");
    return;
  }
  if (node.entries.size() > kMostApplications) {
    report.fatal({node.line}, "more than " + std::to_string(kMostApplications) + " applications");
    return;
  }
  Reader(node, environment, report).read();
}

}  // namespace tandem::config
