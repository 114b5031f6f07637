#include <algorithm>
#include <unordered_map>

#include "common/config/connector_options.h"
#include "common/config/map_reader.h"
#include "common/config/reader.h"

namespace tandem::config {
namespace {

constexpr DnType kTypes[] = {DnType::Extension, DnType::RoutingPoint, DnType::ExternalRoutingPoint,
                             DnType::AcdQueue,  DnType::VirtualQueue, DnType::VoipService,
                             DnType::TrunkGroup};

bool is_address(DnType type) {
  return type == DnType::Extension || type == DnType::RoutingPoint || type == DnType::ExternalRoutingPoint;
}

class Reader {
 public:
  Reader(Switch& into, Report& report) : switch_(into), report_(report) {}

  void read(const YamlNode& node) {
    MapReader map(node, "switch " + switch_.name, report_, switch_.at);
    if (const YamlEntry* entry = map.take("annex"))
      switch_.annex = read_options(*entry->value, map.what() + " annex", report_);
    if (const YamlEntry* entry = map.take("dns")) read_dns(*entry, map.what(), {});
    if (const YamlEntry* entry = map.take("trunks"))
      for (const YamlNode* item : list(*entry, map.what())) read_trunk(*item);
    if (const YamlEntry* entry = map.take("agent-logins"))
      for (const YamlNode* item : list(*entry, map.what())) read_agent(*item);
    map.finish();
  }

 private:
  std::vector<const YamlNode*> list(const YamlEntry& entry, const std::string& what) {
    if (entry.value->kind == YamlNode::Kind::Sequence || entry.value->kind == YamlNode::Kind::Null)
      return items_of(*entry.value);
    report_.error({entry.line}, what + ": " + entry.key + " is " + found_text(*entry.value) + "; expected a list");
    return {};
  }

  void read_dns(const YamlEntry& entry, const std::string& what, const std::string& folder) {
    for (const YamlNode* item : list(entry, what)) {
      const bool is_folder =
          std::any_of(item->entries.begin(), item->entries.end(), [](const YamlEntry& e) { return e.key == "folder"; });
      if (is_folder)
        read_folder(*item, folder);
      else
        read_dn(*item, folder);
    }
  }

  // Only a first-level folder has a say (its annex may name a pool); those below just group.
  void read_folder(const YamlNode& node, const std::string& inside) {
    MapReader map(node, "switch " + switch_.name + ": folder", report_);
    Folder folder;
    folder.name = map.needed_text("folder", "a name", Severity::Error);
    folder.at = {node.line};
    const std::string what = "folder " + folder.name;
    if (const YamlEntry* entry = map.take("annex")) {
      folder.annex = read_options(*entry->value, what + " annex", report_);
      if (!inside.empty())
        report_.warn({entry->line}, what + " lies inside folder " + inside +
                                        "; its annex is ignored, only that of a first-level folder counts");
    }
    const YamlEntry* dns = map.take("dns");
    map.finish();
    const std::string first_level = inside.empty() ? folder.name : inside;
    if (inside.empty()) {
      if (const Folder* other = switch_.folder(folder.name))
        report_.error(folder.at, what + " is already in line " + std::to_string(other->at.line) + "; expected it once");
      else
        switch_.folders.push_back(std::move(folder));
    }
    if (dns) read_dns(*dns, what, first_level);
  }

  void read_dn(const YamlNode& node, const std::string& folder) {
    if (node.kind != YamlNode::Kind::Map) {
      report_.error({node.line}, "DN is " + found_text(node) + "; expected {number: ..., type: ...}");
      return;
    }
    DnObject dn;
    const auto number =
        std::find_if(node.entries.begin(), node.entries.end(), [](const YamlEntry& e) { return e.key == "number"; });
    MapReader map(node, "DN " + (number == node.entries.end() ? std::string() : number->value->text.substr(0, 80)),
                  report_);
    dn.at = {node.line};
    dn.folder = folder;
    dn.number = map.needed_text("number", "the name of the DN", Severity::Error);
    const bool typed = read_type(map, dn);
    dn.registered = map.flag("register", true);
    dn.association = map.text("association", "a dialable number");
    if (const YamlEntry* entry = map.take("sip")) {
      MapReader sip(*entry->value, map.what() + ": sip", report_);
      dn.sip_password = sip.text("password", "a password");
      sip.finish();
    }
    if (const YamlEntry* entry = map.take("options")) dn.options = read_options(*entry->value, map.what(), report_);
    map.finish();
    if (!typed || dn.number.empty() || !good_number(*number->value, dn)) return;
    dn.dn = Dn(dn.number);
    tell_if_known(dn);
    switch_.dns.push_back(std::move(dn));
  }

  bool read_type(MapReader& map, DnObject& dn) {
    const std::string text = map.needed_text("type", "a type of DN", Severity::Error);
    if (text.empty()) return false;
    std::vector<std::string_view> names;
    for (const DnType type : kTypes) {
      if (text == to_string(type)) {
        dn.type = type;
        return true;
      }
      names.push_back(to_string(type));
    }
    const YamlEntry* entry = map.take("type");
    map.wrong(*entry->value, "type", one_of(names) + did_you_mean(text, names), Severity::Error);
    return false;
  }

  bool good_number(const YamlNode& at, const DnObject& dn) {
    const bool graphic =
        std::all_of(dn.number.begin(), dn.number.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
    const bool good = is_address(dn.type)
                          ? read_value(dn.number, {1, 255}, static_cast<const Uri*>(nullptr)).has_value()
                          : graphic && dn.number.size() <= 255;
    if (!good)
      report_.error({at.line}, "DN number is " + found_text(at) + "; expected " +
                                   (is_address(dn.type) ? "a SIP URI in ASCII, such as sip:alice@example.com"
                                                        : "at most 255 ASCII characters without spaces"));
    return good;
  }

  void tell_if_known(DnObject& dn) {
    const auto [first, fresh] = seen_.emplace(dn.dn, switch_.dns.size());
    if (fresh) return;
    const DnObject& other = switch_.dns[first->second];
    dn.misconfigured = true;
    report_.error(dn.at, "MSG_TS_COMMON_DN_MISCONFIGURED: DN " + quoted(dn.number) + " has the same name as " +
                             quoted(other.number) + " in line " + std::to_string(other.at.line) +
                             (dn.number == other.number ? "" : ", case apart") + "; only that one goes in service");
  }

  void read_trunk(const YamlNode& node) {
    MapReader map(node, "trunk", report_);
    Trunk trunk;
    trunk.at = {node.line};
    trunk.name = map.needed_text("name", "a name", Severity::Error);
    trunk.contact = map.needed_text("contact", "the SIP URI of the peer", Severity::Error);
    if (const YamlEntry* entry = map.take("prefix"))
      for (const YamlNode* item : items_of(*entry->value)) {
        if (item->kind != YamlNode::Kind::Scalar || item->text.empty() ||
            item->text.find_first_not_of("+0123456789*#") != std::string::npos)
          map.wrong(*item, "prefix", "digits with or without a leading +, in quotes", Severity::Error);
        else
          trunk.prefixes.push_back(item->text);
      }
    if (const YamlEntry* entry = map.take("sources"))
      for (const YamlNode* item : items_of(*entry->value)) {
        if (item->kind != YamlNode::Kind::Scalar || item->text.empty())
          map.wrong(*item, "sources", "addresses it may call from", Severity::Error);
        else
          trunk.sources.push_back(item->text);
      }
    if (const YamlEntry* entry = map.take("certificate-names"))
      for (const YamlNode* item : items_of(*entry->value)) {
        if (item->kind != YamlNode::Kind::Scalar || item->text.empty())
          map.wrong(*item, "certificate-names", "names or addresses in its certificate", Severity::Error);
        else
          trunk.certificate_names.push_back(item->text);
      }
    map.finish();
    if (trunk.name.empty() || trunk.contact.empty()) return;
    if (!read_value(trunk.contact, {1, 255}, static_cast<const Uri*>(nullptr))) {
      report_.error(trunk.at, "trunk " + trunk.name + ": contact is " + quoted(trunk.contact) +
                                  "; expected a SIP URI such as sip:192.0.2.1:5060");
      return;
    }
    if (std::any_of(switch_.trunks.begin(), switch_.trunks.end(), [&](const Trunk& t) { return t.name == trunk.name; }))
      report_.error(trunk.at, "trunk " + quoted(trunk.name) + " comes twice; expected it once");
    else
      switch_.trunks.push_back(std::move(trunk));
  }

  void read_agent(const YamlNode& node) {
    MapReader map(node, "agent login", report_);
    AgentLogin login;
    login.at = {node.line};
    login.code = map.needed_text("code", "the login code", Severity::Error);
    login.name = map.text("name", "a name");
    login.password = map.text("password", "a password");
    if (const YamlEntry* entry = map.take("options"))
      login.options = read_options(*entry->value, "agent login " + login.code, report_);
    map.finish();
    if (login.code.empty()) return;
    const auto [first, fresh] = codes_.emplace(login.code, login.at.line);
    if (fresh)
      switch_.agent_logins.push_back(std::move(login));
    else
      report_.error(login.at, "agent login " + quoted(login.code) + " is already in line " +
                                  std::to_string(first->second) + "; expected it once");
  }

  Switch& switch_;
  Report& report_;
  std::unordered_map<Dn, std::size_t> seen_;
  std::unordered_map<std::string, int> codes_;
};

}  // namespace

void read_switches(const YamlNode& node, Environment& environment, Report& report) {
  if (node.kind != YamlNode::Kind::Map || node.entries.empty()) {
    report.fatal({node.line}, "switches is " + found_text(node) + "; expected a map of switches by name");
    return;
  }
  for (const auto& entry : node.entries) {
    good_name(entry.key, {entry.line}, "switch", report);
    Switch& into = environment.switches.emplace_back();
    into.name = entry.key;
    into.at = {entry.line};
    Reader(into, report).read(*entry.value);
  }
}

}  // namespace tandem::config
