#include "tserver/client/tlib.h"

#include <algorithm>
#include <ctime>
#include <utility>
#include <variant>

#include "tserver/client/json.h"
#include "tserver/client/names.h"
#include "tserver/client/pretty.h"

namespace tandem::client {

namespace {

constexpr std::size_t kLinesAhead = 100;              // then reading rests
constexpr std::chrono::seconds kLastAnswers{10};      // at the end, for requests without an answer
constexpr std::chrono::milliseconds kShortWait{100};  // between attempts to connect at first; people wait

ClientOptions client_options(const TlibOptions& options, net::TlsContextPtr tls) {
  ClientOptions made;
  made.servers = options.servers;
  made.resume = options.resume;
  made.tls = std::move(tls);
  made.application = options.name;
  made.password = options.password;
  made.addp.timeout = options.addp_timeout;
  made.backoff = {.first = kShortWait, .limit = std::chrono::seconds(2)};
  return made;
}

std::chrono::seconds utc_offset(std::time_t at) {
  std::tm local{};
  ::localtime_r(&at, &local);
  return std::chrono::seconds(local.tm_gmtoff);
}

}  // namespace

Tlib::Tlib(net::EventLoop& loop, TlibOptions options, net::TlsContextPtr tls, Routes routes, TlibStreams streams)
    : loop_(loop),
      options_(std::move(options)),
      streams_(std::move(streams)),
      client_(
          loop, client_options(options_, std::move(tls)), [this](const tlib::Message& event) { on_event(event); },
          [this](const std::string& line) { trouble_ = line; }),
      routes_(std::move(routes)),
      input_(
          loop, streams_.input, [this](std::string line) { on_line(std::move(line)); },
          [this](const std::string& failure) { on_input_end(failure); }),
      connect_timer_(loop),
      script_timer_(loop),
      end_timer_(loop),
      registrations_(options_.registrations) {
  for (const std::string& point : routes_.points()) {
    if (std::ranges::find(registrations_, point) == registrations_.end()) registrations_.push_back(point);
  }
  for (const auto& [name, value] : options_.variables) script_.set(name, value);
}

void Tlib::start() {
  if (options_.pretty) streams_.output(pretty_heading());
  connect_timer_.start_in(options_.connect_timeout,
                          [this] { fail(trouble_.empty() ? "no server takes the session" : trouble_); });
  client_.open();
}

// --- Events ---

void Tlib::on_event(const tlib::Message& event) {
  print(event);
  on_answer(event);
  if (ending_) {
    if (event.type() == tlib::EventServerDisconnected) loop_.stop();
    return;
  }
  if (event.type() == tlib::EventServerConnected) {
    connect_timer_.cancel();
    register_all();
  } else if (event.type() == tlib::EventServerDisconnected) {
    ready_ = false;
    complain("connection lost: " + event.errormessage());
  }
  script_.seen(event);
  if (auto request = routes_.answer(event)) client_.send(*request);
  run();
}

void Tlib::on_answer(const tlib::Message& event) {
  if (event.type() == tlib::EventServerDisconnected) {
    registering_.clear();
    unanswered_.clear();
  }
  if (!event.has_referenceid()) return;
  unanswered_.erase(event.referenceid());
  if (registering_.erase(event.referenceid()) == 0) return;
  if (event.type() == tlib::EventError) {
    complain("not registered: " + std::string(error_name(event.errorcode()).value_or("error")) + " " +
             event.errormessage());
  }
  if (registering_.empty()) begin_lines();
}

void Tlib::register_all() {
  for (const std::string& dn : registrations_) {
    tlib::Message request;
    request.set_type(tlib::RequestRegisterAddress);
    request.set_thisdn(dn);
    request.set_registermode(tlib::RegisterModeShare);
    request.set_controlmode(tlib::ControlModeDefault);
    if (const auto reference = client_.send(request); reference != 0) registering_.insert(reference);
  }
  if (registering_.empty()) begin_lines();
}

void Tlib::begin_lines() {
  ready_ = true;
  started_ = true;
  input_.read(true);
}

// --- Lines ---

void Tlib::on_line(std::string line) {
  script_.add_line(std::move(line));
  run();
  input_.read(script_.lines_waiting() < kLinesAhead);
}

void Tlib::on_input_end(const std::string& failure) {
  if (!failure.empty()) return fail("reading lines: " + failure);
  input_ended_ = true;
  run();
}

// Goes on with the script as far as it goes now.
void Tlib::run() {
  while (started_ && !sleeping_ && !ending_) {
    if (held_) {
      if (!ready_) return;
      send(std::exchange(held_, {})->request);
      continue;
    }
    auto step = script_.next();
    if (step && std::holds_alternative<Script::Wait>(*step)) return wait(std::get<Script::Wait>(*step));
    if (std::exchange(waiting_line_, 0) != 0) script_timer_.cancel();
    if (!step) {
      wrong_line(step.error());
    } else if (auto* request = std::get_if<Script::Send>(&*step)) {
      held_ = std::move(*request);
    } else if (const auto* sleep = std::get_if<Script::Sleep>(&*step)) {
      sleeping_ = true;
      script_timer_.start_in(sleep->time, [this] {
        sleeping_ = false;
        run();
      });
    } else {
      if (input_ended_) return come_to_end();
      return input_.read(true);
    }
  }
}

void Tlib::wait(const Script::Wait& wait) {
  if (waiting_line_ == wait.line) return;
  waiting_line_ = wait.line;
  script_timer_.start_in(wait.time, [this] {
    waiting_line_ = 0;
    wrong_line(script_.timed_out());
    run();
  });
}

void Tlib::wrong_line(const Failure& failure) {
  if (streams_.fatal) return fail(failure.text);
  complain(failure.text);
}

void Tlib::send(tlib::Message request) {
  const auto reference = client_.send(request);
  script_.sent(reference);
  if (reference != 0) unanswered_.insert(reference);
}

// --- The end ---

// All lines are done: the answers still due, then the linger.
void Tlib::come_to_end() {
  if (lingering_) return;
  if (unanswered_.empty()) {
    lingering_ = true;
    end_timer_.cancel();
    if (options_.linger) end_timer_.start_in(*options_.linger, [this] { finish(client_.connected() ? 0 : 1); });
  } else if (!end_timer_.running()) {
    end_timer_.start_in(kLastAnswers, [this] {
      fail(std::to_string(unanswered_.size()) + " of the requests have no answer after " +
           std::to_string(kLastAnswers.count()) + " s");
    });
  }
}

void Tlib::stop() {
  finish(0);
}

void Tlib::finish(int exit_code) {
  if (ending_) return;
  ending_ = true;
  exit_code_ = exit_code;
  if (!client_.connected()) return loop_.stop();
  client_.close();  // what was sent leaves first; EventServerDisconnected follows
}

void Tlib::fail(const std::string& line) {
  complain(line);
  finish(1);
}

void Tlib::print(const tlib::Message& event) {
  streams_.output(options_.pretty ? pretty(event, utc_offset(event.timeinsecs()))
                                  : to_json_line(event, ErrorNames::Add));
}

}  // namespace tandem::client
