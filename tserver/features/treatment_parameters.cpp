#include "tserver/features/treatment_parameters.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "common/base/utf8.h"
#include "tserver/model/kv.h"

namespace tandem::tserver {
namespace {

constexpr std::int32_t kMaxSeconds = 86400;
constexpr std::int32_t kMaxDigits = 256;
constexpr std::int32_t kMaxAttempts = 10;
constexpr std::size_t kMaxPrompts = 64;
constexpr std::size_t kMaxText = 4000;
constexpr std::size_t kMaxId = 128;

// Reads parameters and remembers the first that can't be.
class Reader {
 public:
  Reader(const tlib::KVList& list, tlib::TErrorCode code) : list_(list), code_(code) {}

  const std::optional<Refusal>& wrong() const { return wrong_; }
  void complain(std::string text) {
    if (!wrong_) wrong_ = refusal(code_, std::move(text));
  }
  bool has(std::string_view key) const { return kv_find(list_, key) != nullptr; }

  // Text, or a number as text; empty if it isn't there.
  std::string text(std::string_view key, std::size_t limit) {
    const tlib::KVPair* pair = kv_find(list_, key);
    if (pair == nullptr) return {};
    std::string value;
    if (pair->has_int_()) {
      value = std::to_string(pair->int_());
    } else if (pair->has_str()) {
      value = pair->str();
    } else if (pair->has_unicode()) {
      value = pair->unicode();
    } else {
      complain(std::string(key) + " is no text");
    }
    if (value.size() > limit) complain(std::string(key) + " is too long");
    if (!is_utf8(value)) {  // what is spoken goes to the Connector as text of protobuf
      complain(std::string(key) + " is not UTF-8");
      value.clear();
    }
    return value;
  }
  // The id of a file: no way out of the folder where it is looked for.
  std::string id(std::string_view key) {
    std::string value = text(key, kMaxId);
    const bool plain = std::all_of(value.begin(), value.end(),
                                   [](char c) { return static_cast<unsigned char>(c) > ' ' && c != '/' && c != '\\'; });
    if (!plain || value.starts_with('.')) complain(std::string(key) + " is no file id");
    return value;
  }
  std::string digits(std::string_view key, std::size_t limit = kMaxDigits) {
    std::string value = text(key, limit);
    if (value.find_first_not_of("0123456789*#ABCDabcd") != std::string::npos)
      complain(std::string(key) + " has something else than digits");
    return value;
  }
  std::uint32_t number(std::string_view key, std::int32_t limit) {
    if (!has(key)) return 0;
    const auto value = kv_integer(list_, key);
    if (!value || *value < 0 || *value > limit) {
      complain(std::string(key) + " is no number from 0 to " + std::to_string(limit));
      return 0;
    }
    return static_cast<std::uint32_t>(*value);
  }
  std::uint32_t seconds_as_ms(std::string_view key) { return number(key, kMaxSeconds) * 1000; }
  bool flag(std::string_view key) {
    if (!has(key)) return false;
    const auto value = kv_flag(list_, key);
    if (!value) complain(std::string(key) + " is neither 0 nor 1");
    return value.value_or(false);
  }

 private:
  const tlib::KVList& list_;
  tlib::TErrorCode code_;
  std::optional<Refusal> wrong_;
};

void read_prompt(Reader& outer, const tlib::KVList& list, const std::string& language, link::Prompt& prompt) {
  Reader in(list, tlib::TERR_BAD_PARAM);
  int kinds = 0;
  for (const char* key : {"ID", "TEXT", "DIGITS", "USER_ANN_ID"}) kinds += in.has(key);
  if (kinds != 1) outer.complain("a prompt has one of ID, TEXT, DIGITS, USER_ANN_ID");
  if (in.has("ID")) {
    prompt.set_file(in.id("ID"));
  } else if (in.has("TEXT")) {
    prompt.set_text(in.text("TEXT", kMaxText));
  } else if (in.has("DIGITS")) {
    prompt.set_digits(in.digits("DIGITS"));
  } else if (in.has("USER_ANN_ID")) {
    prompt.set_recording(in.id("USER_ANN_ID"));
  }
  prompt.set_interruptible(in.flag("INTERRUPTABLE"));
  prompt.set_language(language);
  if (in.wrong()) outer.complain(in.wrong()->text);
}

void read_prompts(Reader& in, const tlib::KVList& parameters, link::Play& play) {
  const tlib::KVPair* prompts = kv_find(parameters, "PROMPT");
  if (prompts == nullptr) return;
  if (!prompts->has_list()) return in.complain("PROMPT is no list");
  const std::string language = in.text("LANGUAGE", kMaxId);
  std::map<int, const tlib::KVList*> in_order;
  for (const tlib::KVPair& pair : prompts->list().pairs()) {
    int number = 0;
    const std::string& key = pair.key();
    const auto read = std::from_chars(key.data(), key.data() + key.size(), number);
    if (read.ec != std::errc{} || read.ptr != key.data() + key.size() || number < 1 || !pair.has_list())
      return in.complain("PROMPT has numbered lists");
    if (!in_order.emplace(number, &pair.list()).second) return in.complain("PROMPT has a number twice");
  }
  if (in_order.size() > kMaxPrompts) return in.complain("PROMPT has too many prompts");
  for (const auto& [number, list] : in_order) read_prompt(in, *list, language, *play.add_prompts());
}

void read_collect(Reader& in, link::Collect& collect) {
  collect.set_max_digits(in.number("MAX_DIGITS", kMaxDigits));
  collect.set_terminators(in.digits("TERM_DIGITS"));
  collect.set_backspace(in.digits("BACKSPACE_DIGITS"));
  collect.set_reset(in.digits("RESET_DIGITS"));
  collect.set_abort(in.digits("ABORT_DIGITS"));
  collect.set_ignore(in.digits("IGNORE_DIGITS"));
  collect.set_start_timeout_ms(in.seconds_as_ms("START_TIMEOUT"));
  collect.set_digit_timeout_ms(in.seconds_as_ms("DIGIT_TIMEOUT"));
  collect.set_total_timeout_ms(in.seconds_as_ms("TOTAL_TIMEOUT"));
  collect.set_clear_input(in.flag("CLEAR_INPUT"));
  collect.set_verify(in.digits("VERIFY_DIGITS"));
  collect.set_attempts(in.number("ATTEMPTS", kMaxAttempts));
  // Without any end, the first digit is one.
  const bool bounded = collect.max_digits() > 0 || !collect.terminators().empty() || collect.digit_timeout_ms() > 0 ||
                       collect.total_timeout_ms() > 0;
  if (!bounded) collect.set_max_digits(1);
}

void read_record(Reader& in, link::Record& record) {
  record.set_recording(in.id("USER_ANN_ID"));
  record.set_user_id(in.text("USER_ID", kMaxId));
  record.set_max_ms(in.seconds_as_ms("TOTAL_TIMEOUT"));
  record.set_silence_ms(in.seconds_as_ms("START_TIMEOUT"));
  record.set_terminators(in.digits("TERM_DIGITS"));
  record.set_abort(in.digits("ABORT_DIGITS"));
}

std::optional<link::Play::Source> sound(tlib::TTreatmentType type) {
  switch (type) {
    case tlib::TreatmentSilence:
      return link::Play::SILENCE;
    case tlib::TreatmentMusic:
      return link::Play::MUSIC;
    case tlib::TreatmentRingBack:
      return link::Play::RINGBACK;
    case tlib::TreatmentBusy:
      return link::Play::BUSY;
    case tlib::TreatmentFastBusy:
      return link::Play::FAST_BUSY;
    default:
      return std::nullopt;
  }
}

}  // namespace

bool treatment_served(tlib::TTreatmentType type) {
  switch (type) {
    case tlib::TreatmentCollectDigits:
    case tlib::TreatmentPlayAnnouncement:
    case tlib::TreatmentPlayAnnouncementAndDigits:
    case tlib::TreatmentVerifyDigits:
    case tlib::TreatmentRecordUserAnnouncement:
    case tlib::TreatmentPlayApplication:
    case tlib::TreatmentTextToSpeech:
    case tlib::TreatmentTextToSpeechAndDigits:
      return true;
    default:
      return sound(type).has_value();
  }
}

bool treatment_ends(const link::Play& play) {
  return play.source() == link::Play::PROMPTS || play.duration_ms() > 0;
}

Result<link::Play, Refusal> play_of(tlib::TTreatmentType type, const tlib::KVList& parameters) {
  link::Play play;
  if (const auto source = sound(type)) {
    Reader in(parameters, tlib::TERR_INV_TONE_TREATMENT);
    play.set_source(*source);
    play.set_duration_ms(in.seconds_as_ms("DURATION"));
    if (type == tlib::TreatmentMusic) play.set_file(in.id("MUSIC_DN"));
    if (in.wrong()) return *in.wrong();
    return play;
  }
  Reader in(parameters, tlib::TERR_BAD_PARAM);
  play.set_source(link::Play::PROMPTS);
  read_prompts(in, parameters, play);
  const bool collects = type == tlib::TreatmentCollectDigits || type == tlib::TreatmentPlayAnnouncementAndDigits ||
                        type == tlib::TreatmentTextToSpeechAndDigits || type == tlib::TreatmentVerifyDigits;
  if (collects) read_collect(in, *play.mutable_collect());
  if (type == tlib::TreatmentRecordUserAnnouncement) read_record(in, *play.mutable_record());
  if (play.prompts_size() == 0 && type != tlib::TreatmentCollectDigits && type != tlib::TreatmentVerifyDigits &&
      type != tlib::TreatmentRecordUserAnnouncement) {
    in.complain("PROMPT is missing");
  }
  if (type == tlib::TreatmentVerifyDigits && play.collect().verify().empty()) in.complain("VERIFY_DIGITS is missing");
  if (in.wrong()) return *in.wrong();
  return play;
}

}  // namespace tandem::tserver
