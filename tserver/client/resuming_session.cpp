// A session that outlives its connection, with links to all of its servers: one carries the session, the others wait.
//
// The first server that calls itself primary takes the session. When its link is lost, or when a waiting server says
// that it is primary now, the session is asked for there, after the last event heard, and what was asked without an
// answer is asked again. The application hears nothing of it, unless the session can't be resumed.
#include <deque>
#include <random>
#include <utility>

#include "common/base/ids.h"
#include "tserver/client/client_session.h"
#include "tserver/client/continuity.h"
#include "tserver/client/server_link.h"

namespace tandem::client {
namespace {

using tlib::Message;

constexpr std::size_t kUnansweredLimit = 10000;           // requests
constexpr std::uint64_t kConfirmEvery = 100;              // events
constexpr std::chrono::milliseconds kConfirmAfter{500};   // when there are fewer
constexpr std::chrono::milliseconds kKeptAtLeast{30000};  // until a server has said

std::string new_token() {
  std::random_device random;
  std::string token;
  for (int i = 0; i < 2; ++i) token += to_hex((std::uint64_t{random()} << 32) | random());
  return token;
}

class ResumingSession final : public ClientSession {
 public:
  ResumingSession(net::EventLoop& loop, ClientOptions options, Client::OnEvent on_event, Client::OnTrouble on_trouble)
      : options_(std::move(options)),
        on_event_(std::move(on_event)),
        on_trouble_(std::move(on_trouble)),
        continuity_(new_token()),
        confirm_timer_(loop),
        deadline_(loop),
        end_timer_(loop) {
    for (std::size_t i = 0; i < options_.servers.size(); ++i) {
      Server& server = servers_.emplace_back();
      server.link = std::make_unique<ServerLink>(
          loop, options_, std::vector{options_.servers[i]},
          ServerLink::Handlers{
              .connected = [this, &server] { connected_to(server); },
              .message = [this, &server](Message& message) { heard(server, message); },
              .lost = [this, &server](const std::string& why, const Message& event) { lost(server, why, event); },
              .trouble = [this](const std::string& line) { on_trouble_(line); },
              .confirm = [this, &server] { return &server == active_ ? confirm() : 0; }});
    }
  }

  void open() override {
    wanted_ = true;
    for (Server& server : servers_) server.link->dial();
  }

  void close() override {
    wanted_ = false;
    if (active_ != nullptr && kept_) {
      Message end;
      end.set_type(tlib::EndSession);
      active_->link->send(end);
    }
    const bool nowhere = active_ == nullptr && connected_;
    for (Server& server : servers_) server.link->close();
    if (nowhere) end_timer_.start_in(std::chrono::milliseconds(0), [this] { end("closed by the application"); });
  }

  bool connected() const override { return connected_; }

  std::int32_t send(Message& request) override {
    if (!connected_ || (kept_ && continuity_.waiting() >= kUnansweredLimit)) return 0;
    if (!request.has_referenceid()) request.set_referenceid(references_.next());
    if (kept_) continuity_.add(request);
    const bool sent = active_ != nullptr && active_->link->send(request);
    return sent || kept_ ? request.referenceid() : 0;
  }

 private:
  enum class Phase {
    Down,
    Idle,     // connected, nothing said yet
    Asking,   // for the session
    Joining,  // while another server has the session
    Waiting,  // it knows us, and has nothing to do
    Active    // it has the session
  };
  struct Server {
    std::unique_ptr<ServerLink> link;
    Phase phase = Phase::Down;
    tlib::TServerRole role = tlib::ServerRolePrimary;  // its last word
  };

  void connected_to(Server& server) {
    server.phase = Phase::Idle;
    settle();
  }

  // Somebody should have the session, or be asked for it; all others should know us.
  void settle() {
    if (!wanted_) return;
    if (active_ == nullptr && !anybody(Phase::Asking)) {
      if (Server* next = anybody(Phase::Idle)) {
        ask(*next);
      } else if (Server* primary = waiting_primary()) {
        ask(*primary);
      }
    }
    if (active_ == nullptr) return;
    for (Server& server : servers_) {
      if (server.phase != Phase::Idle) continue;
      server.phase = Phase::Joining;
      server.link->send_open(open_request(options_, references_.next()));
    }
  }

  Server* anybody(Phase phase) {
    for (Server& server : servers_) {
      if (server.phase == phase) return &server;
    }
    return nullptr;
  }
  Server* waiting_primary() {
    for (Server& server : servers_) {
      if (server.phase == Phase::Waiting && server.role == tlib::ServerRolePrimary) return &server;
    }
    return nullptr;
  }

  void ask(Server& server) {
    server.phase = Phase::Asking;
    Message request = open_request(options_, references_.next());
    asked_as_ = request.referenceid();
    continuity_.ask(request);
    server.link->send_open(request);
  }

  void heard(Server& server, Message& message) {
    const tlib::TServerRole before = server.role;
    if (message.has_serverrole()) server.role = message.serverrole();
    switch (server.phase) {
      case Phase::Active:
        return event(server, message);
      case Phase::Asking:
        // What a session had before at this server may come first.
        if (message.referenceid() == asked_as_) answered(server, message);
        return;
      case Phase::Joining:
        if (message.type() == tlib::EventError) return server.link->lose(refusal(message));
        server.link->proved();
        server.phase = Phase::Waiting;
        return settle();
      case Phase::Waiting:
        if (before != tlib::ServerRoleBackup || server.role != tlib::ServerRolePrimary) return;
        // It has taken the role: whoever had the session has it no more.
        if (Server* former = std::exchange(active_, nullptr)) {
          former->phase = Phase::Down;
          former->link->drop();
          gap("the role passed to " + server.link->peer());
        }
        if (!anybody(Phase::Asking)) ask(server);
        return;
      case Phase::Down:
      case Phase::Idle:
        return;
    }
  }

  void answered(Server& server, Message& message) {
    if (message.type() == tlib::EventError) {
      const std::string why = refusal(message);
      on_event_(message);
      if (server.link->up()) server.link->lose(why);
      return;
    }
    server.link->proved();
    if (servers_.size() > 1 && server.role == tlib::ServerRoleBackup && message.has_serverrole()) {
      server.phase = Phase::Waiting;
      if (active_ == nullptr) on_trouble_(server.link->peer() + ": it is the backup");
      return settle();
    }
    server.phase = Phase::Active;
    active_ = &server;
    deadline_.cancel();
    kept_for_ = std::chrono::milliseconds(message.sessionkept());
    if (message.type() == tlib::EventSessionResumed) {
      kept_ = true;
      begin(server);
      for (const Message* request : continuity_.unanswered()) server.link->send(*request);
    } else {
      // Another session than before, or the first.
      const bool kept = message.has_sessiontoken();
      end("the session could not be resumed");
      kept_ = kept;
      if (!wanted_) return;  // the application has closed it
      continuity_.take(message);
      begin(server);
      if (active_ == &server) on_event_(message);
      later_confirm();
    }
    settle();
  }

  void begin(Server& server) {
    if (!std::exchange(connected_, true)) on_event_(server.link->local_event(tlib::EventServerConnected));
  }

  void event(Server& server, Message& message) {
    if (kept_) {
      switch (continuity_.take(message)) {
        case Continuity::Event::Repeated:
          return;
        case Continuity::Event::Missing:
          forget_ = true;
          return server.link->lose("events are missing before number " + std::to_string(message.streamnumber()));
        case Continuity::Event::New:
          break;
      }
    }
    on_event_(message);
    later_confirm();
  }

  // --- Confirmations: with whatever is sent, else after some events or some time ---

  std::uint64_t confirm() {
    confirm_timer_.cancel();
    return kept_ ? continuity_.confirm() : 0;
  }
  void later_confirm() {
    if (!kept_ || active_ == nullptr || continuity_.unconfirmed() == 0) return;
    if (continuity_.unconfirmed() >= kConfirmEvery) return send_confirmation();
    if (!confirm_timer_.running()) confirm_timer_.start_in(kConfirmAfter, [this] { send_confirmation(); });
  }
  void send_confirmation() {
    if (active_ == nullptr || continuity_.unconfirmed() == 0) return;
    Message message;
    message.set_type(tlib::ConfirmEvents);
    message.set_streamnumber(confirm());
    active_->link->send(message);
  }

  // --- The end of connections and sessions ---

  void lost(Server& server, const std::string& why, const Message& event) {
    const Phase phase = std::exchange(server.phase, Phase::Down);
    if (&server == active_) {
      active_ = nullptr;
      disconnected_ = event;
      gap(why);
    } else if (wanted_ && phase != Phase::Idle) {
      on_trouble_(event.host() + ":" + std::to_string(event.port()) + ": " + why);
    }
    settle();
  }

  // Nobody has the session. It goes on if it is resumed in time.
  void gap(const std::string& why) {
    confirm_timer_.cancel();
    if (!kept_ || !wanted_ || std::exchange(forget_, false)) return end(why);
    on_trouble_(why + "; the session is resumed");
    const auto time = kept_for_.count() > 0 ? kept_for_ : kKeptAtLeast;
    deadline_.start_in(time, [this, time] {
      if (Server* asked = anybody(Phase::Asking)) {  // for what there is no more
        asked->phase = Phase::Down;
        asked->link->drop();
      }
      end("not resumed within " + std::to_string(time.count()) + " ms");
      settle();
    });
  }

  // The application's session, if it has one, is over; the next one is another one.
  void end(const std::string& why) {
    deadline_.cancel();
    confirm_timer_.cancel();
    // At a server that began a new session under the name, it keeps the name.
    continuity_ = active_ != nullptr ? continuity_.anew() : Continuity(new_token());
    kept_ = false;
    if (!std::exchange(connected_, false)) return;
    Message event = std::exchange(disconnected_, {});
    if (!event.has_type()) event = servers_.front().link->local_event(tlib::EventServerDisconnected);
    event.set_errormessage(why);
    on_event_(event);
  }

  static std::string refusal(const Message& message) {
    return "refused: " + std::to_string(message.errorcode()) + " " + message.errormessage();
  }

  const ClientOptions options_;
  const Client::OnEvent on_event_;
  const Client::OnTrouble on_trouble_;
  References references_;
  Continuity continuity_;
  std::deque<Server> servers_;  // they don't move
  Server* active_ = nullptr;
  net::Timer confirm_timer_;
  net::Timer deadline_;   // of a session without a connection
  net::Timer end_timer_;  // close() without a connection
  std::chrono::milliseconds kept_for_{0};
  Message disconnected_;       // how the last connection ended
  std::int32_t asked_as_ = 0;  // ReferenceID of the last RequestRegisterClient that asked for the session
  bool wanted_ = false;        // between open() and close()
  bool connected_ = false;     // the application has a session
  bool kept_ = false;          // which outlives its connection
  bool forget_ = false;        // it can't go on
};

}  // namespace

std::unique_ptr<ClientSession> make_resuming_session(net::EventLoop& loop, ClientOptions options,
                                                     Client::OnEvent on_event, Client::OnTrouble on_trouble) {
  return std::make_unique<ResumingSession>(loop, std::move(options), std::move(on_event), std::move(on_trouble));
}

}  // namespace tandem::client
