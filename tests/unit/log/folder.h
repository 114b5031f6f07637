// A folder for one test, gone with it.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

namespace tandem {

struct TestFolder {
  TestFolder() : path(std::filesystem::temp_directory_path() / ("tandem-log-" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path);
  }
  ~TestFolder() { std::filesystem::remove_all(path); }
  std::set<std::string> names() const {
    std::set<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(path)) out.insert(entry.path().filename().string());
    return out;
  }
  std::string text(const std::string& name) const {
    std::ifstream file(path / name, std::ios::binary);
    std::stringstream out;
    out << file.rdbuf();
    return out.str();
  }
  std::filesystem::path path;
};

}  // namespace tandem
