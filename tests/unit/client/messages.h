// Messages for these tests, made by the protocol's descriptors.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/message_differencer.h>

#include <string>

#include "proto/tlib.pb.h"

namespace tandem::client::test {

inline tlib::KVPair pair(const std::string& key, const std::string& text) {
  tlib::KVPair made;
  made.set_key(key);
  made.set_str(text);
  return made;
}

inline bool same(const tlib::Message& a, const tlib::Message& b) {
  return google::protobuf::util::MessageDifferencer::Equals(a, b);
}

// A value for one attribute, no two alike.
inline void fill(tlib::Message& message, const google::protobuf::FieldDescriptor& field) {
  using google::protobuf::FieldDescriptor;
  const auto& reflection = *message.GetReflection();
  const auto number = static_cast<std::uint32_t>(field.number());
  switch (field.type()) {
    case FieldDescriptor::TYPE_FIXED64:
    case FieldDescriptor::TYPE_UINT64:
      return reflection.SetUInt64(&message, &field, 0xffffffff00000000ULL + number);
    case FieldDescriptor::TYPE_INT32:
      return reflection.SetInt32(&message, &field, -static_cast<std::int32_t>(number));
    case FieldDescriptor::TYPE_ENUM:
      return reflection.SetEnumValue(&message, &field,
                                     field.enum_type()->value(field.enum_type()->value_count() - 1)->number());
    case FieldDescriptor::TYPE_STRING:
      return reflection.SetString(&message, &field, "text \"" + field.name() + "\" \xc3\xa9\n");
    case FieldDescriptor::TYPE_BYTES:
      return reflection.SetString(&message, &field, std::string(5, static_cast<char>(number)));
    default: {
      auto& list = static_cast<tlib::KVList&>(*reflection.MutableMessage(&message, &field));
      *list.add_pairs() = pair(field.name(), "value");
      return;
    }
  }
}

}  // namespace tandem::client::test
