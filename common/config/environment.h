// The environment file as plain values: applications, switches and their objects, each with where it stands in the
// file. What the file may say is described in docs/configuration.md.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.h"
#include "common/base/result.h"

namespace tandem::config {

// Line of the environment file, from 1; 0 is "nowhere".
struct Source {
  int line = 0;
};

// A value as written: a list `[a, b]` is kept as "a, b". Its type is known to the option's row (options.h).
struct Value {
  std::string text;
  Source at;
};

// Options of one object: section, then name.
using OptionSection = std::map<std::string, Value, std::less<>>;
using Options = std::map<std::string, OptionSection, std::less<>>;

enum class AppType { TServer, Connector };
enum class Transport { Udp, Tcp, Tls };
enum class Redundancy { None, HotStandby };

std::string_view to_string(AppType type);
std::string_view to_string(Transport transport);

// One listening port, or for "rtp" the range [first, last] of UDP ports. A name may come several times ("sip").
struct Port {
  std::string name;     // tlib, ha-sync, http, link, sip, rtp
  std::string address;  // to listen on: the port's own `address`, else the application's host; http: 127.0.0.1
  std::uint16_t port = 0;
  Transport transport = Transport::Tcp;
  std::uint16_t first = 0, last = 0;
  std::string verify_clients;  // of a SIP port over TLS: none, optional or required; empty: as the option says
  Source at;
};

// PEM files; paths are already resolved against the folder of the environment file. Empty: not given.
struct TlsFiles {
  std::string certificate, key, ca;
  Source at;
  bool given() const { return !certificate.empty(); }
};

struct Application {
  std::string name;
  AppType type = AppType::TServer;
  std::string host;
  std::vector<Port> ports;
  std::string switch_name;
  Redundancy redundancy = Redundancy::None;
  std::string backup;  // application that takes over; empty: none
  std::string like;    // application whose tls, switch, type and options are already merged into this one
  TlsFiles tls;
  Options options;
  Source at;

  // First port of that name.
  const Port* port(std::string_view port_name) const;
};

enum class DnType { Extension, RoutingPoint, ExternalRoutingPoint, AcdQueue, VirtualQueue, VoipService, TrunkGroup };
std::string_view to_string(DnType type);  // the documented name: "Routing Point"

struct DnObject {
  std::string number;  // as written
  Dn dn;               // folded (MMC-59)
  DnType type = DnType::Extension;
  bool registered = true;
  bool misconfigured = false;  // same name as an earlier DN, perhaps in other case: stays out of service (MMC-60)
  std::string sip_password;    // digest; empty: this phone can't authenticate
  std::string association;     // External Routing Point
  std::string folder;          // name of the first-level folder, empty: outside folders
  Options options;
  Source at;
};

// A first-level DN folder. One whose annex names a pool ([connector] pool-name) holds the DNs of that pool.
struct Folder {
  std::string name;
  std::string pool;  // empty: the default pool
  Options annex;
  Source at;
};

// Where numbers outside the switch go.
struct Trunk {
  std::string name;
  std::string contact;                // SIP URI of the peer
  std::vector<std::string> prefixes;  // numbers it serves, the longest wins; none: every number nobody else serves
  std::vector<std::string> sources;   // further addresses it may call from: "192.0.2.7" or "192.0.2.7:5080"
  std::vector<std::string> certificate_names;  // one of which its TLS certificate must hold; none: addresses tell
  Source at;
};

struct AgentLogin {
  std::string code;
  std::string name;
  std::string password;
  Options options;
  Source at;
};

struct Switch {
  std::string name;
  Options annex;
  std::vector<Folder> folders;
  std::vector<DnObject> dns;
  std::vector<Trunk> trunks;
  std::vector<AgentLogin> agent_logins;
  Source at;

  const Folder* folder(std::string_view folder_name) const;
  std::string_view pool_of(const DnObject& dn) const;  // empty: the default pool
};

struct Environment {
  std::string file;    // as given on the command line
  std::string folder;  // where it lies; relative paths in it start here
  std::vector<Application> applications;
  std::vector<Switch> switches;

  const Application* application(std::string_view name) const;
  const Switch* find_switch(std::string_view name) const;
  const Switch* switch_of(const Application& application) const { return find_switch(application.switch_name); }
  // Which relative path means what.
  std::string path(std::string_view relative) const;
};

// Warning: probably not meant. Error: wrong, and the program can go on without (default value, object out of service);
// a changed file with an error is not taken over. Fatal: no program can start from this file.
enum class Severity { Warning, Error, Fatal };

struct Problem {
  Severity severity = Severity::Error;
  Source at;
  std::string text;  // what was found and what was expected
};

// "tandem.yaml:12: error: ..."
std::string to_string(const Problem& problem, std::string_view file);

struct Loaded {
  std::shared_ptr<const Environment> environment;  // never null, perhaps with holes when something is fatal
  std::vector<Problem> problems;                   // in order of lines

  bool usable() const;     // nothing fatal: may start
  bool faultless() const;  // at most warnings: may replace a running configuration
};

// Reads and checks the whole file; every mistake is told. The second form is pure: `text` stands for the file's
// content.
Loaded load_environment(const std::string& file);
Loaded read_environment(std::string_view text, const std::string& file);

// Whether the files that an application refers to can be read on this machine.
std::vector<Problem> check_files(const Environment& environment, const Application& application);

}  // namespace tandem::config
