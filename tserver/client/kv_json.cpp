#include "tserver/client/kv_json.h"

#include <boost/json/array.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <limits>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/base/utf8.h"
#include "tserver/client/json_text.h"

namespace tandem::client {

namespace json = boost::json;
using tlib::KVList;
using tlib::KVPair;

namespace {

constexpr std::string_view kBin = "bin";
constexpr std::string_view kType = "type";
constexpr std::string_view kUnicode = "unicode";
constexpr std::string_view kRepeated = "[]";

bool reserved(std::string_view key) {
  return key == kBin || key == kUnicode;
}

json::object write_list(const KVList& list, bool nested);

json::value write_value(const KVPair& pair) {
  switch (pair.Value_case()) {
    case KVPair::kStr:
      if (is_utf8(pair.str())) return json::value(pair.str());
      return json::object{{kBin, to_base64(pair.str())}, {kType, "string"}};
    case KVPair::kInt:
      return json::value(pair.int_());
    case KVPair::kBin:
      return json::object{{kBin, to_base64(pair.bin())}};
    case KVPair::kUnicode:
      return json::object{{kUnicode, as_utf8(pair.unicode())}};
    case KVPair::kList:
      return write_list(pair.list(), true);
    case KVPair::VALUE_NOT_SET:
      break;
  }
  return json::value("");
}

json::object write_list(const KVList& list, bool nested) {
  json::object out;
  out.reserve(static_cast<std::size_t>(list.pairs_size()));
  std::unordered_map<std::string_view, std::size_t> count;
  for (const KVPair& pair : list.pairs()) ++count[pair.key()];
  for (const KVPair& pair : list.pairs()) {
    const std::string& key = pair.key();
    if (count[key] == 1 && !key.ends_with(kRepeated) && !(nested && reserved(key))) {
      out.emplace(as_utf8(key), write_value(pair));
    } else {
      json::value& values = out[as_utf8(key) + std::string(kRepeated)];
      if (!values.is_array()) values.emplace_array();
      values.get_array().push_back(write_value(pair));
    }
  }
  return out;
}

Failure wrong(const std::string& path, const json::value& value, std::string_view expected) {
  return Failure{path + ": expected " + std::string(expected) + ", not " + std::string(kind_of(value))};
}

Result<KVPair, Failure> read_value(const json::value& value, const std::string& path);

// {"bin": ...} and {"unicode": ...}
Result<KVPair, Failure> read_typed(const json::object& object, const std::string& path) {
  KVPair pair;
  if (const auto* unicode = object.if_contains(kUnicode)) {
    if (object.size() != 1 || !unicode->is_string()) {
      return Failure{path +
                     R"(: expected {"unicode": text} and nothing else; a nested key "unicode" is written "unicode[]")"};
    }
    pair.set_unicode(std::string(unicode->get_string()));
    return pair;
  }
  const auto* bin = object.if_contains(kBin);
  const auto* type = object.if_contains(kType);
  const bool is_text = type != nullptr && type->is_string() && type->get_string() == "string";
  if (!bin->is_string() || object.size() != (is_text ? 2U : 1U)) {
    return Failure{path + R"(: expected {"bin": base64} and nothing else; a nested key "bin" is written "bin[]")"};
  }
  auto bytes = from_base64(bin->get_string());
  if (!bytes) return Failure{path + ".bin: expected base64 with padding"};
  if (is_text) {
    pair.set_str(std::move(*bytes));
  } else {
    pair.set_bin(std::move(*bytes));
  }
  return pair;
}

Result<KVPair, Failure> read_value(const json::value& value, const std::string& path) {
  KVPair pair;
  switch (value.kind()) {
    case json::kind::string:
      pair.set_str(value.get_string().data(), value.get_string().size());
      return pair;
    case json::kind::int64:
      if (value.get_int64() < std::numeric_limits<std::int32_t>::min() ||
          value.get_int64() > std::numeric_limits<std::int32_t>::max()) {
        return Failure{path + ": expected a whole number of 32 bits, not " + std::to_string(value.get_int64())};
      }
      pair.set_int_(static_cast<std::int32_t>(value.get_int64()));
      return pair;
    case json::kind::object: {
      const json::object& object = value.get_object();
      if (object.contains(kBin) || object.contains(kUnicode)) return read_typed(object, path);
      auto list = kv_from_json(object, path);
      if (!list) return list.error();
      *pair.mutable_list() = std::move(*list);
      return pair;
    }
    default:
      return wrong(path, value, "a string, a whole number of 32 bits or an object");
  }
}

}  // namespace

json::object kv_to_json(const KVList& list) {
  return write_list(list, false);
}

Result<KVList, Failure> kv_from_json(const json::object& object, const std::string& path) {
  KVList list;
  for (const auto& [name, value] : object) {
    const std::string member(name);
    const std::string here = path + "." + member;
    if (!member.ends_with(kRepeated)) {
      auto pair = read_value(value, here);
      if (!pair) return pair.error();
      pair->set_key(member);
      *list.add_pairs() = std::move(*pair);
      continue;
    }
    if (!value.is_array()) return wrong(here, value, "an array, the values of the repeated key");
    for (std::size_t i = 0; i < value.get_array().size(); ++i) {
      auto pair = read_value(value.get_array()[i], here + "[" + std::to_string(i) + "]");
      if (!pair) return pair.error();
      pair->set_key(member.substr(0, member.size() - kRepeated.size()));
      *list.add_pairs() = std::move(*pair);
    }
  }
  return list;
}

}  // namespace tandem::client
