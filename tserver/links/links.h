// The CTI links of one T-Server, on the event loop's thread: keeps every configured Connector connected.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/log/log.h"
#include "common/net/dialer.h"
#include "tserver/links/session.h"
#include "tserver/model/machine.h"

namespace tandem::tserver {

// One link section.
struct LinkOptions {
  std::string name;
  net::HostPort connector;
  std::string pool;
  net::TlsContextPtr tls;  // null: plain TCP
  bool verify_name = false;
  std::chrono::milliseconds addp_timeout{5000};
  std::chrono::milliseconds addp_remote_timeout{5000};
  net::BackoffOptions reconnect;
  net::ConnectionOptions connection;
};

// What we say of ourselves on every link.
struct LinkIdentity {
  std::string application;
  std::string version;
  link::Role role = link::ROLE_PRIMARY;
  std::uint64_t epoch = 0;
};

// One link, for whoever watches.
struct LinkFigures {
  std::string name;
  bool up = false;
  std::size_t queued = 0;  // bytes not taken by the Connector yet
  Instant round_trip{0};   // of the last question, 0: not known
};

class Links {
 public:
  using Take = std::function<void(Input)>;
  // A Connector has seen a primary with a higher epoch than ours.
  using Fenced = std::function<void(const std::string& why)>;

  // `take` is given LinkUp, Happened and LinkDown, never from within a call to this object.
  Links(net::EventLoop& loop, Logger& log, LinkIdentity identity, Take take, Fenced fenced = {});
  ~Links();
  Links(const Links&) = delete;
  Links& operator=(const Links&) = delete;

  // Makes link number `link` what `options` say: begins to dial if it is new, drops and redials if host, port or
  // transport are others, else takes the rest over for the next connection.
  void set(LinkNo link, LinkOptions options);
  // Says goodbye and dials no more.
  void remove(LinkNo link);

  // Told on every link at once. Who becomes primary is sent a new snapshot by each Connector: LinkUp comes anew.
  void set_role(link::Role role, std::uint64_t epoch);
  void order(Order order);
  // Goodbye on every link.
  void stop(const std::string& why);
  std::vector<LinkFigures> figures() const;  // those configured
  std::size_t connected() const;             // links with a connection, up or not

 private:
  class Link;

  net::EventLoop& loop_;
  Logger& log_;
  LinkIdentity identity_;
  Take take_;
  Fenced fenced_;
  std::vector<std::unique_ptr<Link>> links_;
};

}  // namespace tandem::tserver
