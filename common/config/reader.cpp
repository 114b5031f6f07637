#include "common/config/reader.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string_view>

#include "common/config/connector_options.h"
#include "common/config/map_reader.h"
#include "common/config/scope.h"

namespace tandem::config {
namespace {

std::string folder_of(const std::string& file) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(file, error);
  return error ? std::string() : absolute.lexically_normal().parent_path().string();
}

Loaded finished(std::shared_ptr<Environment> environment, Report& report) {
  return {std::move(environment), report.take()};
}

void give_folders_their_pools(Environment& environment, Report& report) {
  for (auto& of : environment.switches) {
    std::map<std::string, std::string_view> named;
    for (auto& folder : of.folders) {
      folder.pool = Scope().then(level::kFolder, folder.annex).get(options::connector.pool_name);
      if (folder.pool == "default") folder.pool.clear();
      if (folder.pool.empty()) continue;
      if (const auto [first, fresh] = named.emplace(folder.pool, folder.name); !fresh)
        report.error(folder.at, "folder " + config::quoted(folder.name) + " names pool " + config::quoted(folder.pool) +
                                    " as folder " + config::quoted(first->second) +
                                    " does; expected one folder a pool, its options count");
    }
  }
}

}  // namespace

Loaded read_environment(std::string_view text, const std::string& file) {
  auto environment = std::make_shared<Environment>();
  environment->file = file;
  environment->folder = folder_of(file);
  Report report;
  const YamlPtr root = parse_yaml(text, report);
  if (!root) return finished(std::move(environment), report);

  MapReader map(*root, "the file", report);
  if (const YamlEntry* entry = map.need("applications", "applications by name"))
    read_applications(*entry->value, *environment, report);
  if (const YamlEntry* entry = map.need("switches", "switches by name"))
    read_switches(*entry->value, *environment, report);
  map.finish();
  check_options(*environment, report);
  give_folders_their_pools(*environment, report);
  check_environment(*environment, report);
  return finished(std::move(environment), report);
}

Loaded load_environment(const std::string& file) {
  const auto refuse = [&](const std::string& why) {
    auto environment = std::make_shared<Environment>();
    environment->file = file;
    Report report;
    report.fatal({}, why);
    return finished(std::move(environment), report);
  };
  std::error_code error;
  if (!std::filesystem::exists(file, error)) return refuse("the file isn't there");
  if (!std::filesystem::is_regular_file(file, error)) return refuse("not a file");
  if (std::filesystem::file_size(file, error) > YamlLimits{}.bytes)
    return refuse("larger than " + std::to_string(YamlLimits{}.bytes >> 20) + " MB");
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return refuse("the file can't be read; is its owner or mode right?");
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (stream.bad()) return refuse("the file can't be read to its end");
  return read_environment(text, file);
}

}  // namespace tandem::config
