#include "common/messages/tlib_text.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include "common/base/ids.h"
#include "common/log/hide.h"

namespace tandem {
namespace {

using google::protobuf::FieldDescriptor;

bool is_secret(const std::string& name) {
  return name == "Password" || name == "ApplicationPassword" || name == "SessionToken";
}

bool is_sensitive(const std::string& name) {
  return name == "CollectedDigits" || name == "LastCollectedDigit" || name == "DTMFDigits";
}

bool is_binary(const std::string& name) {
  return name == "InputMask" || name == "Capabilities";
}

std::string value_text(const tlib::KVPair& pair, bool hide);

std::string list_text(const tlib::KVList& list, bool hide) {
  std::string text = "{";
  for (const tlib::KVPair& pair : list.pairs()) {
    text += (text.size() > 1 ? ", " : "") + pair.key() + "=" + value_text(pair, hide);
  }
  return text + "}";
}

std::string value_text(const tlib::KVPair& pair, bool hide) {
  switch (pair.Value_case()) {
    case tlib::KVPair::kList:
      return list_text(pair.list(), hide);
    case tlib::KVPair::kInt:
      return sensitive(hide, std::to_string(pair.int_()));
    case tlib::KVPair::kBin:
      return "<" + std::to_string(pair.bin().size()) + " bytes>";
    case tlib::KVPair::kUnicode:
      return hide ? hidden(pair.unicode()) : "'" + pair.unicode() + "'";
    default:
      return hide ? hidden(pair.str()) : "'" + pair.str() + "'";
  }
}

std::string attribute(const tlib::Message& message, const FieldDescriptor& field, bool hide) {
  const auto& in = *message.GetReflection();
  const std::string& name = field.name();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string text = in.GetString(message, &field);
      if (is_binary(name)) return "<" + std::to_string(text.size()) + " bytes>";
      const bool hides = is_secret(name) || (hide && is_sensitive(name));
      return hides ? hidden(text) : "'" + text + "'";
    }
    case FieldDescriptor::CPPTYPE_INT32:
      return std::to_string(in.GetInt32(message, &field));
    case FieldDescriptor::CPPTYPE_UINT64: {
      const std::uint64_t number = in.GetUInt64(message, &field);
      return name.ends_with("ConnID") ? to_hex(number) : std::to_string(number);
    }
    case FieldDescriptor::CPPTYPE_ENUM:
      return in.GetEnum(message, &field)->name();
    case FieldDescriptor::CPPTYPE_MESSAGE: {
      const auto& list = static_cast<const tlib::KVList&>(in.GetMessage(message, &field));
      if (name == "TreatmentParms" && hide) return hidden(list_text(list, false));
      return list_text(list, hide && name == "UserData");
    }
    default:
      return {};
  }
}

}  // namespace

std::string tlib_text(const tlib::Message& message, bool hide) {
  std::string line = tlib::MessageType_Name(message.type());
  if (line.empty()) line = "message " + std::to_string(message.type());
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->name() != "Type") line += " " + field->name() + "=" + attribute(message, *field, hide);
  }
  return line;
}

}  // namespace tandem
