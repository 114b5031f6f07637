#include <charconv>
#include <set>

#include "common/config/reader.h"
#include "common/config/scope.h"
#include "common/config/tables.h"
#include "common/config/tserver_options.h"

namespace tandem::config {
namespace {

// "link-n-name" against "link-12-name".
bool matches_numbered(std::string_view pattern, std::string_view name) {
  const auto n = pattern.find("-n");
  const auto head = pattern.substr(0, n + 1), tail = pattern.substr(n + 2);
  if (name.size() <= head.size() + tail.size() || !name.starts_with(head) || !name.ends_with(tail)) return false;
  const auto digits = name.substr(head.size(), name.size() - head.size() - tail.size());
  return digits.size() <= 6 && digits.front() != '0' && digits.find_first_not_of("0123456789") == digits.npos;
}

bool matches(const Row& row, std::string_view name) {
  if (row.extras.numbered) return matches_numbered(row.name, name);
  return name == row.name || (!row.extras.alias.empty() && name == row.extras.alias);
}

class Checker {
 public:
  Checker(Levels at_level, std::string what, Report& report)
      : level_(at_level), what_(std::move(what)), report_(report) {}

  // Sections that the operator named, each a link section.
  void links(const Options& options) {
    const auto section = options.find("TServer");
    if (section == options.end()) return;
    for (const auto& [name, value] : section->second)
      if (matches(options::tserver.link_n_name, name)) links_.insert(value.text);
  }

  void check(Options& options, Source at) {
    for (auto section = options.begin(); section != options.end();)
      section = known_section(section->first, section->second) ? std::next(section) : options.erase(section);
    for (auto& [name, values] : options) check_section(name, values);
    need_mandatory(options, at);
  }

 private:
  static const Section& link_section() { return options::link; }

  template <class Visit>
  void rows_of(std::string_view section_name, Visit visit) const {
    for (const Section* section : all_sections()) {
      const bool is_link = section == &link_section();
      if (is_link ? !links_.contains(section_name) : section->name != section_name) continue;
      for (const Row* row = section->first; row; row = row->next) visit(*row);
    }
  }

  bool known_section(const std::string& name, const OptionSection& values) {
    bool here = false, elsewhere = false;
    Levels levels = 0;
    rows_of(name, [&](const Row& row) {
      (row.levels & level_ ? here : elsewhere) = true;
      levels |= row.levels;
    });
    if (here) return true;
    Source at;
    for (const auto& [option, value] : values)
      if (at.line == 0 || value.at.line < at.line) at = value.at;
    if (report_.full()) return false;
    if (elsewhere) {
      report_.error(at,
                    "section " + quoted(name) + " isn't read at " + what_ + "; it belongs to: " + level_names(levels));
      return false;
    }
    std::vector<std::string_view> names(links_.begin(), links_.end());
    for (const Section* section : all_sections())
      for (const Row* row = section->first; row; row = row->next)
        if (row->levels & level_ && section != &link_section()) {
          names.push_back(section->name);
          break;
        }
    std::string text = "unknown section " + quoted(name) + " at " + what_;
    if (level_ == level::kTServer && values.contains("hostname"))
      text += "; a link section must be named by a link-n-name of section TServer";
    else
      text += names.empty() ? "; no options are known there" : "; expected " + one_of(names);
    report_.error(at, text + did_you_mean(name, names));
    return false;
  }

  void check_section(const std::string& name, OptionSection& values) {
    OptionSection good;
    for (const auto& entry : values) {
      const std::string& option = entry.first;
      const Value& value = entry.second;
      const Row* found = nullptr;
      Levels elsewhere = 0;
      rows_of(name, [&](const Row& row) {
        if (!matches(row, option)) return;
        if (row.levels & level_) found = &row;
        elsewhere |= row.levels;
      });
      if (!found) {
        unknown_option(name, option, value, elsewhere);
      } else if (const auto expected = found->type->check(value.text, found->range)) {
        report_.error(value.at,
                      "option " + name + "/" + option + " is " + quoted(value.text) + "; expected " + *expected);
      } else {
        auto written = found->extras.numbered ? option : std::string(found->name);
        if (!good.emplace(std::move(written), value).second)
          report_.error(value.at, "options " + name + "/" + std::string(found->name) + " and " +
                                      std::string(found->extras.alias) + " are the same; expected one of them");
      }
    }
    values = std::move(good);
  }

  void unknown_option(const std::string& section, const std::string& option, const Value& value, Levels elsewhere) {
    if (report_.full()) return;
    std::string text = "option " + section + "/" + option;
    if (elsewhere) {
      report_.error(value.at, text + " isn't read at " + what_ + "; it belongs to: " + level_names(elsewhere));
      return;
    }
    std::vector<std::string_view> names;
    rows_of(section, [&](const Row& row) {
      if (row.levels & level_) names.push_back(row.name);
    });
    report_.error(value.at, "unknown " + text + " at " + what_ + did_you_mean(option, names));
  }

  void need_mandatory(const Options& options, Source at) {
    for (const Section* section : all_sections()) {
      if (section == &link_section()) {
        for (const auto& link : links_)
          if (const auto found = options.find(link); found != options.end())
            need_rows(*section, link, &found->second, at);
      } else {
        const auto found = options.find(section->name);
        need_rows(*section, section->name, found == options.end() ? nullptr : &found->second, at);
      }
    }
  }

  void need_rows(const Section& section, std::string_view name, const OptionSection* values, Source at) {
    for (const Row* row = section.first; row; row = row->next) {
      if (!row->extras.mandatory || !(row->levels & level_) || (values && values->contains(row->name))) continue;
      if (values && !values->empty()) at = values->begin()->second.at;
      const bool program = level_ & level::kApplication;
      report_.add(program ? Severity::Fatal : Severity::Error, at,
                  what_ + " has no option " + std::string(name) + "/" + std::string(row->name) + "; expected " +
                      row->type->expected(row->range));
    }
  }

  Levels level_;
  std::string what_;
  Report& report_;
  std::set<std::string, std::less<>> links_;
};

}  // namespace

void check_options(Environment& environment, Report& report) {
  for (auto& application : environment.applications) {
    const bool tserver = application.type == AppType::TServer;
    Checker checker(tserver ? level::kTServer : level::kConnector,
                    "a " + std::string(tserver ? "T-Server" : "Connector") + " application", report);
    if (tserver) checker.links(application.options);
    checker.check(application.options, application.at);
  }
  for (auto& of : environment.switches) {
    Checker(level::kSwitch, "a switch's annex", report).check(of.annex, of.at);
    for (auto& folder : of.folders) Checker(level::kFolder, "a folder's annex", report).check(folder.annex, folder.at);
    for (auto& dn : of.dns)
      Checker(level_of(dn.type), "a DN of type " + std::string(to_string(dn.type)), report).check(dn.options, dn.at);
    for (auto& login : of.agent_logins)
      Checker(level::kAgentLogin, "an agent login", report).check(login.options, login.at);
  }
}

}  // namespace tandem::config
