// A treatment (link command Play) as a small machine of its own: prompts one after the other, digits with all that may
// end them, attempts to verify, a recording. Pure: it is told what happened and says what to do next.
//
//   Prompting --all heard, or a digit interrupts--> Collecting --enough, terminator, time--> Over
//       ^                                               |      `--> Recording --> Saving --> Over
//       `--------- not what it should be, once more ----'
//
// A sound (music, tones, silence) just lasts, for its duration or without an end.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "connector/core/machine.h"
#include "proto/ha.pb.h"

namespace tandem::connector {

inline constexpr std::size_t kTypedMax = 128;  // digits of one treatment

struct TreatmentStep {
  enum class What {
    Play,        // `prompts`; answered by heard()
    StopPlay,    // the prompts end here
    Record,      // as ordered; answered by recorded()
    StopRecord,  // its recorded() still comes
    WaitDigit,   // `time` from now, in place of what was waited before; 0: no longer. Answered by digit_missing()
    WaitTotal,   // the same; answered by time_over()
    Done         // over: `played`; no wait stands any more
  } what;
  std::vector<MediaPrompt> prompts;
  std::chrono::milliseconds time{0};
  link::Played played;
};

class Treatment {
 public:
  using Steps = std::vector<TreatmentStep>;

  explicit Treatment(link::Play order);

  // `typed`: digits pressed before it, which count unless the order says otherwise.
  Steps begin(std::string_view typed);
  Steps digit(char digit);
  Steps heard(bool failed, std::string text);
  Steps recorded(const MediaRecorded& end);
  Steps digit_missing();
  Steps time_over();
  // Replaced, stopped or left: what still has to be stopped, and Done as CANCELLED if it had an end.
  Steps cancel();

  // What survives, and a treatment made of it. resume() says what has to be done again: prompts begin anew with the
  // first of those that played, a recording begins anew, waits are the owner's.
  void save(ha::Treatment& record) const;
  static Treatment restored(const ha::Treatment& record);
  Steps resume();

  // Would a digit now mean something to it?
  bool takes_digits() const;
  bool collects() const { return order_.has_collect() && !order_.has_record(); }
  const link::Play& order() const { return order_; }
  // What is heard besides prompts.
  Sound sound() const;

 private:
  enum class State { Sounding, Prompting, Collecting, Recording, Saving, Over };

  void go_on(Steps& steps);
  void take(char digit, Steps& steps);
  void complete(Steps& steps);
  bool again(Steps& steps);
  bool verified() const;
  void save(link::Played::Completion completion, Steps& steps);
  void finish(link::Played::Completion completion, Steps& steps, std::string text = {});

  link::Play order_;
  State state_ = State::Sounding;
  int next_ = 0;                // prompt to be played next
  int first_ = 0;               // of those that play
  bool interruptible_ = false;  // those that play now
  bool enough_ = false;         // digits are complete, prompts that can't be interrupted still play
  std::uint32_t attempts_ = 0;  // that failed
  std::string digits_, last_;
  link::Played::Interrupted interrupted_ = link::Played::NO;
  link::Played::Completion saved_as_ = link::Played::NORMAL;
};

}  // namespace tandem::connector
