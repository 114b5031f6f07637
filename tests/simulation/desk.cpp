#include "desk.h"

namespace tandem::simulation {

Desk::Desk(Network& network, std::string name, const std::vector<std::unique_ptr<Server>>& servers,
           std::vector<std::string> dns, std::uint64_t seed, bool routes)
    : Process(network, std::move(name)), servers_(servers), dns_(std::move(dns)), random_(seed), routes_(routes) {}

void Desk::started() {
  lines_.clear();
  lines_.resize(servers_.size());
  for (std::size_t i = 0; i < servers_.size(); ++i) dial(i, Instant{0});
}

void Desk::ended() {
  lines_.clear();
  lines_.resize(servers_.size());
}

void Desk::dial(std::size_t server, Instant wait) {
  later(wait, [this, server] {
    auto handle = std::make_shared<ClientEdge::Handle>();
    Server& to = *servers_[server];
    network_.connect(
        *this, to,
        [this, server, handle, &to](StreamPtr stream) {
          // What it hears is its own only as long as this connection is.
          *handle = to.accept(stream,
                              {[this, server, stream = stream.get()](const std::shared_ptr<const tlib::Message>& event,
                                                                     std::int32_t reference, std::uint64_t number) {
                                if (lines_[server].stream.get() == stream) heard(server, *event, reference, number);
                              }});
        },
        [this, server, handle](StreamPtr stream) { connected(server, std::move(stream), handle); },
        [this, server] { dial(server, 500ms); });
  });
}

void Desk::connected(std::size_t server, StreamPtr stream, std::shared_ptr<ClientEdge::Handle> handle) {
  stream->on_closed(0, [this, server](const std::string&) {
    lines_[server] = {};
    dial(server, 300ms);
  });
  lines_[server] = {std::move(stream), std::move(handle), {}, 0};
  tlib::Message hello;
  hello.set_type(tlib::RequestRegisterClient);
  ask(server, hello);
  for (const std::string& dn : dns_) {
    tlib::Message on;
    on.set_type(tlib::RequestRegisterAddress);
    on.set_thisdn(dn);
    ask(server, on);
  }
}

void Desk::reconnect() {
  if (!alive()) return;
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    if (!lines_[i].stream) continue;
    lines_[i].stream->close(0);
    lines_[i] = {};
    dial(i, random_.up_to(1s));
  }
}

void Desk::leave() {
  kill();
}

void Desk::ask(std::size_t server, tlib::Message message) {
  if (!alive() || !lines_[server].stream) return;
  Line& line = lines_[server];
  message.set_referenceid(++reference_);
  line.owed[reference_] = {schedule_.steady(), message.type()};
  line.stream->send(0, [handle = line.handle, to = servers_[server].get(), message = std::move(message)] {
    to->ask(*handle, message);
  });
}

void Desk::heard(std::size_t server, const tlib::Message& event, std::int32_t reference, std::uint64_t number) {
  Line& line = lines_[server];
  if (number != ++line.events) schedule_.fault(name() + ": an event is missing in its stream");
  if (reference != 0) {
    const auto it = line.owed.find(reference);
    // A single-step conference may answer twice: with EventRinging and with EventPartyAdded.
    if (it == line.owed.end() || (it->second.answered && event.type() != tlib::EventPartyAdded))
      schedule_.fault(name() + ": request " + std::to_string(reference) +
                      " is answered a second time: " + tlib::MessageType_Name(event.type()));
    if (it != line.owed.end()) it->second.answered = true;
  }
  if (routes_ && event.type() == tlib::EventRouteRequest) route(server, event);
}

void Desk::route(std::size_t server, const tlib::Message& event) {
  if (random_.one_in(10)) return;  // it forgets
  tlib::Message message;
  message.set_connid(event.connid());
  message.set_thisdn(event.thisdn());
  if (random_.one_in(4)) {
    message.set_type(tlib::RequestApplyTreatment);
    message.set_treatmenttype(static_cast<tlib::TTreatmentType>(random_.pick(19)));
    tlib::KVPair& prompts = *message.mutable_treatmentparms()->add_pairs();
    prompts.set_key("PROMPT");
    tlib::KVPair& first = *prompts.mutable_list()->add_pairs();
    first.set_key("1");
    tlib::KVPair& id = *first.mutable_list()->add_pairs();
    id.set_key("ID");
    id.set_str("welcome");
    later(random_.up_to(500ms), [this, server, message] { ask(server, message); });
  }
  message.set_type(tlib::RequestRouteCall);
  message.clear_treatmenttype();
  message.clear_treatmentparms();
  message.set_otherdn(random_.any(destinations_));
  later(50ms + random_.up_to(random_.one_in(4) ? 8s : 700ms), [this, server, message] { ask(server, message); });
}

void Desk::expect_answered(Instant older_than) {
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    for (const auto& [reference, owed] : lines_[i].owed) {
      if (owed.answered || schedule_.steady() - owed.asked < older_than) continue;
      schedule_.fault(name() + ": request " + std::to_string(reference) + " (" + tlib::MessageType_Name(owed.type) +
                      ") to " + servers_[i]->name() + " got no answer");
    }
  }
}

}  // namespace tandem::simulation
