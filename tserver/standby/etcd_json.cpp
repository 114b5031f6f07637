#include "tserver/standby/etcd_json.h"

#include <boost/json.hpp>
#include <charconv>
#include <optional>

namespace tandem::tserver::etcd {
namespace {

namespace json = boost::json;

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64(std::string_view bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    const std::size_t size = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < size ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) text += k <= size ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

// What is no base64 ends it.
std::string plain(std::string_view text) {
  std::string bytes;
  std::uint32_t group = 0;
  int bits = 0;
  for (const char c : text) {
    const std::size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) break;
    group = group << 6 | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(group >> bits & 255);
  }
  return bytes;
}

const json::value* at(const json::value* value, std::string_view name) {
  return value != nullptr && value->is_object() ? value->get_object().if_contains(name) : nullptr;
}

// Zeros are left out by the gateway.
std::uint64_t number(const json::value* value) {
  if (value == nullptr) return 0;
  if (value->is_uint64()) return value->get_uint64();
  if (value->is_int64()) return static_cast<std::uint64_t>(value->get_int64());
  std::uint64_t result = 0;
  if (value->is_string()) std::from_chars(value->get_string().begin(), value->get_string().end(), result);
  return result;
}

std::string_view text(const json::value* value) {
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

Result<json::value, Failure> parse(std::string_view body) {
  boost::system::error_code error;
  json::value value = json::parse(body, error);
  if (error || !value.is_object()) return Failure{"etcd's answer is no JSON object"};
  return {boost::system::in_place_value, std::move(value)};
}

std::uint64_t revision_of(const json::value& answer) {
  return number(at(at(&answer, "header"), "revision"));
}

json::object compare(const std::string& key, std::string_view target, std::string_view field, std::uint64_t value) {
  return {{"key", base64(key)}, {"target", target}, {"result", "EQUAL"}, {field, std::to_string(value)}};
}

}  // namespace

Post look(const Keys& keys) {
  std::string end = keys.folder;
  ++end.back();  // all keys that begin with the folder
  return {"/v3/kv/range", json::serialize(json::object{{"key", base64(keys.folder)}, {"range_end", base64(end)}})};
}

Post grant(std::uint64_t ttl_seconds) {
  return {"/v3/lease/grant", json::serialize(json::object{{"TTL", std::to_string(ttl_seconds)}})};
}

Post take(const Keys& keys, const Taking& taking) {
  const auto put = [](const std::string& key, const std::string& value, std::uint64_t lease) {
    return json::object{
        {"request_put",
         json::object{{"key", base64(key)}, {"value", base64(value)}, {"lease", std::to_string(lease)}}}};
  };
  const json::object body{{"compare", json::array{compare(keys.role(), "CREATE", "create_revision", 0),
                                                  compare(keys.base(), "MOD", "mod_revision", taking.base_changed)}},
                          {"success", json::array{put(keys.role(), taking.holder, taking.lease),
                                                  put(keys.base(), std::to_string(taking.base), 0)}}};
  return {"/v3/kv/txn", json::serialize(body)};
}

Post keep(std::uint64_t lease) {
  return {"/v3/lease/keepalive", json::serialize(json::object{{"ID", std::to_string(lease)}})};
}

Post revoke(std::uint64_t lease) {
  return {"/v3/lease/revoke", json::serialize(json::object{{"ID", std::to_string(lease)}})};
}

Result<Seen, Failure> read_look(const Keys& keys, std::string_view body) {
  const auto answer = parse(body);
  if (!answer) return answer.error();
  Seen seen;
  seen.revision = revision_of(*answer);
  if (seen.revision == 0) return Failure{"etcd's answer names no revision"};
  const json::value* found = at(&*answer, "kvs");
  if (found == nullptr || !found->is_array()) return seen;
  for (const json::value& one : found->get_array()) {
    const std::string key = plain(text(at(&one, "key")));
    const std::string value = plain(text(at(&one, "value")));
    if (key == keys.role()) {
      seen.holder = value.empty() ? "somebody" : value;
      seen.lease = number(at(&one, "lease"));
      seen.created = number(at(&one, "create_revision"));
    } else if (key == keys.base()) {
      std::from_chars(value.data(), value.data() + value.size(), seen.base);
      seen.base_changed = number(at(&one, "mod_revision"));
    }
  }
  return seen;
}

Result<Lease, Failure> read_grant(std::string_view body) {
  const auto answer = parse(body);
  if (!answer) return answer.error();
  const Lease lease{number(at(&*answer, "ID")), number(at(&*answer, "TTL"))};
  if (lease.id == 0 || lease.ttl_seconds == 0) return Failure{"etcd's answer names no lease"};
  return lease;
}

Result<Taken, Failure> read_take(std::string_view body) {
  const auto answer = parse(body);
  if (!answer) return answer.error();
  const json::value* done = at(&*answer, "succeeded");
  const Taken taken{done != nullptr && done->is_bool() && done->get_bool(), revision_of(*answer)};
  if (taken.revision == 0) return Failure{"etcd's answer names no revision"};
  return taken;
}

// A stream of one answer: {"result": {...}}, or {"error": {...}}.
Result<Lease, Failure> read_keep(std::string_view body) {
  const auto answer = parse(body);
  if (!answer) return answer.error();
  const json::value* result = at(&*answer, "result");
  const Lease lease{number(at(result, "ID")), number(at(result, "TTL"))};
  if (lease.id == 0) return Failure{read_error(200, body)};
  return lease;
}

std::string read_error(std::uint32_t status, std::string_view body) {
  const auto answer = parse(body);
  std::string_view what;
  if (answer) {
    what = text(at(&*answer, "message"));
    if (what.empty()) what = text(at(at(&*answer, "error"), "message"));
    if (what.empty()) what = text(at(&*answer, "error"));
  }
  constexpr std::size_t kLongest = 200;
  return what.empty() ? "answer " + std::to_string(status) : std::string(what.substr(0, kLongest));
}

}  // namespace tandem::tserver::etcd
