#include "connector/core/treatment.h"

#include <algorithm>

namespace tandem::connector {
namespace {

using What = TreatmentStep::What;
using link::Played;

constexpr std::chrono::milliseconds kSaving{5000};  // for a recording that was told to end

bool among(const std::string& digits, char digit) {
  return digits.find(digit) != std::string::npos;
}

TreatmentStep wait(What what, std::uint32_t ms) {
  return TreatmentStep{.what = what, .time = std::chrono::milliseconds(ms)};
}

MediaPrompt spoken(const link::Prompt& prompt) {
  MediaPrompt result;
  result.language = prompt.language();
  switch (prompt.what_case()) {
    case link::Prompt::kFile:
      result.file = prompt.file();
      break;
    case link::Prompt::kRecording:
      result.file = prompt.recording();  // the media room looks in the recordings' folder as well
      break;
    case link::Prompt::kText:
      result.text = prompt.text();
      break;
    case link::Prompt::kDigits:
      for (const char digit : prompt.digits()) {
        if (!result.text.empty()) result.text += ' ';
        result.text += digit;
      }
      break;
    case link::Prompt::WHAT_NOT_SET:
      break;
  }
  return result;
}

}  // namespace

Treatment::Treatment(link::Play order) : order_(std::move(order)) {}

Sound Treatment::sound() const {
  switch (order_.source()) {
    case link::Play::MUSIC:
      return Sound::Music;
    case link::Play::RINGBACK:
      return Sound::Ringback;
    case link::Play::BUSY:
      return Sound::Busy;
    case link::Play::FAST_BUSY:
      return Sound::FastBusy;
    default:
      return Sound::Silence;
  }
}

bool Treatment::takes_digits() const {
  switch (state_) {
    case State::Prompting:
      return collects() || interruptible_;
    case State::Collecting:
    case State::Recording:
      return true;
    default:
      return false;
  }
}

Treatment::Steps Treatment::begin(std::string_view typed) {
  Steps steps;
  if (order_.source() != link::Play::PROMPTS) {
    state_ = State::Sounding;
    if (order_.duration_ms()) steps.push_back(wait(What::WaitTotal, order_.duration_ms()));
    return steps;
  }
  state_ = State::Prompting;
  go_on(steps);
  if (collects() && !order_.collect().clear_input()) {
    for (const char each : typed) {
      if (state_ != State::Prompting && state_ != State::Collecting) break;
      for (auto& step : digit(each)) steps.push_back(std::move(step));
    }
  }
  return steps;
}

// The next prompts that may be interrupted, or may not, or what comes after the last.
void Treatment::go_on(Steps& steps) {
  const auto& prompts = order_.prompts();
  if (next_ < prompts.size()) {
    first_ = next_;
    interruptible_ = prompts[next_].interruptible();
    TreatmentStep play{.what = What::Play};
    while (next_ < prompts.size() && prompts[next_].interruptible() == interruptible_)
      play.prompts.push_back(spoken(prompts[next_++]));
    steps.push_back(std::move(play));
    return;
  }
  if (order_.has_record()) {
    state_ = State::Recording;
    steps.push_back(TreatmentStep{.what = What::Record});
  } else if (!order_.has_collect()) {
    finish(Played::NORMAL, steps);
  } else {
    state_ = State::Collecting;
    if (enough_) return complete(steps);
    const auto& collect = order_.collect();
    steps.push_back(wait(What::WaitTotal, collect.total_timeout_ms()));
    steps.push_back(wait(What::WaitDigit, digits_.empty() ? collect.start_timeout_ms() : collect.digit_timeout_ms()));
  }
}

Treatment::Steps Treatment::digit(char digit) {
  Steps steps;
  if (!takes_digits()) return steps;
  if (state_ == State::Recording) {
    if (among(order_.record().terminators(), digit)) {
      last_ = digit;
      save(Played::NORMAL, steps);
    } else if (among(order_.record().abort(), digit)) {
      last_ = digit;
      save(Played::CANCELLED, steps);
    }
    return steps;
  }
  if (collects() && among(order_.collect().ignore(), digit)) return steps;
  if (state_ == State::Prompting && interruptible_) {
    interrupted_ = Played::KEYPAD;
    steps.push_back(TreatmentStep{.what = What::StopPlay});
    next_ = order_.prompts_size();
    if (!collects()) last_ = digit;
    go_on(steps);
  }
  if (collects()) take(digit, steps);
  return steps;
}

void Treatment::take(char digit, Steps& steps) {
  const auto& collect = order_.collect();
  if (enough_) return;
  if (among(collect.abort(), digit)) {
    if (state_ == State::Prompting) steps.push_back(TreatmentStep{.what = What::StopPlay});
    last_ = digit;
    return finish(Played::CANCELLED, steps);
  }
  if (among(collect.reset(), digit)) {
    digits_.clear();
  } else if (among(collect.backspace(), digit)) {
    if (!digits_.empty()) digits_.pop_back();
  } else if (among(collect.terminators(), digit)) {
    last_ = digit;
    return complete(steps);
  } else {
    digits_ += digit;
    const auto most = collect.max_digits() ? std::min<std::size_t>(collect.max_digits(), kTypedMax) : kTypedMax;
    if (digits_.size() >= most) {
      last_ = digit;
      return complete(steps);
    }
  }
  if (state_ == State::Collecting) steps.push_back(wait(What::WaitDigit, collect.digit_timeout_ms()));
}

void Treatment::complete(Steps& steps) {
  enough_ = true;
  if (state_ == State::Prompting || again(steps)) return;
  finish(Played::NORMAL, steps);
}

bool Treatment::verified() const {
  return !order_.collect().verify().empty() && digits_ == order_.collect().verify();
}

// Not what it should be: from the beginning, if there is an attempt left.
bool Treatment::again(Steps& steps) {
  const auto& collect = order_.collect();
  if (collect.verify().empty() || digits_.empty() || verified() || ++attempts_ >= collect.attempts()) return false;
  digits_.clear();
  last_.clear();
  enough_ = false;
  next_ = 0;
  state_ = State::Prompting;
  steps.push_back(wait(What::WaitDigit, 0));
  steps.push_back(wait(What::WaitTotal, 0));
  go_on(steps);
  return true;
}

Treatment::Steps Treatment::heard(bool failed, std::string text) {
  Steps steps;
  if (state_ != State::Prompting) return steps;
  if (failed) {
    finish(Played::FAILED, steps, std::move(text));
  } else {
    go_on(steps);
  }
  return steps;
}

void Treatment::save(Played::Completion completion, Steps& steps) {
  state_ = State::Saving;
  saved_as_ = completion;
  steps.push_back(TreatmentStep{.what = What::StopRecord});
  steps.push_back(TreatmentStep{.what = What::WaitTotal, .time = kSaving});
}

Treatment::Steps Treatment::recorded(const MediaRecorded& end) {
  Steps steps;
  if (state_ != State::Recording && state_ != State::Saving) return steps;
  if (end.end == MediaRecorded::End::Failed) {
    finish(Played::FAILED, steps, end.text);
  } else if (state_ == State::Saving) {
    finish(saved_as_, steps);
  } else {
    finish(end.end == MediaRecorded::End::Limit ? Played::TIMEOUT : Played::NORMAL, steps);
  }
  return steps;
}

Treatment::Steps Treatment::digit_missing() {
  Steps steps;
  if (state_ == State::Collecting && !again(steps)) finish(Played::TIMEOUT, steps);
  return steps;
}

Treatment::Steps Treatment::time_over() {
  Steps steps;
  if (state_ == State::Sounding && order_.duration_ms()) finish(Played::NORMAL, steps);
  if (state_ == State::Collecting) finish(Played::TIMEOUT, steps);
  if (state_ == State::Saving) finish(Played::FAILED, steps, "the recording wasn't closed in time");
  return steps;
}

Treatment::Steps Treatment::cancel() {
  Steps steps;
  const bool endless = state_ == State::Sounding && order_.duration_ms() == 0;
  if (state_ == State::Prompting) steps.push_back(TreatmentStep{.what = What::StopPlay});
  if (state_ == State::Recording) steps.push_back(TreatmentStep{.what = What::StopRecord});
  if (state_ == State::Over) return steps;
  if (endless) {
    state_ = State::Over;
  } else {
    finish(Played::CANCELLED, steps);
  }
  return steps;
}

void Treatment::finish(Played::Completion completion, Steps& steps, std::string text) {
  state_ = State::Over;
  TreatmentStep done{.what = What::Done};
  done.played.set_completion(completion);
  done.played.set_interrupted(interrupted_);
  done.played.set_digits(digits_);
  done.played.set_last_digit(last_);
  if (order_.has_record()) done.played.set_recording(order_.record().recording());
  done.played.set_verified(verified());
  done.played.set_text(std::move(text));
  steps.push_back(std::move(done));
}

void Treatment::save(ha::Treatment& record) const {
  *record.mutable_order() = order_;
  switch (state_) {
    case State::Prompting:
      record.set_state(ha::Treatment::PROMPTING);
      break;
    case State::Collecting:
      record.set_state(ha::Treatment::COLLECTING);
      break;
    case State::Recording:
      record.set_state(ha::Treatment::RECORDING);
      break;
    case State::Saving:
      record.set_state(ha::Treatment::SAVING);
      break;
    case State::Sounding:
    case State::Over:
      record.set_state(ha::Treatment::SOUNDING);
      break;
  }
  record.set_prompt(static_cast<std::uint32_t>(first_));
  record.set_enough(enough_);
  record.set_attempts(attempts_);
  record.set_digits(digits_);
  record.set_last_digit(last_);
  record.set_interrupted(interrupted_);
  record.set_saved_as(saved_as_);
}

Treatment Treatment::restored(const ha::Treatment& record) {
  Treatment out(record.order());
  switch (record.state()) {
    case ha::Treatment::PROMPTING:
      out.state_ = State::Prompting;
      break;
    case ha::Treatment::COLLECTING:
      out.state_ = State::Collecting;
      break;
    case ha::Treatment::RECORDING:
      out.state_ = State::Recording;
      break;
    case ha::Treatment::SAVING:
      out.state_ = State::Saving;
      break;
    default:
      out.state_ = State::Sounding;
  }
  out.next_ = static_cast<int>(std::min(record.prompt(), static_cast<std::uint32_t>(out.order_.prompts_size())));
  out.enough_ = record.enough();
  out.attempts_ = record.attempts();
  out.digits_ = record.digits();
  out.last_ = record.last_digit();
  if (Played::Interrupted_IsValid(record.interrupted())) out.interrupted_ = record.interrupted();
  if (Played::Completion_IsValid(record.saved_as())) out.saved_as_ = record.saved_as();
  return out;
}

Treatment::Steps Treatment::resume() {
  Steps steps;
  if (state_ == State::Prompting) {
    go_on(steps);
  } else if (state_ == State::Recording) {
    steps.push_back(TreatmentStep{.what = What::Record});
  } else if (state_ == State::Saving) {
    finish(saved_as_, steps);
  } else if (state_ == State::Collecting) {
    next_ = order_.prompts_size();
  }
  return steps;
}

}  // namespace tandem::connector
