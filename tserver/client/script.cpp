#include "tserver/client/script.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <utility>

#include "tserver/client/json.h"
#include "tserver/client/json_text.h"
#include "tserver/client/names.h"

namespace tandem::client {

namespace json = boost::json;

namespace {

constexpr std::size_t kEventsKept = 10000;  // older ones are forgotten
constexpr double kDefaultWait = 10;         // seconds
constexpr double kLongestWait = 86400;

// Everything asked for is there.
bool fits(const json::value& wanted, const json::value& found) {
  if (!wanted.is_object()) return wanted == found;
  if (!found.is_object()) return false;
  return std::ranges::all_of(wanted.get_object(), [&](const auto& member) {
    const json::value* value = found.get_object().if_contains(member.key());
    return value != nullptr && fits(member.value(), *value);
  });
}

const json::value* lookup(const json::object& variables, std::string_view path) {
  const json::object* scope = &variables;
  for (;;) {
    // A key may hold points itself: the whole rest of the path is tried first.
    if (const json::value* value = scope->if_contains(path)) return value;
    const auto point = path.find('.');
    if (point == std::string_view::npos) return nullptr;
    const json::value* value = scope->if_contains(path.substr(0, point));
    if (value == nullptr || !value->is_object()) return nullptr;
    scope = &value->get_object();
    path.remove_prefix(point + 1);
  }
}

std::string as_text(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

// Replaces each ${path}.
std::optional<Failure> fill_in(json::value& value, const json::object& last, const json::object& named) {
  if (auto* object = value.if_object()) {
    for (auto& member : *object) {
      if (auto failure = fill_in(member.value(), last, named)) return failure;
    }
  } else if (auto* array = value.if_array()) {
    for (auto& entry : *array) {
      if (auto failure = fill_in(entry, last, named)) return failure;
    }
  } else if (const auto* string = value.if_string()) {
    const std::string text(*string);
    std::string filled;
    std::size_t at = 0;
    for (;;) {
      const auto begin = text.find("${", at);
      const auto end = begin == std::string::npos ? begin : text.find('}', begin);
      if (end == std::string::npos) break;
      const std::string path = text.substr(begin + 2, end - begin - 2);
      const json::value* found = lookup(last, path);
      if (found == nullptr) found = lookup(named, path);
      if (found == nullptr) return Failure{"there is no ${" + path + "}: no wait before has taken an event with it"};
      if (begin == 0 && end + 1 == text.size()) {
        value = json::value(*found);
        return std::nullopt;
      }
      filled.append(text, at, begin - at).append(as_text(*found));
      at = end + 1;
    }
    if (at > 0) value = json::value(filled + text.substr(at));
  }
  return std::nullopt;
}

std::optional<std::chrono::milliseconds> seconds(const json::value& value) {
  boost::system::error_code ec;
  const auto number = value.to_number<double>(ec);
  if (ec || !(number >= 0) || number > kLongestWait) return std::nullopt;
  return std::chrono::milliseconds(std::llround(number * 1000));
}

}  // namespace

void Script::set(const std::string& name, std::string_view value) {
  named_[name] = json::string_view(value);
}

Failure Script::at_line(const std::string& text) const {
  return Failure{"line " + std::to_string(line_number_) + ": " + text};
}

Result<Script::Step, Failure> Script::next() {
  for (;;) {
    if (waiting_) {
      if (!match()) return Step{Wait{line_number_, waiting_->time}};
      waiting_.reset();
    }
    if (lines_.empty()) return Step{NoLine{}};
    std::string line = std::move(lines_.front());
    lines_.pop_front();
    ++line_number_;
    const auto text = line.find_first_not_of(" \t\r");
    if (text == std::string::npos || line[text] == '#') continue;
    auto value = parse_json(line);
    if (!value) return at_line(value.error().text);
    if (!value->is_object()) return at_line("expected an object, not " + std::string(kind_of(*value)));
    if (auto failure = fill_in(*value, last_, named_)) return at_line(failure->text);
    auto step = take(value->get_object());
    if (!step) return at_line(step.error().text);
    if (!std::holds_alternative<NoLine>(*step)) return step;
  }
}

// NoLine: the line is done, or waits now.
Result<Script::Step, Failure> Script::take(const json::object& line) {
  if (line.contains("wait")) return take_wait(line);
  if (const json::value* time = line.if_contains("sleep")) {
    const auto length = seconds(*time);
    if (line.size() != 1 || !length) return Failure{R"(expected {"sleep": seconds})"};
    return Step{Sleep{*length}};
  }
  if (const json::value* forget = line.if_contains("forget")) {
    if (line.size() != 1 || *forget != json::value(true)) return Failure{R"(expected {"forget": true})"};
    events_.clear();
    return Step{NoLine{}};
  }
  auto message = from_json(line);
  if (!message) return message.error();
  if (!is_request(message->type())) return Failure{R"(expected a "request", a "wait", a "sleep" or a "forget")"};
  return Step{Send{std::move(*message)}};
}

Result<Script::Step, Failure> Script::take_wait(json::object line) {
  Pattern pattern;
  const json::value event = line["wait"];
  json::value timeout(kDefaultWait);
  if (const json::value* given = line.if_contains("timeout")) timeout = *given;
  const auto time = seconds(timeout);
  if (!time) return Failure{"timeout: expected seconds"};
  pattern.time = *time;
  if (const json::value* name = line.if_contains("as")) {
    if (!name->is_string() || name->get_string().empty()) return Failure{"as: expected a name"};
    pattern.name = std::string(name->get_string());
  }
  for (const char* directive : {"wait", "timeout", "as"}) line.erase(directive);
  line["event"] = event;
  auto message = from_json(line);  // checks names and values, and brings them to the form events have
  if (!message) return message.error();
  pattern.attributes = to_json(*message);
  waiting_ = std::move(pattern);
  return Step{NoLine{}};
}

bool Script::match() {
  const auto found = std::ranges::find_if(events_, [&](const json::object& event) {
    return std::ranges::all_of(waiting_->attributes, [&](const auto& member) {
      const json::value* value = event.if_contains(member.key());
      return value != nullptr && fits(member.value(), *value);
    });
  });
  if (found == events_.end()) return false;
  last_ = std::move(*found);
  events_.erase(found);
  if (!waiting_->name.empty()) named_[waiting_->name] = last_;
  return true;
}

void Script::sent(std::int32_t reference_id) {
  named_["sent"] = json::object{{"ReferenceID", reference_id}};
}

void Script::seen(const tlib::Message& event) {
  if (events_.size() == kEventsKept) events_.pop_front();
  events_.push_back(to_json(event));
}

Failure Script::timed_out() {
  Failure failure = at_line("waited " + std::to_string(waiting_->time.count()) + " ms in vain for " +
                            json::serialize(waiting_->attributes));
  waiting_.reset();
  return failure;
}

}  // namespace tandem::client
