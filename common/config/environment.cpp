#include "common/config/environment.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace tandem::config {
namespace {

template <class Items>
auto* by_name(const Items& list, std::string_view name) {
  const auto found = std::find_if(list.begin(), list.end(), [&](const auto& item) { return item.name == name; });
  return found == list.end() ? nullptr : &*found;
}

}  // namespace

std::string_view to_string(AppType type) {
  return type == AppType::TServer ? "tserver" : "connector";
}

std::string_view to_string(Transport transport) {
  switch (transport) {
    case Transport::Udp:
      return "udp";
    case Transport::Tcp:
      return "tcp";
    case Transport::Tls:
      return "tls";
  }
  return {};
}

std::string_view to_string(DnType type) {
  switch (type) {
    case DnType::Extension:
      return "Extension";
    case DnType::RoutingPoint:
      return "Routing Point";
    case DnType::ExternalRoutingPoint:
      return "External Routing Point";
    case DnType::AcdQueue:
      return "ACD Queue";
    case DnType::VirtualQueue:
      return "Virtual Queue";
    case DnType::VoipService:
      return "Voice over IP Service";
    case DnType::TrunkGroup:
      return "Trunk Group";
  }
  return {};
}

std::string to_string(const Problem& problem, std::string_view file) {
  static constexpr std::string_view kNames[] = {": warning: ", ": error: ", ": fatal: "};
  std::string out(file);
  if (problem.at.line > 0) out += ":" + std::to_string(problem.at.line);
  return out.append(kNames[static_cast<int>(problem.severity)]) + problem.text;
}

const Port* Application::port(std::string_view port_name) const {
  return by_name(ports, port_name);
}
const Folder* Switch::folder(std::string_view folder_name) const {
  return by_name(folders, folder_name);
}
const Application* Environment::application(std::string_view name) const {
  return by_name(applications, name);
}
const Switch* Environment::find_switch(std::string_view name) const {
  return by_name(switches, name);
}

std::string_view Switch::pool_of(const DnObject& dn) const {
  const Folder* in = dn.folder.empty() ? nullptr : folder(dn.folder);
  return in ? std::string_view(in->pool) : std::string_view();
}

std::string Environment::path(std::string_view relative) const {
  if (relative.empty() || relative.front() == '/' || folder.empty()) return std::string(relative);
  return folder + "/" + std::string(relative);
}

bool Loaded::usable() const {
  return std::none_of(problems.begin(), problems.end(), [](const Problem& p) { return p.severity == Severity::Fatal; });
}

bool Loaded::faultless() const {
  return std::all_of(problems.begin(), problems.end(),
                     [](const Problem& p) { return p.severity == Severity::Warning; });
}

std::vector<Problem> check_files(const Environment&, const Application& application) {
  std::vector<Problem> problems;
  const auto check = [&](std::string_view key, const std::string& path) {
    if (path.empty()) return;
    std::error_code error;
    if (std::filesystem::is_regular_file(path, error) && std::ifstream(path)) return;
    problems.push_back({Severity::Fatal, application.tls.at,
                        "application " + application.name + ": tls " + std::string(key) + " file " + path +
                            (error || !std::filesystem::exists(path, error) ? " isn't there" : " can't be read") +
                            "; expected a readable PEM file"});
  };
  check("certificate", application.tls.certificate);
  check("key", application.tls.key);
  check("ca", application.tls.ca);
  return problems;
}

}  // namespace tandem::config
