#include "common/config/reload.h"

#include <algorithm>
#include <map>
#include <set>

#include "common/config/option.h"
#include "common/config/scope.h"
#include "common/config/tables.h"
#include "common/config/tserver_options.h"

namespace tandem::config {
namespace {

constexpr std::string_view kNone = "(none)";

// The row of an option that passed the check: its section, or else the link section.
const Row* row_of(std::string_view section, std::string_view name, Levels at) {
  const auto search = [&](const Section& in) -> const Row* {
    for (const Row* row = in.first; row; row = row->next) {
      if (!(row->levels & at)) continue;
      if (row->name == name) return row;
      if (row->extras.numbered && name.starts_with(row->name.substr(0, row->name.find("-n") + 1))) return row;
    }
    return nullptr;
  };
  for (const Section* in : all_sections())
    if (in->name == section)
      if (const Row* row = search(*in)) return row;
  return search(options::link);
}

class Comparer {
 public:
  std::vector<Change> take() { return std::move(changes_); }

  void change(std::string what, std::string_view from, std::string_view to, Effect effect) {
    if (from != to) changes_.push_back({std::move(what), std::string(from), std::string(to), effect});
  }

  void compare_options(const std::string& what, const Options& before, const Options& after, Levels at) {
    std::set<std::pair<std::string_view, std::string_view>> names;
    for (const Options* options : {&before, &after})
      for (const auto& [section, values] : *options)
        for (const auto& [name, value] : values) names.emplace(section, name);
    for (const auto& [section, name] : names) {
      const Value *old = find(before, section, name), *now = find(after, section, name);
      if (old && now && old->text == now->text) continue;
      const Row* row = row_of(section, name, at);
      const std::string otherwise = row && !row->initial.empty() && !row->extras.mandatory
                                        ? std::string(row->initial) + " (default)"
                                        : std::string(kNone);
      changes_.push_back({what + ": " + std::string(section) + "/" + std::string(name), old ? old->text : otherwise,
                          now ? now->text : otherwise, row ? row->effect : Effect::AtStart});
    }
  }

  void compare_applications(const Application& before, const Application& after) {
    const std::string what = "application " + before.name;
    change(what + ": type", to_string(before.type), to_string(after.type), Effect::AtStart);
    change(what + ": host", before.host, after.host, Effect::AtStart);
    change(what + ": switch", before.switch_name, after.switch_name, Effect::AtStart);
    change(what + ": backup", before.backup, after.backup, Effect::AtStart);
    change(what + ": redundancy", redundancy(before), redundancy(after), Effect::AtStart);
    change(what + ": ports", ports(before), ports(after), Effect::AtStart);
    change(what + ": tls", tls(before), tls(after), Effect::NextConnection);
    compare_options(what, before.options, after.options,
                    before.type == AppType::TServer ? level::kTServer : level::kConnector);
  }

  void compare_switches(const Switch& before, const Switch& after) {
    const std::string what = "switch " + before.name;
    compare_options(what, before.annex, after.annex, level::kSwitch);
    each(
        before.folders, after.folders, [](const Folder& f) { return f.name; }, "folder ",
        [&](const std::string& name, const Folder& a, const Folder& b) {
          compare_options(name, a.annex, b.annex, level::kFolder);
        });
    each(
        in_service(before), in_service(after), [](const DnObject& dn) { return dn.dn.str(); }, "DN ",
        [&](const std::string& name, const DnObject& a, const DnObject& b) { compare_dns(name, a, b); });
    each(
        before.trunks, after.trunks, [](const Trunk& t) { return t.name; }, "trunk ",
        [&](const std::string& name, const Trunk& a, const Trunk& b) {
          change(name + ": contact", a.contact, b.contact, Effect::NextCall);
          change(name + ": prefix", joined(a.prefixes), joined(b.prefixes), Effect::NextCall);
          change(name + ": sources", joined(a.sources), joined(b.sources), Effect::NextCall);
        });
    each(
        before.agent_logins, after.agent_logins, [](const AgentLogin& a) { return a.code; }, "agent login ",
        [&](const std::string& name, const AgentLogin& a, const AgentLogin& b) {
          change(name + ": name", a.name, b.name, Effect::Immediately);
          if (a.password != b.password)
            changes_.push_back({name + ": password", "(hidden)", "(hidden)", Effect::Immediately});
          compare_options(name, a.options, b.options, level::kAgentLogin);
        });
  }

 private:
  static const Value* find(const Options& options, std::string_view section, std::string_view name) {
    const auto values = options.find(section);
    if (values == options.end()) return nullptr;
    const auto value = values->second.find(name);
    return value == values->second.end() ? nullptr : &value->second;
  }

  static std::string redundancy(const Application& a) {
    return a.redundancy == Redundancy::HotStandby ? "hot-standby" : "none";
  }
  static std::string tls(const Application& a) {
    return a.tls.given() ? a.tls.certificate + ", " + a.tls.key + ", " + a.tls.ca : std::string(kNone);
  }
  static std::string ports(const Application& application) {
    std::string out;
    for (const auto& port : application.ports) {
      out += (out.empty() ? "" : ", ") + port.name + " " + port.address + ":";
      out += port.first ? std::to_string(port.first) + "-" + std::to_string(port.last) : std::to_string(port.port);
      out += "/" + std::string(to_string(port.transport));
    }
    return out;
  }
  static std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const auto& word : words) out += (out.empty() ? "" : ", ") + word;
    return out.empty() ? std::string(kNone) : out;
  }
  static std::vector<DnObject> in_service(const Switch& of) {
    std::vector<DnObject> dns;
    std::copy_if(of.dns.begin(), of.dns.end(), std::back_inserter(dns),
                 [](const DnObject& dn) { return !dn.misconfigured; });
    return dns;
  }

  void compare_dns(const std::string& name, const DnObject& a, const DnObject& b) {
    change(name + ": type", to_string(a.type), to_string(b.type), Effect::Immediately);
    change(name + ": register", a.registered ? "true" : "false", b.registered ? "true" : "false", Effect::Immediately);
    change(name + ": association", a.association, b.association, Effect::Immediately);
    change(name + ": folder", a.folder, b.folder, Effect::NextCall);
    if (a.sip_password != b.sip_password)
      changes_.push_back({name + ": sip password", "(hidden)", "(hidden)", Effect::NextRegistration});
    if (a.type == b.type) compare_options(name, a.options, b.options, level_of(a.type));
  }

  // Objects by their key: gone, new, or in both.
  template <class Objects, class Key, class Both>
  void each(const Objects& before, const Objects& after, Key key, const std::string& kind, Both both) {
    std::map<std::string, const typename Objects::value_type*> now;
    for (const auto& object : after) now.emplace(key(object), &object);
    for (const auto& object : before) {
      const auto found = now.find(key(object));
      if (found == now.end()) {
        changes_.push_back({kind + key(object), "there", "removed", Effect::Immediately});
        continue;
      }
      both(kind + key(object), object, *found->second);
      now.erase(found);
    }
    for (const auto& [name, object] : now)
      changes_.push_back({kind + name, std::string(kNone), "added", Effect::Immediately});
  }

  std::vector<Change> changes_;
};

}  // namespace

std::string to_string(const Change& change) {
  return change.what + " changed from " + change.from + " to " + change.to + ", takes effect " +
         std::string(to_string(change.effect));
}

std::vector<Change> compare(const Environment& before, const Environment& after, std::string_view name) {
  Comparer comparer;
  const Application *old = before.application(name), *now = after.application(name);
  if (!old || !now) return {};
  comparer.compare_applications(*old, *now);
  const Switch *old_switch = before.switch_of(*old), *now_switch = after.switch_of(*now);
  if (old_switch && now_switch && old_switch->name == now_switch->name)
    comparer.compare_switches(*old_switch, *now_switch);
  return comparer.take();
}

Reload reload_environment(const Environment& before, std::string_view name) {
  Loaded loaded = load_environment(before.file);
  Reload reload;
  const Application* now = loaded.environment->application(name);
  const Application* old = before.application(name);
  if (loaded.usable() && (!now || (old && now->type != old->type)))
    loaded.problems.push_back(
        {Severity::Fatal, {}, "application " + std::string(name) + " is no longer there with its type"});
  if (now)
    for (auto& problem : check_files(*loaded.environment, *now)) loaded.problems.push_back(std::move(problem));
  if (loaded.faultless()) {
    reload.changes = compare(before, *loaded.environment, name);
    reload.environment = std::move(loaded.environment);
  }
  reload.problems = std::move(loaded.problems);
  return reload;
}

}  // namespace tandem::config
