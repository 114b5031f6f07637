#include "tserver/client/inquiry.h"

#include <utility>

namespace tandem::client {

namespace {

constexpr std::size_t kUnderWay = 50;  // questions at once

}  // namespace

Inquiry::Inquiry(net::EventLoop& loop, ClientOptions options, std::vector<tlib::Message> questions,
                 std::chrono::milliseconds patience, Done done)
    : questions_(std::move(questions)),
      patience_(patience),
      done_(std::move(done)),
      loop_(loop),
      timer_(loop),
      client_(
          loop, std::move(options), [this](const tlib::Message& event) { on_event(event); },
          [this](const std::string& line) { end(line); }) {
  outcome_.answers.resize(questions_.size());
  be_patient();
  client_.open();
}

void Inquiry::be_patient() {
  timer_.start_in(patience_, [this] { end("no answer within " + std::to_string(patience_.count()) + " ms"); });
}

void Inquiry::on_event(const tlib::Message& event) {
  if (!done_) return;
  if (event.type() == tlib::EventServerConnected) return ask();
  if (event.type() == tlib::EventServerDisconnected) return end("connection lost: " + event.errormessage());
  const auto question = under_way_.find(event.referenceid());
  if (question == under_way_.end()) return;
  outcome_.answers[question->second] = event;
  under_way_.erase(question);
  ++answered_;
  be_patient();
  ask();
}

void Inquiry::ask() {
  while (asked_ < questions_.size() && under_way_.size() < kUnderWay) {
    under_way_[client_.send(questions_[asked_])] = asked_;
    ++asked_;
  }
  if (answered_ == questions_.size()) end({});
}

void Inquiry::end(std::string failure) {
  if (!done_) return;
  outcome_.failure = std::move(failure);
  timer_.cancel();
  client_.close();
  loop_.post([done = std::exchange(done_, nullptr), outcome = std::move(outcome_)] { done(outcome); });
}

}  // namespace tandem::client
