#include <algorithm>
#include <catch2/catch.hpp>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "common/config/tables.h"
#include "example.h"

using namespace tandem::config;

namespace {

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

template <class Visit>
void each_row(Visit visit) {
  for (const Section* section : all_sections())
    for (const Row* row = section->first; row; row = row->next) visit(*section, *row);
}

}  // namespace

TEST_CASE("every row is whole: default, help, levels", "[config][tables]") {
  int rows = 0;
  each_row([&](const Section& section, const Row& row) {
    INFO(section.name << "/" << row.name);
    ++rows;
    CHECK(row.section == section.name);
    CHECK(row.levels != 0);
    CHECK(row.levels < 1u << level::kCount);
    if (!row.extras.mandatory) CHECK_FALSE(row.type->check(row.initial, row.range));
    CHECK_FALSE(row.type->expected(row.range).empty());
    CHECK(row.range.min <= row.range.max);
    CHECK(row.help.size() > 10);
    CHECK(row.help.ends_with('.'));
    CHECK((row.help.front() >= 'A' && row.help.front() <= 'Z'));
    CHECK(row.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == row.name.npos);
    CHECK(row.extras.numbered == (row.name.find("-n-") != row.name.npos || row.name.ends_with("-n")));
  });
  CHECK(rows > 80);
}

TEST_CASE("no option is declared twice for the same place", "[config][tables]") {
  std::map<std::pair<std::string_view, std::string_view>, Levels> seen;
  each_row([&](const Section& section, const Row& row) {
    for (const auto name : {row.name, row.extras.alias}) {
      if (name.empty()) continue;
      INFO(section.name << "/" << name);
      auto& levels = seen[{section.name, name}];
      CHECK((levels & row.levels) == 0);
      levels |= row.levels;
    }
  });
}

TEST_CASE("all sections are in the list, and have help", "[config][tables]") {
  std::set<const Section*> sections;
  for (const Section* section : all_sections()) {
    INFO(section->name);
    CHECK(sections.insert(section).second);
    CHECK(section->first != nullptr);
    CHECK(section->help.ends_with('.'));
  }
}

TEST_CASE("every row is read somewhere, or says that it isn't in use yet", "[config][tables]") {
  const std::map<std::string_view, std::string_view> names = {{"TServer", "tserver"},
                                                              {"(link section)", "link"},
                                                              {"clients", "clients"},
                                                              {"startup", "startup"},
                                                              {"front-end", "front_end"},
                                                              {"connector", "connector"},
                                                              {"sip", "sip"},
                                                              {"media", "media"},
                                                              {"link", "connector_link"},
                                                              {"security", "security"},
                                                              {"log", "log"},
                                                              {"ha", "ha"},
                                                              {"conference-services", "conference_services"}};
  std::string sources;  // of all rooms
  for (const char* room : {"common", "tserver", "connector"})
    for (const auto& entry : std::filesystem::recursive_directory_iterator(std::string(TANDEM_SOURCE_DIR "/") + room))
      if (entry.path().extension() == ".cpp") sources += contents(entry.path().string());
  const auto read = [&](std::string_view object, std::string_view member) {
    const std::string text = std::string(object) + "." + std::string(member);
    for (auto at = sources.find(text); at != sources.npos; at = sources.find(text, at + 1)) {
      const char after = sources[at + text.size()];
      if (!std::isalnum(static_cast<unsigned char>(after)) && after != '_') return true;
    }
    return false;
  };
  each_row([&](const Section& section, const Row& row) {
    std::string member(row.name);
    std::replace(member.begin(), member.end(), '-', '_');
    bool found = read("rows", member) || read("limits", member);
    if (section.name == "limits")
      found |= read(row.levels & level::kTServer ? "tserver_limits" : "connector_limits", member);
    else
      found |= read(names.at(section.name), member);
    INFO(section.name << "/" << row.name << ": give it Effect::NotInUseYet until something reads it");
    CHECK(found == (row.effect != Effect::NotInUseYet));
  });
}

TEST_CASE("--list-options names every row of the program and no other", "[config][tables]") {
  const std::string tserver = list_options(level::kTServer), connector = list_options(level::kConnector);
  CHECK(tserver.find("  router-timeout\n      seconds, 1 to 86400; or with unit: sec, min, hr\n      default: 10; set "
                     "at: Routing Point, T-Server; a change takes effect: immediately\n") != std::string::npos);
  CHECK(tserver.find("front-end") == std::string::npos);
  CHECK(connector.find("[front-end]") != std::string::npos);
  CHECK(connector.find("[TServer]") != std::string::npos);  // hide-sensitive-data
  CHECK(connector.find("router-timeout") == std::string::npos);
}

// Refresh the tables with: TANDEM_WRITE_DOCS=1 build/tests/test_config "[docs]"
TEST_CASE("docs/configuration.md has the option tables as they are", "[config][docs]") {
  static const std::string path = TANDEM_SOURCE_DIR "/docs/configuration.md";
  static const std::string begin = "<!-- options: begin, generated -->\n", end = "<!-- options: end -->\n";
  std::string text = contents(path);
  const auto from = text.find(begin), to = text.find(end);
  REQUIRE(from != std::string::npos);
  REQUIRE(to != std::string::npos);
  const auto start = from + begin.size();
  if (std::getenv("TANDEM_WRITE_DOCS")) {
    text.replace(start, to - start, markdown_tables());
    std::ofstream(path, std::ios::binary) << text;
  }
  CHECK(contents(path).substr(start, contents(path).find(end) - start) == markdown_tables());
}

TEST_CASE("the example of docs/configuration.md is good, and its mistake is told as it says", "[config][docs]") {
  const std::string text = contents(TANDEM_SOURCE_DIR "/docs/configuration.md");
  const auto from = text.find("```yaml\n");
  REQUIRE(from != std::string::npos);
  const std::string example = text.substr(from + 8, text.find("```", from + 8) - from - 8);
  CHECK(told(read_environment(example, "f")).empty());
  const auto lines = told(read_environment(changed("router-timeout", "router-timout", example), "environment.yaml"));
  REQUIRE(lines.size() == 1);
  CHECK(text.find("environment.yaml" + lines[0].substr(1)) != std::string::npos);
}
