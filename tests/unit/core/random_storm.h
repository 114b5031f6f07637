// A storm of inputs, from one seed: phones, media and T-Servers that do what they like, late, twice or never.
// random_storm.cpp has what comes from phones and the media room, random_orders.cpp what T-Servers order.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "random_books.h"

namespace tandem::connector::test {

class Storm {
 public:
  explicit Storm(std::uint64_t seed);
  void run(int steps);
  const Books& books() const { return books_; }

 private:
  static CoreSettings settings();

  std::uint64_t pick(std::uint64_t n) { return random_() % n; }
  bool seldom() { return pick(6) == 0; }  // what ends calls, so that some live long enough to be interesting
  template <class Container>
  auto any(const Container& container) {
    auto it = container.begin();
    std::advance(it, static_cast<std::ptrdiff_t>(pick(container.size())));
    return *it;
  }

  void give(Input input);
  void take(const Actions& actions) {
    for (const auto& action : actions) books_.take(action);
    books_.balance();
  }
  void pass(std::chrono::milliseconds time);

  void step();
  LegId some_leg();
  std::optional<std::string> description();
  SessionTimer timer();
  std::string conference();
  // The sip room says these only of legs in the right state; the core mustn't mind when it is late.
  bool calling(LegId leg) const { return books_.calls.count(leg) && !books_.up.count(leg); }
  LegId incoming_unanswered();
  void media_says();
  void phone_says();
  void watch();

  void order();
  void joins(link::Command command);
  void merges(link::Command command);
  void treatment(link::Play& play);
  void signals(link::Command& command);

  std::mt19937_64 random_;
  Books books_;
  FakeDirectory directory_;
  CountedMedia media_;
  std::unique_ptr<Machine> core_;
  Now now_{std::chrono::hours(1), {}};
  LinkNo link_ = 1;
  std::uint64_t leg_ = 0, given_ = 0, command_ = 0, subscription_ = 0;
};

}  // namespace tandem::connector::test
