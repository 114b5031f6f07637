#include "tserver/client/pretty.h"

#include <boost/json/serialize.hpp>
#include <cstdio>
#include <string_view>

#include "common/base/ids.h"
#include "tserver/client/json_text.h"
#include "tserver/client/kv_json.h"
#include "tserver/client/names.h"

namespace tandem::client {

namespace {

constexpr std::size_t kTime = 12, kEvent = 24, kDn = 28, kRole = 16, kConnId = 16;

void column(std::string& line, std::string_view text, std::size_t width) {
  line.append(text);
  if (text.size() < width) line.append(width - text.size(), ' ');
  line.append("  ");
}

std::string_view without(std::string_view text, std::string_view prefix) {
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

std::string name_of(const google::protobuf::EnumDescriptor& type, int number, std::string_view prefix) {
  const auto* value = type.FindValueByNumber(number);
  return value == nullptr ? std::to_string(number) : std::string(without(value->name(), prefix));
}

std::string time_of(const tlib::Message& event, std::chrono::seconds offset) {
  if (!event.has_timeinsecs()) return "-";
  const std::int64_t of_day = (((event.timeinsecs() + offset.count()) % 86400) + 86400) % 86400;
  std::string text(16, '\0');
  const int length = std::snprintf(text.data(), text.size(), "%02d:%02d:%02d.%03d", static_cast<int>(of_day / 3600),
                                   static_cast<int>(of_day / 60 % 60), static_cast<int>(of_day % 60),
                                   event.timeinusecs() / 1000 % 1000);
  text.resize(static_cast<std::size_t>(length));
  return text;
}

std::string state_of(const tlib::Message& event) {
  if (!event.has_callstate() || event.callstate() == tlib::CallStateOk) return {};
  return name_of(*tlib::TCallState_descriptor(), event.callstate(), "CallState");
}

void note(std::string& line, std::string_view text) {
  if (text.empty()) return;
  if (!line.ends_with("  ")) line.append("  ");
  line.append(text);
}

}  // namespace

std::string printable(std::string_view bytes) {
  std::string text = as_utf8(bytes);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return text;
}

std::string pretty_heading() {
  std::string line;
  column(line, "time", kTime);
  column(line, "event", kEvent);
  column(line, "ThisDN", kDn);
  column(line, "role", kRole);
  column(line, "OtherDN", kDn);
  column(line, "ConnID", kConnId);
  line.append("state");
  return line;
}

std::string pretty(const tlib::Message& event, std::chrono::seconds offset) {
  std::string line;
  column(line, time_of(event, offset), kTime);
  column(line, message_name(event.type()).value_or("-"), kEvent);
  column(line, event.has_thisdn() ? printable(event.thisdn()) : "-", kDn);
  column(line, event.has_thisdnrole() ? name_of(*tlib::TDNRole_descriptor(), event.thisdnrole(), "Role") : "-", kRole);
  column(line, event.has_otherdn() ? printable(event.otherdn()) : "-", kDn);
  column(line, event.has_connid() ? to_hex(event.connid()) : "-", kConnId);
  note(line, state_of(event));
  if (event.has_thirdpartydn()) {
    const std::string role = name_of(*tlib::TDNRole_descriptor(), event.thirdpartydnrole(), "Role");
    note(line,
         (event.has_thirdpartydnrole() ? role : std::string("third party")) + " " + printable(event.thirdpartydn()));
  }
  if (event.has_agentid()) note(line, "agent " + printable(event.agentid()));
  if (event.has_agentworkmode()) {
    note(line, name_of(*tlib::TAgentWorkMode_descriptor(), event.agentworkmode(), "AgentWorkMode"));
  }
  if (event.has_errorcode()) note(line, name_of(*tlib::TErrorCode_descriptor(), event.errorcode(), ""));
  if (event.has_errormessage()) note(line, printable(event.errormessage()));
  if (event.has_userdata() && event.userdata().pairs_size() > 0) {
    note(line, boost::json::serialize(kv_to_json(event.userdata())));
  }
  while (line.ends_with(' ')) line.pop_back();
  return line;
}

}  // namespace tandem::client
