#include "tserver/client/json.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "tserver/client/kv_json.h"
#include "tserver/client/names.h"

namespace tandem::client {

namespace json = boost::json;
namespace pb = google::protobuf;
using pb::FieldDescriptor;
using tlib::Message;

namespace {

constexpr std::uint64_t kExactInJson = (std::uint64_t{1} << 53) - 1;  // RFC 8259 section 6
constexpr std::size_t kMaskBytes = 64;
constexpr std::string_view kErrorName = "ErrorName";

// --- Writing ---

json::value write_enum(const pb::EnumDescriptor& type, int number) {
  const auto* value = type.FindValueByNumber(number);
  return value == nullptr ? json::value(number) : json::value(value->name());
}

json::value write_mask(const std::string& mask) {
  if (mask.size() != kMaskBytes) return json::value(to_hex_bytes(mask));
  json::array names;
  for (std::size_t bit = 0; bit < kMaskBytes * 8; ++bit) {
    if ((static_cast<unsigned char>(mask[bit / 8]) >> bit % 8 & 1) == 0) continue;
    const auto name = message_name(static_cast<int>(bit));
    if (!name) return json::value(to_hex_bytes(mask));
    names.emplace_back(json::string_view(*name));
  }
  return names;
}

json::value write_attribute(const Message& message, const FieldDescriptor& field) {
  const pb::Reflection& reflection = *message.GetReflection();
  switch (field.type()) {
    case FieldDescriptor::TYPE_FIXED64:
      return json::value(to_hex(reflection.GetUInt64(message, &field)));
    case FieldDescriptor::TYPE_UINT64: {
      const std::uint64_t number = reflection.GetUInt64(message, &field);
      return number <= kExactInJson ? json::value(number) : json::value(std::to_string(number));
    }
    case FieldDescriptor::TYPE_INT32:
      return json::value(reflection.GetInt32(message, &field));
    case FieldDescriptor::TYPE_ENUM:
      return write_enum(*field.enum_type(), reflection.GetEnumValue(message, &field));
    case FieldDescriptor::TYPE_STRING:
      return json::value(as_utf8(reflection.GetString(message, &field)));
    case FieldDescriptor::TYPE_BYTES:
      return write_mask(reflection.GetString(message, &field));
    case FieldDescriptor::TYPE_MESSAGE:
      return kv_to_json(static_cast<const tlib::KVList&>(reflection.GetMessage(message, &field)));
    default:
      throw std::logic_error("no JSON form for attribute " + field.full_name());  // the .proto grew a new kind
  }
}

std::pair<std::string_view, json::value> write_name(const Message& message) {
  if (!message.has_type()) return {"message", nullptr};
  json::value name = write_enum(*tlib::MessageType_descriptor(), message.type());
  if (is_request(message.type())) return {"request", std::move(name)};
  if (is_event(message.type())) return {"event", std::move(name)};
  return {"message", std::move(name)};
}

// --- Reading ---

Failure wrong(std::string_view attribute, std::string expected, const json::value& value) {
  return Failure{std::string(attribute) + ": expected " + std::move(expected) + ", not " + std::string(kind_of(value))};
}

template <class Number>
std::optional<Number> whole(const json::value& value) {
  if (value.is_int64()) {
    const std::int64_t number = value.get_int64();
    if (std::in_range<Number>(number)) return static_cast<Number>(number);
  } else if (value.is_uint64() && std::in_range<Number>(value.get_uint64())) {
    return static_cast<Number>(value.get_uint64());
  }
  return std::nullopt;
}

Result<int, Failure> read_enum(const pb::EnumDescriptor& type, std::string_view attribute, const json::value& value) {
  if (const auto number = whole<std::int32_t>(value)) return int{*number};
  if (!value.is_string()) return wrong(attribute, "a name of " + type.name() + " or its number", value);
  const std::string name(value.get_string());
  if (const auto* known = type.FindValueByName(name)) return known->number();
  return Failure{std::string(attribute) + ": there is no \"" + name + "\" in " + type.name() + ", the nearest is " +
                 std::string(nearest(name, value_names(type)))};
}

Result<std::string, Failure> read_mask(std::string_view attribute, const json::value& value) {
  if (value.is_string()) {
    auto mask = from_hex_bytes(value.get_string());
    if (!mask || mask->size() > kMaskBytes) {
      return Failure{std::string(attribute) + ": expected at most 128 hexadecimal digits, two a byte"};
    }
    return {boost::system::in_place_value, std::move(*mask)};
  }
  if (!value.is_array()) return wrong(attribute, "hexadecimal digits or an array of message names", value);
  std::string mask(kMaskBytes, '\0');
  for (const json::value& entry : value.get_array()) {
    const auto bit = read_enum(*tlib::MessageType_descriptor(), attribute, entry);
    if (!bit) return bit.error();
    if (*bit < 0 || static_cast<std::size_t>(*bit) >= kMaskBytes * 8) {
      return Failure{std::string(attribute) + ": expected messages numbered 0 to 511, not " + std::to_string(*bit)};
    }
    const auto at = static_cast<std::size_t>(*bit);
    mask[at / 8] = static_cast<char>(static_cast<unsigned char>(mask[at / 8]) | 1U << at % 8);
  }
  return {boost::system::in_place_value, std::move(mask)};
}

std::optional<std::uint64_t> decimal(const json::value& value) {
  if (!value.is_string()) return whole<std::uint64_t>(value);
  const json::string& text = value.get_string();
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Sets one attribute; a failure, or nothing.
std::optional<Failure> read_attribute(Message& message, const FieldDescriptor& field, const json::value& value) {
  const pb::Reflection& reflection = *message.GetReflection();
  const std::string& name = field.name();
  switch (field.type()) {
    case FieldDescriptor::TYPE_FIXED64: {
      if (!value.is_string()) return wrong(name, "a string of 16 hexadecimal digits", value);
      const auto id = from_hex(value.get_string());
      if (!id || value.get_string().size() != 16) {
        return Failure{name + ": expected 16 hexadecimal digits, not \"" + std::string(value.get_string()) + "\""};
      }
      reflection.SetUInt64(&message, &field, *id);
      return std::nullopt;
    }
    case FieldDescriptor::TYPE_UINT64: {
      const auto number = decimal(value);
      if (!number) return Failure{name + ": expected a whole number of 64 bits, from 0"};
      reflection.SetUInt64(&message, &field, *number);
      return std::nullopt;
    }
    case FieldDescriptor::TYPE_INT32: {
      if (name == "ErrorCode") {
        const auto code = read_enum(*tlib::TErrorCode_descriptor(), name, value);
        if (!code) return code.error();
        reflection.SetInt32(&message, &field, *code);
        return std::nullopt;
      }
      const auto number = whole<std::int32_t>(value);
      if (!number) return wrong(name, "a whole number of 32 bits", value);
      reflection.SetInt32(&message, &field, *number);
      return std::nullopt;
    }
    case FieldDescriptor::TYPE_ENUM: {
      const auto number = read_enum(*field.enum_type(), name, value);
      if (!number) return number.error();
      reflection.SetEnumValue(&message, &field, *number);
      return std::nullopt;
    }
    case FieldDescriptor::TYPE_STRING:
      if (!value.is_string()) return wrong(name, "a string", value);
      reflection.SetString(&message, &field, std::string(value.get_string()));
      return std::nullopt;
    case FieldDescriptor::TYPE_BYTES: {
      auto mask = read_mask(name, value);
      if (!mask) return mask.error();
      reflection.SetString(&message, &field, std::move(*mask));
      return std::nullopt;
    }
    case FieldDescriptor::TYPE_MESSAGE: {
      if (!value.is_object()) return wrong(name, "an object", value);
      auto list = kv_from_json(value.get_object(), name);
      if (!list) return list.error();
      *static_cast<tlib::KVList*>(reflection.MutableMessage(&message, &field)) = std::move(*list);
      return std::nullopt;
    }
    default:
      throw std::logic_error("no JSON form for attribute " + field.full_name());
  }
}

std::optional<Failure> read_name(Message& message, std::string_view member, const json::value& value) {
  if (message.has_type()) return Failure{"expected one of \"request\", \"event\" and \"message\", not two"};
  const auto type = read_enum(*tlib::MessageType_descriptor(), member, value);
  if (!type) return type.error();
  message.set_type(static_cast<tlib::MessageType>(*type));
  const bool fits = member == "request" ? is_request(message.type())
                    : member == "event" ? is_event(message.type())
                                        : !is_request(message.type()) && !is_event(message.type());
  if (fits) return std::nullopt;
  const std::string name(message_name(*type).value_or("that number"));
  if (is_request(message.type())) return Failure{name + " is a request: it stands under \"request\""};
  if (is_event(message.type())) return Failure{name + " is an event: it stands under \"event\""};
  return Failure{name + " is neither request nor event: it stands under \"message\""};
}

// The name is for people and must agree with the code, if both are there.
std::optional<Failure> read_error_name(Message& message, const json::object& object) {
  const auto* name = object.if_contains(kErrorName);
  if (name == nullptr) return std::nullopt;
  const auto code = read_enum(*tlib::TErrorCode_descriptor(), kErrorName, *name);
  if (!code) return code.error();
  if (message.has_errorcode() && message.errorcode() != *code) {
    return Failure{"ErrorName: expected the name of ErrorCode " + std::to_string(message.errorcode())};
  }
  message.set_errorcode(*code);
  return std::nullopt;
}

}  // namespace

json::object to_json(const Message& message, ErrorNames names) {
  json::object out;
  auto [member, name] = write_name(message);
  out.emplace(member, std::move(name));
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  out.reserve(fields.size() + 2);
  for (const FieldDescriptor* field : fields) {
    if (field->number() == Message::kTypeFieldNumber) continue;
    out.emplace(field->name(), write_attribute(message, *field));
    if (field->number() == Message::kErrorCodeFieldNumber && names == ErrorNames::Add) {
      if (const auto known = error_name(message.errorcode())) out.emplace(kErrorName, json::string_view(*known));
    }
  }
  return out;
}

std::string to_json_line(const Message& message, ErrorNames names) {
  return json::serialize(to_json(message, names));
}

Result<Message, Failure> from_json(const json::object& object) {
  Message message;
  for (const auto& [key, value] : object) {
    const std::string member(key);
    if (member == "request" || member == "event" || member == "message") {
      if (auto failure = read_name(message, member, value)) return std::move(*failure);
      continue;
    }
    if (member == kErrorName) continue;
    const auto* field = Message::descriptor()->FindFieldByName(member);
    if (field == nullptr || field->number() == Message::kTypeFieldNumber) {
      return Failure{"there is no attribute \"" + member + "\", the nearest is " +
                     std::string(nearest(member, attribute_names()))};
    }
    if (auto failure = read_attribute(message, *field, value)) return std::move(*failure);
  }
  if (auto failure = read_error_name(message, object)) return std::move(*failure);
  if (!message.has_type()) return Failure{"expected \"request\" or \"event\" with the name of a message"};
  return message;
}

Result<Message, Failure> from_json_line(std::string_view text, const JsonLimits& limits) {
  const auto value = parse_json(text, limits);
  if (!value) return value.error();
  if (!value->is_object()) return Failure{"expected an object, not " + std::string(kind_of(*value))};
  return from_json(value->get_object());
}

}  // namespace tandem::client
