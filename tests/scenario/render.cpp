#include "render.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include "tserver/model/identity.h"
#include "tserver/model/kv.h"

namespace tandem::tserver::test {
namespace {

using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;

std::string quoted(const std::string& text) {
  return text.empty() || text.find_first_of(" {}=,\"") != std::string::npos ? "\"" + text + "\"" : text;
}

std::string kv_text(const tlib::KVList& list, Names& names) {
  std::string text = "{";
  for (const tlib::KVPair& pair : list.pairs()) {
    if (text.size() > 1) text += ",";
    text += pair.key();
    switch (pair.Value_case()) {
      case tlib::KVPair::kInt:
        text += ":=" + std::to_string(pair.int_());
        break;
      case tlib::KVPair::kList:
        text += "=" + kv_text(pair.list(), names);
        break;
      case tlib::KVPair::kUnicode:
        text += "=u" + quoted(pair.unicode());
        break;
      case tlib::KVPair::kBin:
        text += "=b" + quoted(pair.bin());
        break;
      default:
        text +=
            "=" + (pair.key().starts_with("conn-") ? names.call(from_hex(pair.str()).value_or(0)) : quoted(pair.str()));
    }
  }
  return text + "}";
}

// "CallStateOk" of TCallState is "Ok": the type's name says the rest.
std::string enum_text(const EnumValueDescriptor& value) {
  const std::string name = value.name();
  const std::string type = value.type()->name();
  const std::string prefix = type == "TDNRole" ? "Role" : type == "TTreatmentType" ? "Treatment" : type.substr(1);
  return name.size() > prefix.size() && name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

// The attributes that make up a call's card.
bool on_card(const std::string& name) {
  return name == "CallID" || name == "CallUUID" || name == "CallType" || name == "MediaType" || name == "ANI" ||
         name == "DNIS";
}

bool left_out(const std::string& name) {
  return name == "Type" || name == "TimeinSecs" || name == "TimeinuSecs" || name == "EventSequenceNumber" ||
         name == "ConnID";
}

std::string value_text(const tlib::Message& event, const FieldDescriptor& field, Names& names) {
  const auto& reflection = *event.GetReflection();
  const std::string& name = field.name();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      if (name == "CallUUID") {
        const std::string uuid = reflection.GetString(event, &field);
        return uuid == call_uuid(ConnId{event.connid()}) ? "of-" + names.call(event.connid()) : uuid;
      }
      if (name == "Capabilities") return "<" + std::to_string(reflection.GetString(event, &field).size()) + " bytes>";
      return quoted(reflection.GetString(event, &field));
    case FieldDescriptor::CPPTYPE_INT32:
      return std::to_string(reflection.GetInt32(event, &field));
    case FieldDescriptor::CPPTYPE_UINT64:
      if (name.ends_with("ConnID")) return names.call(reflection.GetUInt64(event, &field));
      return std::to_string(reflection.GetUInt64(event, &field));
    case FieldDescriptor::CPPTYPE_ENUM:
      return enum_text(*reflection.GetEnum(event, &field));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return kv_text(static_cast<const tlib::KVList&>(reflection.GetMessage(event, &field)), names);
    default:
      return "?";
  }
}

struct Shown {
  std::string card, line;
};

// Who it is about comes first, each DN with its role.
constexpr const char* kParties[] = {"ThisDN", "OtherDN", "ThirdPartyDN"};

bool is_party(const std::string& name) {
  return std::any_of(std::begin(kParties), std::end(kParties),
                     [&](const std::string& party) { return name == party || name == party + "Role"; });
}

std::string parties(const tlib::Message& event, Names& names) {
  const auto& reflection = *event.GetReflection();
  std::string line;
  for (const std::string party : kParties) {
    const FieldDescriptor& dn = *event.GetDescriptor()->FindFieldByName(party);
    const FieldDescriptor& role = *event.GetDescriptor()->FindFieldByName(party + "Role");
    if (!reflection.HasField(event, &dn) && !reflection.HasField(event, &role)) continue;
    line += " " + party + "=" + value_text(event, dn, names);
    if (reflection.HasField(event, &role)) line += ":" + value_text(event, role, names);
  }
  return line;
}

Shown attributes(const tlib::Message& event, Names& names) {
  std::vector<const FieldDescriptor*> fields;
  event.GetReflection()->ListFields(event, &fields);
  Shown shown;
  shown.line = parties(event, names);
  for (const FieldDescriptor* field : fields) {
    const std::string& name = field->name();
    if (left_out(name) || is_party(name)) continue;
    if (name == "Extensions" && event.has_connid()) {  // Conversation-ID is part of the card
      tlib::KVList rest = event.extensions();
      if (const auto* id = kv_find(rest, "Conversation-ID")) shown.card += " Conversation-ID=" + quoted(id->str());
      kv_delete(rest, "Conversation-ID");
      if (rest.pairs_size() > 0) shown.line += " Extensions=" + kv_text(rest, names);
      continue;
    }
    std::string& to = on_card(name) ? shown.card : shown.line;
    to += " " + name + "=" + value_text(event, *field, names);
  }
  return shown;
}

std::vector<std::string> render_event(const Deliver& deliver, Names& names) {
  const tlib::Message& event = *deliver.event;
  std::vector<std::string> lines;
  const Shown shown = attributes(event, names);
  std::string head;
  std::vector<std::string> to;
  for (const SessionId session : deliver.to) {
    to.push_back(names.client(session));
    if (session == deliver.requester && deliver.reference_id != 0)
      to.back() += "#" + std::to_string(deliver.reference_id);
  }
  std::sort(to.begin(), to.end());
  for (const std::string& name : to) head += (head.empty() ? "" : ",") + name;
  std::string line = head + " " + tlib::MessageType_Name(event.type());
  if (event.has_connid()) {
    const std::string call = names.call(event.connid());
    std::string& card = names.cards()[event.connid()];
    if (event.type() != tlib::EventError && card != shown.card) {
      lines.push_back("= " + call + shown.card);
      card = shown.card;
    }
    line += " " + call;
    if (event.type() == tlib::EventError && !shown.card.empty()) line += shown.card;
  } else {
    line += shown.card;
  }
  lines.push_back(line + shown.line);
  return lines;
}

// " name=value" of each field that is there; messages in braces, a repeated field once for each value.
std::string fields_text(const google::protobuf::Message& body, Names& names);

std::string one_field(const google::protobuf::Message& body, const FieldDescriptor& field, int index, Names& names) {
  const auto& reflection = *body.GetReflection();
  const bool many = field.is_repeated();
  std::string scratch;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return quoted(many ? reflection.GetRepeatedStringReference(body, &field, index, &scratch)
                         : reflection.GetStringReference(body, &field, &scratch));
    case FieldDescriptor::CPPTYPE_UINT32:
      return std::to_string(many ? reflection.GetRepeatedUInt32(body, &field, index)
                                 : reflection.GetUInt32(body, &field));
    case FieldDescriptor::CPPTYPE_UINT64: {  // ids of parties, or of a conversation to go to
      const auto id = many ? reflection.GetRepeatedUInt64(body, &field, index) : reflection.GetUInt64(body, &field);
      return many ? names.party(id) : names.conversation(id);
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      return "yes";
    case FieldDescriptor::CPPTYPE_ENUM:
      return reflection.GetEnum(body, &field)->name();
    case FieldDescriptor::CPPTYPE_MESSAGE: {
      const auto& inner =
          many ? reflection.GetRepeatedMessage(body, &field, index) : reflection.GetMessage(body, &field);
      const std::string text = fields_text(inner, names);
      return "{" + (text.empty() ? text : text.substr(1)) + "}";
    }
    default:
      return "?";
  }
}

std::string fields_text(const google::protobuf::Message& body, Names& names) {
  std::vector<const FieldDescriptor*> fields;
  body.GetReflection()->ListFields(body, &fields);
  std::string text;
  for (const FieldDescriptor* field : fields) {
    const int count = field->is_repeated() ? body.GetReflection()->FieldSize(body, field) : 1;
    for (int i = 0; i < count; ++i) text += " " + field->name() + "=" + one_field(body, *field, i, names);
  }
  return text;
}

std::string render_order(const Order& order, Names& names, const std::vector<std::string>& links) {
  const link::Command& command = order.command;
  const auto& reflection = *command.GetReflection();
  const auto* what = reflection.GetOneofFieldDescriptor(command, command.GetDescriptor()->FindOneofByName("what"));
  std::string line = "order " + links[order.link] + " " + (what == nullptr ? "Nothing" : what->message_type()->name());
  if (command.conversation() != 0) line += " conv=" + names.conversation(command.conversation());
  if (command.party() != 0) line += " party=" + names.party(command.party());
  if (command.has_tag()) {
    const bool derived = command.tag().call_uuid() == call_uuid(ConnId{command.tag().conn_id()});
    return line + " " + names.call(command.tag().conn_id()) + (derived ? "" : " uuid=" + command.tag().call_uuid());
  }
  if (command.has_location()) {
    line += " aor=" + command.location().registration().aor();
    for (const auto& contact : command.location().registration().contacts()) line += " contact=" + contact.uri();
    return line;
  }
  if (what == nullptr) return line;
  const auto& body = reflection.GetMessage(command, what);
  if (command.has_admit()) return line + " " + link::Admit::Mode_Name(command.admit().mode());
  return line + fields_text(body, names);
}

// Where the value that begins at `at` ends: at a comma or the closing brace of its own list.
std::size_t end_of_value(const std::string& text, std::size_t at) {
  int depth = 0;
  for (; at < text.size() - 1; ++at) {
    if (text[at] == '{') ++depth;
    if (text[at] == '}') --depth;
    if (text[at] == ',' && depth == 0) break;
  }
  return at;
}

bool parse_kv(const std::string& text, tlib::KVList& list) {
  if (text.size() < 2 || text.front() != '{' || text.back() != '}') return false;
  std::size_t at = 1;
  while (at < text.size() - 1) {
    const std::size_t end = end_of_value(text, at);
    const std::string pair = text.substr(at, end - at);
    const auto eq = pair.find('=');
    if (eq == std::string::npos || eq == 0) return false;
    const std::string value = pair.substr(eq + 1);
    if (pair[eq - 1] == ':') {
      kv_add(list, pair.substr(0, eq - 1), static_cast<std::int32_t>(std::stol(value)));
    } else if (value.starts_with('{')) {
      tlib::KVPair& inner = *list.add_pairs();
      inner.set_key(pair.substr(0, eq));
      if (!parse_kv(value, *inner.mutable_list())) return false;
    } else {
      kv_add(list, pair.substr(0, eq), value);
    }
    at = end + 1;
  }
  return true;
}

}  // namespace

std::string Names::show(Table& table, std::uint64_t value, const char* prefix) {
  if (const auto it = table.find(value); it != table.end()) return it->second;
  return table.emplace(value, prefix + std::to_string(table.size() + 1)).first->second;
}

std::uint64_t Names::value(const std::string& name) const {
  for (const Table* table : {&calls_, &parties_, &conversations_}) {
    for (const auto& [value, shown] : *table) {
      if (shown == name) return value;
    }
  }
  return name.empty() || name.find_first_not_of("0123456789") != std::string::npos ? from_hex(name).value_or(0)
                                                                                   : std::stoull(name);
}

std::string Names::client(SessionId session) const {
  const auto it = clients_.find(session);
  return it == clients_.end() ? "session" + std::to_string(session.value) : it->second;
}

std::vector<std::string> render(const Effects& effects, Names& names, const std::vector<std::string>& links) {
  std::vector<std::string> lines;
  for (const Effect& effect : effects) {
    if (const auto* deliver = std::get_if<Deliver>(&effect)) {
      for (std::string& line : render_event(*deliver, names)) lines.push_back(std::move(line));
    } else if (const auto* order = std::get_if<Order>(&effect)) {
      lines.push_back(render_order(*order, names, links));
    } else if (const auto* role = std::get_if<GiveUpRole>(&effect)) {
      lines.push_back("gives up its role " + quoted(role->why) + (role->force ? " by force" : ""));
    } else if (const auto* close = std::get_if<CloseClient>(&effect)) {
      lines.push_back("close " + names.client(close->session) + " " + quoted(close->why));
    }
  }
  return lines;
}

bool set_field(google::protobuf::Message& message, const std::string& name, const std::string& value,
               const Names& names) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
  if (field == nullptr || field->is_repeated()) return false;
  const auto* reflection = message.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      reflection->SetString(&message, field, value);
      return true;
    case FieldDescriptor::CPPTYPE_UINT32:
      reflection->SetUInt32(&message, field, static_cast<std::uint32_t>(std::stoul(value)));
      return true;
    case FieldDescriptor::CPPTYPE_UINT64:
      reflection->SetUInt64(&message, field, names.value(value));
      return true;
    case FieldDescriptor::CPPTYPE_BOOL:
      reflection->SetBool(&message, field, value == "yes");
      return true;
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto* option = field->enum_type()->FindValueByName(value);
      if (option == nullptr) return false;
      reflection->SetEnum(&message, field, option);
      return true;
    }
    default:
      return false;
  }
}

std::optional<std::string> set_attribute(tlib::Message& message, const std::string& name, const std::string& value,
                                         const Names& names) {
  const FieldDescriptor* field = tlib::Message::descriptor()->FindFieldByName(name);
  if (field == nullptr) return "no attribute " + name;
  const auto* reflection = message.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      reflection->SetString(&message, field, value);
      return std::nullopt;
    case FieldDescriptor::CPPTYPE_INT32:
      reflection->SetInt32(&message, field, static_cast<std::int32_t>(std::stol(value)));
      return std::nullopt;
    case FieldDescriptor::CPPTYPE_UINT64:
      reflection->SetUInt64(&message, field, names.value(value));
      return std::nullopt;
    case FieldDescriptor::CPPTYPE_ENUM: {
      for (int i = 0; i < field->enum_type()->value_count(); ++i) {
        const auto* option = field->enum_type()->value(i);
        if (option->name() == value || enum_text(*option) == value) {
          reflection->SetEnum(&message, field, option);
          return std::nullopt;
        }
      }
      return "no value " + value + " of " + name;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE: {
      auto& list = static_cast<tlib::KVList&>(*reflection->MutableMessage(&message, field));
      return parse_kv(value, list) ? std::nullopt : std::optional<std::string>("no list: " + value);
    }
    default:
      return "attribute " + name + " can't be set";
  }
}

}  // namespace tandem::tserver::test
