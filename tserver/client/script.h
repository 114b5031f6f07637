// Lines that `tlib` is given: requests to send and directives for tests and demonstrations. Pure: the program feeds
// lines, events and the end of waits, and does what next() says.
//
//     {"request":"RequestMakeCall","ThisDN":"sip:alice@tandem.test","OtherDN":"sip:bob@tandem.test"}
//     {"wait":"EventEstablished","ThisDN":"sip:bob@tandem.test","timeout":10,"as":"call"}
//     {"request":"RequestReleaseCall","ThisDN":"sip:bob@tandem.test","ConnID":"${call.ConnID}"}
//     {"sleep":0.5}
//     {"forget":true}
//
// Empty lines and lines that begin with # are passed over. A wait takes the earliest event that fits and that no wait
// has taken before, also one that came earlier than the wait; "forget" drops what came so far. All attributes given
// must be equal; of a KVList only the keys given. `${Attribute}` in any string stands for an attribute of the event
// taken last,
// `${name.Attribute}` of the event taken by the wait with "as":name, `${sent.ReferenceID}` for the last request's; a
// string that is nothing but one `${...}` takes the value's kind. KVLists are reached by further points:
// `${UserData.case}`.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/base/result.h"
#include "proto/tlib.pb.h"

namespace tandem::client {

class Script {
 public:
  struct Send {
    tlib::Message request;
  };
  struct Sleep {
    std::chrono::milliseconds time;
  };
  // No event fits yet. The time counts from the first answer of this kind to the same line, whose number stands here.
  struct Wait {
    std::size_t line;
    std::chrono::milliseconds time;
  };
  struct NoLine {};
  using Step = std::variant<Send, Sleep, Wait, NoLine>;

  void add_line(std::string line) { lines_.push_back(std::move(line)); }
  std::size_t lines_waiting() const { return lines_.size(); }
  // A value for `${name}`.
  void set(const std::string& name, std::string_view value);

  // Takes the next line and says what to do; a line that waits is taken when an event fits. A Failure names the line;
  // the script may go on with the next one.
  Result<Step, Failure> next();

  void sent(std::int32_t reference_id);
  void seen(const tlib::Message& event);
  // The time of the line that waits is over: says what has not come, and drops the line.
  Failure timed_out();

 private:
  struct Pattern {
    boost::json::object attributes;
    std::chrono::milliseconds time;
    std::string name;
  };

  Result<Step, Failure> take(const boost::json::object& line);
  Result<Step, Failure> take_wait(boost::json::object line);
  bool match();
  Failure at_line(const std::string& text) const;

  std::deque<std::string> lines_;
  std::size_t line_number_ = 0;
  std::optional<Pattern> waiting_;
  std::deque<boost::json::object> events_;  // not taken by a wait, newest last
  boost::json::object last_;                // the event taken last
  boost::json::object named_;               // what set(), sent() and "as" have named
};

}  // namespace tandem::client
