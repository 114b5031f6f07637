// A list of questions to one T-Server: one session, each question answered or refused, and the end.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tserver/client/client.h"

namespace tandem::client {

class Inquiry {
 public:
  struct Outcome {
    std::string failure;                 // why the server gave no answers; empty: it did
    std::vector<tlib::Message> answers;  // one for each question, in their order; perhaps an EventError
  };
  using Done = std::function<void(Outcome)>;

  // `patience` is for each step: the session, and each next answer. `done` is called once, never from here.
  Inquiry(net::EventLoop& loop, ClientOptions options, std::vector<tlib::Message> questions,
          std::chrono::milliseconds patience, Done done);

 private:
  void on_event(const tlib::Message& event);
  void ask();
  void end(std::string failure);
  void be_patient();

  std::vector<tlib::Message> questions_;
  const std::chrono::milliseconds patience_;
  Done done_;
  Outcome outcome_;
  std::size_t asked_ = 0;
  std::size_t answered_ = 0;
  std::map<std::int32_t, std::size_t> under_way_;  // ReferenceID -> question
  std::string trouble_;
  net::EventLoop& loop_;
  net::Timer timer_;
  Client client_;
};

}  // namespace tandem::client
