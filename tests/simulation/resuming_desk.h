// A client whose session outlives its connection and its T-Server, as the client library has it (tserver/client): what
// it knows of the session is the true Continuity. Each event comes once and in order, each request is answered.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "network.h"
#include "server.h"
#include "tserver/client/continuity.h"

namespace tandem::simulation {

class ResumingDesk final : public Process {
 public:
  ResumingDesk(Network& network, std::string name, const std::vector<std::unique_ptr<Server>>& servers,
               std::vector<std::string> dns, const Done& done, Tally& tally);

  // Waits where it must; nothing without a session.
  void ask(tlib::Message message);
  // Drops the connection that carries the session.
  void reconnect();
  void leave() { kill(); }
  bool has_session() const { return active_ != kNone; }
  void expect_answered(Instant older_than);

 private:
  static constexpr std::size_t kNone = ~std::size_t{0};
  enum class Phase { Down, Idle, Asking, Joining, Waiting, Active };  // see tserver/client/resuming_session.cpp
  struct Line {
    StreamPtr stream;
    std::shared_ptr<ClientEdge::Handle> handle;  // there once the T-Server has accepted
    Phase phase = Phase::Down;
    tlib::TServerRole role = tlib::ServerRolePrimary;
  };
  struct Owed {
    Instant asked{0};
    tlib::MessageType type;
    bool answered = false;
  };

  void started() override;
  void ended() override;
  void dial(std::size_t server, Instant wait);
  void connected(std::size_t server, StreamPtr stream, std::shared_ptr<ClientEdge::Handle> handle);
  void send(std::size_t server, tlib::Message message);
  void settle();
  std::size_t any(Phase phase) const;
  void ask_for_session(std::size_t server);
  void heard(std::size_t server, tlib::Message message);
  void register_all();
  void answered(std::size_t server, const tlib::Message& message);
  void event(std::size_t server, const tlib::Message& message);
  void count_answer(const tlib::Message& message);
  void drop(std::size_t server);
  void lost(std::size_t server);
  void gap();
  void end();
  void confirm_later();

  const std::vector<std::unique_ptr<Server>>& servers_;
  const std::vector<std::string> dns_;
  const Done& done_;
  Tally& tally_;
  std::vector<Line> lines_;
  client::Continuity continuity_{""};
  std::size_t active_ = kNone;
  bool has_ = false;  // a session, perhaps without a connection
  Instant gap_since_{0}, asked_at_{0}, began_{0};
  std::uint32_t gaps_ = 0, tokens_ = 0;
  std::int32_t reference_ = 0, asked_as_ = 0;
  bool confirming_ = false;
  std::map<std::int32_t, Owed> owed_;
};

}  // namespace tandem::simulation
