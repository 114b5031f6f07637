// A session that ends with its connection, at the first server that takes it.
#include <utility>

#include "tserver/client/client_session.h"
#include "tserver/client/server_link.h"

namespace tandem::client {
namespace {

using tlib::Message;

class PlainSession final : public ClientSession {
 public:
  PlainSession(net::EventLoop& loop, ClientOptions options, Client::OnEvent on_event, Client::OnTrouble on_trouble)
      : options_(std::move(options)),
        on_event_(std::move(on_event)),
        on_trouble_(std::move(on_trouble)),
        link_(loop, options_, options_.servers,
              {.connected = [this] { link_.send_open(open_request(options_, references_.next())); },
               .message = [this](Message& message) { heard(message); },
               .lost = [this](const std::string& why, const Message& event) { lost(why, event); },
               .trouble = [this](const std::string& line) { on_trouble_(line); },
               .confirm = [] { return std::uint64_t{0}; }}) {}

  void open() override {
    wanted_ = true;
    link_.dial();
  }
  void close() override {
    wanted_ = false;
    link_.close();
  }
  bool connected() const override { return connected_; }
  std::int32_t send(Message& request) override {
    if (!connected_) return 0;
    if (!request.has_referenceid()) request.set_referenceid(references_.next());
    return link_.send(request) ? request.referenceid() : 0;
  }

 private:
  // The first word of the server decides whether there is a session.
  void heard(Message& message) {
    if (!connected_) {
      if (message.type() == tlib::EventError) {
        const std::string why = "refused: " + std::to_string(message.errorcode()) + " " + message.errormessage();
        on_event_(message);
        if (link_.up()) link_.lose(why);
        return;
      }
      link_.proved();
      connected_ = true;
      on_event_(link_.local_event(tlib::EventServerConnected));
    }
    if (link_.up()) on_event_(message);
  }

  void lost(const std::string& why, const Message& event) {
    if (std::exchange(connected_, false)) {
      on_event_(event);
    } else if (wanted_) {
      on_trouble_(event.host() + ":" + std::to_string(event.port()) + ": " + why);
    }
  }

  const ClientOptions options_;
  const Client::OnEvent on_event_;
  const Client::OnTrouble on_trouble_;
  References references_;
  ServerLink link_;
  bool wanted_ = false;     // between open() and close()
  bool connected_ = false;  // the server took the session
};

}  // namespace

std::unique_ptr<ClientSession> make_plain_session(net::EventLoop& loop, ClientOptions options, Client::OnEvent on_event,
                                                  Client::OnTrouble on_trouble) {
  return std::make_unique<PlainSession>(loop, std::move(options), std::move(on_event), std::move(on_trouble));
}

}  // namespace tandem::client
