#include "connector/link/utf8.h"

#include <string>
#include <vector>

#include "common/base/utf8.h"

namespace tandem::connector {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

}  // namespace

void make_utf8(Message& message) {
  const auto& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  std::string scratch;
  for (const FieldDescriptor* field : fields) {
    const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        make_utf8(field->is_repeated() ? *reflection.MutableRepeatedMessage(&message, field, i)
                                       : *reflection.MutableMessage(&message, field));
      } else if (field->type() == FieldDescriptor::TYPE_STRING) {
        const std::string& text = field->is_repeated()
                                      ? reflection.GetRepeatedStringReference(message, field, i, &scratch)
                                      : reflection.GetStringReference(message, field, &scratch);
        if (is_utf8(text)) continue;
        std::string good = mended_utf8(text, "?");
        if (field->is_repeated()) {
          reflection.SetRepeatedString(&message, field, i, std::move(good));
        } else {
          reflection.SetString(&message, field, std::move(good));
        }
      }
    }
  }
}

}  // namespace tandem::connector
