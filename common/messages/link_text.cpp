#include "common/messages/link_text.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include "common/base/ids.h"

namespace tandem {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// "CommandFailed" is COMMAND_FAILED.
std::string upper_name(const std::string& name) {
  std::string upper;
  for (const char c : name) {
    const bool capital = c >= 'A' && c <= 'Z';
    if (capital && !upper.empty()) upper += '_';
    upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return upper;
}

std::string header_name(const FieldDescriptor& field) {
  std::string name = field.name();
  if (name == "digits" || name == "digit" || name == "last_digit") return "data";
  if (name == "prompts" || name == "collect" || name == "record") return "treatment-params";
  for (char& c : name) c = c == '_' ? '-' : c;
  return name;
}

std::string scalar(const Message& body, const FieldDescriptor& field, int index) {
  const auto& in = *body.GetReflection();
  const bool many = field.is_repeated();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return many ? in.GetRepeatedString(body, &field, index) : in.GetString(body, &field);
    case FieldDescriptor::CPPTYPE_UINT32:
      return std::to_string(many ? in.GetRepeatedUInt32(body, &field, index) : in.GetUInt32(body, &field));
    case FieldDescriptor::CPPTYPE_UINT64:  // ids
      return to_hex(many ? in.GetRepeatedUInt64(body, &field, index) : in.GetUInt64(body, &field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return (many ? in.GetRepeatedBool(body, &field, index) : in.GetBool(body, &field)) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return (many ? in.GetRepeatedEnum(body, &field, index) : in.GetEnum(body, &field))->name();
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return (many ? in.GetRepeatedMessage(body, &field, index) : in.GetMessage(body, &field)).ShortDebugString();
    default:
      return {};
  }
}

std::string text(const Message& envelope, const char* oneof, std::uint64_t id, std::uint64_t conversation,
                 std::uint64_t party, const HiddenHeaders& hidden) {
  const auto* what =
      envelope.GetReflection()->GetOneofFieldDescriptor(envelope, envelope.GetDescriptor()->FindOneofByName(oneof));
  std::string line = (what == nullptr ? "NOTHING" : upper_name(what->message_type()->name())) + " * MLTP/1.0";
  const auto add = [&](const std::string& name, const std::string& value) {
    line += "; " + name + ": " + hidden.shown(name, value);
  };
  if (id != 0) add("command", std::to_string(id));
  if (conversation != 0) add("conversation", to_hex(conversation));
  if (party != 0) add("party", to_hex(party));
  if (what == nullptr) return line;
  const Message& body = envelope.GetReflection()->GetMessage(envelope, what);
  std::vector<const FieldDescriptor*> fields;
  body.GetReflection()->ListFields(body, &fields);
  for (const FieldDescriptor* field : fields) {
    const int count = field->is_repeated() ? body.GetReflection()->FieldSize(body, field) : 1;
    for (int i = 0; i < count; ++i) add(header_name(*field), scalar(body, *field, i));
  }
  return line;
}

}  // namespace

std::string link_text(const link::Command& command, const HiddenHeaders& hidden) {
  return text(command, "what", command.id(), command.conversation(), command.party(), hidden);
}

std::string link_text(const link::Happening& happening, const HiddenHeaders& hidden) {
  return text(happening, "what", happening.command(), happening.conversation(), happening.party(), hidden);
}

}  // namespace tandem
