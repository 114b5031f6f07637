// A T-Library client: connected to every T-Server, registered on its DNs there. It keeps count of what it asked and
// what it was answered.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "network.h"
#include "server.h"

namespace tandem::simulation {

class Desk final : public Process {
 public:
  Desk(Network& network, std::string name, const std::vector<std::unique_ptr<Server>>& servers,
       std::vector<std::string> dns, std::uint64_t seed, bool routes);

  // Fails silently where there is no connection.
  void ask(std::size_t server, tlib::Message message);
  // Drops its connections and comes again.
  void reconnect();
  void leave();  // for good
  // Whom a caller may be sent to.
  void destinations(std::vector<std::string> all) { destinations_ = std::move(all); }
  // Each request whose connection lasted was answered.
  void expect_answered(Instant older_than);

 private:
  struct Owed {
    Instant asked{0};
    tlib::MessageType type;
    bool answered = false;
  };
  struct Line {
    StreamPtr stream;
    std::shared_ptr<ClientEdge::Handle> handle;  // there once the T-Server has accepted
    std::map<std::int32_t, Owed> owed;
    std::uint64_t events = 0;
  };

  void started() override;
  void ended() override;
  void dial(std::size_t server, Instant wait);
  void connected(std::size_t server, StreamPtr stream, std::shared_ptr<ClientEdge::Handle> handle);
  void heard(std::size_t server, const tlib::Message& event, std::int32_t reference, std::uint64_t number);
  void route(std::size_t server, const tlib::Message& event);

  const std::vector<std::unique_ptr<Server>>& servers_;
  const std::vector<std::string> dns_;
  std::vector<std::string> destinations_;
  Random random_;
  const bool routes_;
  std::vector<Line> lines_;
  std::int32_t reference_ = 0;
};

}  // namespace tandem::simulation
