// A simulated T-Server's links to Connectors, as the links room has them.
#include <algorithm>

#include "common/base/overloaded.h"
#include "connector.h"
#include "server.h"

namespace tandem::simulation {

using namespace tserver;

void Server::order(Order& order) {
  if (schedule_.traced()) trace("orders " + connectors_[order.link]->name() + " " + order.command.ShortDebugString());
  Line& line = lines_[order.link];
  LinkSession::Effects effects;
  if (!line.session || !line.session->command(std::move(order.command), effects)) return;
  if (arbiter_ != nullptr && !arbiter_->holds(*this)) fault("commands without the role");
  carry_out(order.link, std::move(effects));
}

void Server::set_role(link::Role role, std::uint64_t epoch) {
  link_role_ = role;
  epoch_ = epoch;
  for (LinkNo no = 0; no < lines_.size(); ++no) {
    if (!lines_[no].session) continue;
    LinkSession::Effects effects;
    lines_[no].session->role(role, epoch, schedule_.steady(), effects);
    carry_out(no, std::move(effects));
    check(no);
  }
}

bool Server::links_up() const {
  return std::all_of(lines_.begin(), lines_.end(), [](const Line& line) { return line.up; });
}

void Server::dial(LinkNo no, Instant wait) {
  later(wait, [this, no] {
    network_.connect(
        *this, *lines_[no].connector,
        [connector = lines_[no].connector](StreamPtr s) { connector->accept(std::move(s)); },
        [this, no](StreamPtr stream) { connected(no, std::move(stream)); },
        [this, no] { dial(no, std::min<Instant>(100ms * (1 << std::min(++lines_[no].tries, 5u)), 2s)); });
  });
}

void Server::connected(LinkNo no, StreamPtr stream) {
  Line& line = lines_[no];
  line.stream = stream;
  line.tries = 0;
  stream->on_closed(0, [this, no](const std::string& why) { down(no, why); });
  link::Hello hello;
  hello.set_application(name());
  hello.set_role(link_role_);
  line.session = std::make_unique<LinkSession>(LinkSessionOptions{.hello = hello, .epoch = epoch_});
  line.connector->hear_from(stream, [this, no, stream](const link::Envelope& envelope) {
    if (lines_[no].stream != stream || !lines_[no].session) return;
    LinkSession::Effects heard;
    lines_[no].session->received(envelope, schedule_.steady(), heard);
    carry_out(no, std::move(heard));
  });
  LinkSession::Effects effects;
  line.session->connected(schedule_.steady(), effects);
  carry_out(no, std::move(effects));
  check(no);
}

// As the links room does it: inputs for the model are given away last.
void Server::carry_out(LinkNo no, LinkSession::Effects effects) {
  for (LinkSession::Effect& effect : effects) {
    if (no >= lines_.size() || !lines_[no].stream) return;
    std::visit(Overloaded{
                   [&](LinkSession::Send& send) {
                     Line& line = lines_[no];
                     line.stream->send(0, [connector = line.connector, stream = line.stream,
                                           envelope = std::move(send.envelope)]() mutable {
                       connector->received(stream, std::move(envelope));
                     });
                   },
                   [&](LinkSession::Up& up) {
                     lines_[no].up = true;
                     if (schedule_.traced())
                       trace("link " + std::to_string(no) + " up: " + up.snapshot.ShortDebugString());
                     take(LinkUp{no, std::move(up.hello), std::move(up.snapshot)});
                   },
                   [&](LinkSession::Happening& is) {
                     if (schedule_.traced()) trace("hears " + is.happening.ShortDebugString());
                     take(Happened{no, std::move(is.happening)});
                   },
                   [&](LinkSession::Over& over) {
                     const std::string why = over.why;
                     if (over.fenced) later(Instant{0}, [this, why] { take_role(RoleFenced{why}); });
                     lines_[no].stream->close(0);
                     if (over.dead) return down(no, why);
                     later(1ms, [this, no, why, stream = lines_[no].stream] {
                       if (lines_[no].stream == stream) down(no, why);
                     });
                   },
               },
               effect);
  }
}

void Server::check(LinkNo no) {
  Line& line = lines_[no];
  if (!line.session || !line.stream) return;
  LinkSession::Effects effects;
  const Instant again = line.session->check(schedule_.steady(), effects);
  carry_out(no, std::move(effects));
  if (again <= Instant::zero()) return;
  later(std::max<Instant>(again - schedule_.steady(), Instant{0}), [this, no, stream = line.stream] {
    if (lines_[no].stream == stream) check(no);
  });
}

void Server::down(LinkNo no, const std::string& why) {
  Line& line = lines_[no];
  const bool was_up = std::exchange(line.up, false);
  line.stream.reset();
  line.session.reset();
  dial(no, 100ms);
  if (was_up) take(LinkDown{no, why});
}

}  // namespace tandem::simulation
