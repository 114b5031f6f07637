// The T-Library client library: a session with one of several T-Servers, on the caller's event loop and thread.
//
// open() reaches the first server that takes the session, and after a loss the next one, waiting longer between failed
// rounds. Everything the application hears comes through one handler, in the order of the stream: the server's events
// as they are, and EventServerConnected and EventServerDisconnected made here. Registrations belong to a session: an
// application registers its DNs at each EventServerConnected, and finds the calls in progress in the answers'
// Extensions.
//
// With `resume` a session outlives its connection, and its server if another one goes on with it: there are links to
// all servers, each event comes once and in order, each request has its effect once and is answered, and the
// application hears of a loss only when the session could not be resumed. A server that keeps no sessions gives a plain
// one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/net/addp.h"
#include "common/net/connection.h"
#include "common/net/dialer.h"
#include "common/net/loop.h"
#include "proto/tlib.pb.h"

namespace tandem::client {

struct ClientOptions {
  std::vector<net::HostPort> servers;  // tried in turn; with `resume` the two of a pair, or one
  bool resume = false;
  net::TlsContextPtr tls;            // null: plain TCP
  bool verify_name = false;          // the server's certificate must be made out for the host connected to
  std::string application = "tlib";  // name under which the T-Server knows the client
  std::string password;
  net::AddpOptions addp;
  net::BackoffOptions backoff;
  std::chrono::milliseconds connect_timeout{3600};  // an address
  std::chrono::milliseconds open_timeout{5000};     // the server's answer to RequestRegisterClient
};

class ClientSession;

class Client {
 public:
  // `event` is valid during the call. The handler may send, close and open, but not destroy the client.
  using OnEvent = std::function<void(const tlib::Message& event)>;
  // What stands in the way of a session, in one line, each time an attempt fails.
  using OnTrouble = std::function<void(const std::string& line)>;

  Client(net::EventLoop& loop, ClientOptions options, OnEvent on_event, OnTrouble on_trouble = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void open();
  // Ends the session after what was sent has left. EventServerDisconnected follows if there was one.
  void close();
  bool connected() const;  // between EventServerConnected and EventServerDisconnected

  // Sends a request. Gives it the next ReferenceID unless it has one, and returns it; 0: there is no session, or it is
  // about to end since the server doesn't take what it is sent. In a session that is being resumed a request waits; 0
  // when too many do.
  std::int32_t send(tlib::Message& request);
  std::int32_t send(tlib::Message&& request) { return send(request); }

 private:
  std::unique_ptr<ClientSession> session_;
};

// Version of this protocol, told to the server in RequestRegisterClient.
inline constexpr char protocol_version[] = "tserver protocol 4.2";

}  // namespace tandem::client
