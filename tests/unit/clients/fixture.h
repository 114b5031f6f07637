// T-Library clients over loopback sockets, and the machine's place taken by what they ask.
#pragma once

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <deque>

#include "common/net/dialer.h"
#include "tserver/clients/clients.h"
#include "tserver/clients/intake.h"

namespace tandem::tserver::test {

struct Lines final : Logger {
  bool enabled(LogLevel) const override { return true; }
  void write(LogLevel level, std::string_view line) override {
    if (level == LogLevel::Standard) standard.emplace_back(line);
  }
  std::vector<std::string> standard;
};

struct App final : net::Connection::Handler {
  App(net::EventLoop& loop, std::uint16_t port)
      : dialer(net::Dialer::make(
            loop, {.hosts = {{"127.0.0.1", port}}},
            [this](net::ConnectionPtr made) {
              connection = std::move(made);
              connection->start(*this);
            },
            [](const std::string& line, std::chrono::milliseconds) { FAIL(line); })) {
    dialer->dial();
  }
  ~App() override {
    if (connection != nullptr) connection->detach();
  }
  void on_frame(std::string_view frame) override {
    tlib::Message message;
    REQUIRE(message.ParseFromArray(frame.data(), static_cast<int>(frame.size())));
    received.push_back(message);
    bytes.emplace_back(frame);
    if (answers_polls && message.type() == tlib::AddpPoll) {
      net::send_message(*connection, addp_message(tlib::AddpAnswer, message.requestid()));
    }
  }
  void on_closed(net::CloseReason why, const std::string&) override { closed = why; }
  void request(tlib::MessageType type, int reference = 0) {
    tlib::Message message;
    message.set_type(type);
    if (reference != 0) message.set_referenceid(reference);
    net::send_message(*connection, message);
  }
  void send(const tlib::Message& message) { net::send_message(*connection, message); }

  std::unique_ptr<net::Dialer> dialer;
  net::ConnectionPtr connection;
  std::vector<tlib::Message> received;
  std::vector<std::string> bytes;
  std::optional<net::CloseReason> closed;
  bool answers_polls = true;
};

struct Fixture {
  explicit Fixture(ClientsOptions options = {}, net::ConnectionOptions limits = {})
      : clients(loop, log, options, [this](Input input) { std::visit([this](auto& one) { keep(one); }, input); }) {
    const auto listening = clients.listen({.connection = limits});
    REQUIRE(listening.has_value());
    port = *listening;
  }
  void keep(ClientOpened& one) { opened.push_back(one); }
  void keep(ClientRequest& one) {
    if (clients.begins(one)) requests.push_back(std::move(one));
  }
  void keep(ClientClosed& one) {
    if (std::exchange(loses_role, false)) clients.set_primary(false);  // as every input may bring it with it
    closed.push_back(one);
  }
  template <class Other>
  void keep(Other&) {
    FAIL("an input that isn't a client's");
  }

  App& connect() {
    App& app = *apps.emplace_back(std::make_unique<App>(loop, port));
    REQUIRE(until([&] { return app.connection && opened.size() == apps.size(); }));
    return app;
  }
  bool until(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!done()) {
      if (loop.context().run_one_until(deadline) == 0) return false;
    }
    return true;
  }

  net::EventLoop loop;
  Lines log;
  std::vector<ClientOpened> opened;
  std::vector<ClientRequest> requests;
  std::vector<ClientClosed> closed;
  bool loses_role = false;  // with the next client that is closed
  std::uint16_t port = 0;
  Clients clients;
  std::deque<std::unique_ptr<App>> apps;
};

inline std::shared_ptr<const tlib::Message> event(const std::string& dn) {
  auto made = std::make_shared<tlib::Message>();
  made->set_type(tlib::EventRinging);
  made->set_thisdn(dn);
  made->set_connid(77);
  return made;
}

inline tlib::Message as_received(const tlib::Message& body, std::uint64_t stream, int reference) {
  tlib::Message whole = body;
  whole.set_streamnumber(stream);
  if (reference != 0) whole.set_referenceid(reference);
  return whole;
}

}  // namespace tandem::tserver::test
