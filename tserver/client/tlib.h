// The program `tlib`: a session, lines in, events out. One owner, one loop.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tserver/client/client.h"
#include "tserver/client/line_reader.h"
#include "tserver/client/routes.h"
#include "tserver/client/script.h"
#include "tserver/client/tlib_options.h"

namespace tandem::client {

// Where lines come from and go to.
struct TlibStreams {
  int input = 0;  // file descriptor
  std::function<void(const std::string& line)> output;
  std::function<void(const std::string& line)> complaints;
  bool fatal = true;  // a wrong line ends the program; at a terminal it need not
};

class Tlib {
 public:
  Tlib(net::EventLoop& loop, TlibOptions options, net::TlsContextPtr tls, Routes routes, TlibStreams streams);

  void start();
  void stop();
  int exit_code() const { return exit_code_; }

 private:
  void on_event(const tlib::Message& event);
  void on_answer(const tlib::Message& event);
  void register_all();
  void begin_lines();

  void on_line(std::string line);
  void on_input_end(const std::string& failure);
  void run();
  void wait(const Script::Wait& wait);
  void wrong_line(const Failure& failure);
  void send(tlib::Message request);

  void come_to_end();
  void finish(int exit_code);
  void fail(const std::string& line);
  void complain(const std::string& line) { streams_.complaints(line); }
  void print(const tlib::Message& event);

  net::EventLoop& loop_;
  const TlibOptions options_;
  const TlibStreams streams_;
  Client client_;
  Routes routes_;
  Script script_;
  LineReader input_;
  net::Timer connect_timer_;  // until there is a session
  net::Timer script_timer_;   // a wait or a sleep of the script
  net::Timer end_timer_;      // after the last line
  std::vector<std::string> registrations_;
  std::set<std::int32_t> registering_;  // ReferenceIDs without an answer yet
  std::set<std::int32_t> unanswered_;   // of requests given
  std::optional<Script::Send> held_;    // until there is a session
  std::size_t waiting_line_ = 0;        // whose time runs; 0: none
  std::string trouble_;                 // why the last attempt to connect failed
  bool ready_ = false;                  // connected and registered: requests may leave
  bool started_ = false;                // was ready once
  bool sleeping_ = false;
  bool input_ended_ = false;
  bool lingering_ = false;
  bool ending_ = false;
  int exit_code_ = 0;
};

}  // namespace tandem::client
