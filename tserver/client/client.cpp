#include "tserver/client/client.h"

#include <utility>

#include "tserver/client/client_session.h"

namespace tandem::client {

Client::Client(net::EventLoop& loop, ClientOptions options, OnEvent on_event, OnTrouble on_trouble) {
  if (!on_trouble) on_trouble = [](const std::string&) {};
  const bool resume = options.resume;
  session_ = (resume ? make_resuming_session : make_plain_session)(loop, std::move(options), std::move(on_event),
                                                                   std::move(on_trouble));
}

Client::~Client() = default;

void Client::open() {
  session_->open();
}
void Client::close() {
  session_->close();
}
bool Client::connected() const {
  return session_->connected();
}
std::int32_t Client::send(tlib::Message& request) {
  return session_->send(request);
}

tlib::Message open_request(const ClientOptions& options, std::int32_t reference_id) {
  tlib::Message request;
  request.set_type(tlib::RequestRegisterClient);
  request.set_protocolversion(protocol_version);
  request.set_referenceid(reference_id);
  request.set_applicationname(options.application);
  if (!options.password.empty()) request.set_applicationpassword(options.password);
  return request;
}

}  // namespace tandem::client
