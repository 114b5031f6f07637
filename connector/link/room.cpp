#include "connector/link/room.h"

#include <google/protobuf/io/coded_stream.h>

#include <array>
#include <atomic>
#include <future>
#include <map>
#include <thread>
#include <variant>

#include "common/net/connection.h"
#include "common/net/listener.h"
#include "common/net/loop.h"
#include "connector/link/utf8.h"

namespace tandem::connector {

namespace {

using Outgoing = std::variant<link::Happening, SendSnapshot>;
using Batch = std::vector<Outgoing>;

// The fields of an Envelope before the happening's own bytes, so that a happening is written once for all links.
std::size_t write_head(std::array<char, 48>& to, std::uint64_t sequence, std::uint64_t epoch, std::size_t body) {
  using Stream = google::protobuf::io::CodedOutputStream;
  constexpr auto tag = [](int field, int wire) { return static_cast<std::uint32_t>(field << 3 | wire); };
  auto* at = reinterpret_cast<std::uint8_t*>(to.data());
  at = Stream::WriteTagToArray(tag(link::Envelope::kSequenceFieldNumber, 0), at);
  at = Stream::WriteVarint64ToArray(sequence, at);
  at = Stream::WriteTagToArray(tag(link::Envelope::kEpochFieldNumber, 0), at);
  at = Stream::WriteVarint64ToArray(epoch, at);
  at = Stream::WriteTagToArray(tag(link::Envelope::kHappeningFieldNumber, 2), at);
  at = Stream::WriteVarint64ToArray(body, at);
  return static_cast<std::size_t>(at - reinterpret_cast<std::uint8_t*>(to.data()));
}

}  // namespace

struct LinkRoom::Impl {
  struct Peer final : net::Connection::Handler {
    Peer(Impl& owner, net::ConnectionPtr with, LinkNo number)
        : room(owner),
          connection(std::move(with)),
          session(number, owner.settings.identity, owner.fence, owner.loop.steady()),
          timer(owner.loop) {}
    void on_frame(std::string_view frame) override { room.on_frame(*this, frame); }
    void on_closed(net::CloseReason reason, const std::string& text) override { room.on_closed(*this, reason, text); }

    Impl& room;
    net::ConnectionPtr connection;
    LinkSession session;
    net::Timer timer;
    bool closing = false;
  };

  Impl(LinkSettings given, Logger& logger, Deliver to)
      : settings(std::move(given)), log(logger), deliver(std::move(to)) {}

  void accepted(net::ConnectionPtr connection);
  void on_frame(Peer& peer, std::string_view frame);
  void on_closed(Peer& peer, net::CloseReason reason, const std::string& text);
  void carry_out(Peer& peer, LinkSession::Effects& effects);
  void arm(Peer& peer);
  void take(Batch batch);
  void hand_over();
  void close_all(link::Goodbye::Reason reason, const std::string& text);
  void note_drained();
  void say(LogLevel level, const Peer& peer, const std::string& text) {
    const auto& name = peer.session.application();
    log.write(level, "link " + std::to_string(peer.session.number()) + " " +
                         (name.empty() ? peer.connection->peer_name() : name) + " " + peer.connection->peer() + ": " +
                         text);
  }

  LinkSettings settings;
  Logger& log;
  Deliver deliver;
  net::EventLoop loop;
  std::unique_ptr<net::Listener> listener;
  LinkFence fence;
  std::map<LinkNo, std::unique_ptr<Peer>> peers;
  std::vector<std::unique_ptr<Peer>> gone;  // perhaps still on the call stack; emptied at the end of a turn
  LinkNo last = 0;
  std::vector<Input> inputs;
  bool turn_end_asked = false;
  std::thread thread;
  std::atomic<std::size_t> waiting{0};

  bool stopping = false;
  std::promise<void> drained;
  std::string bytes;  // of the happening being sent

  Batch batch;  // the core's thread's
};

void LinkRoom::Impl::accepted(net::ConnectionPtr connection) {
  if (peers.size() >= settings.links_max) {
    connection->detach();
    return;
  }
  const LinkNo number = ++last;
  auto& peer = peers[number] = std::make_unique<Peer>(*this, std::move(connection), number);
  say(LogLevel::Standard, *peer, "connected, " + peer->connection->protocol());
  LinkSession::Effects effects;
  peer->session.start(effects);
  peer->connection->start(*peer);
  carry_out(*peer, effects);
}

void LinkRoom::Impl::on_frame(Peer& peer, std::string_view frame) {
  if (peer.session.ended()) return;
  LinkSession::Effects effects;
  link::Envelope envelope;
  if (!envelope.ParseFromArray(frame.data(), static_cast<int>(frame.size()))) {
    peer.session.goodbye(link::Goodbye::PROTOCOL_ERROR, "a message that can't be read", effects);
  } else {
    if (envelope.has_command() && log.enabled(LogLevel::Trace))
      say(LogLevel::Trace, peer, "command " + envelope.command().ShortDebugString());
    peer.session.received(envelope, loop.steady(), effects);
  }
  carry_out(peer, effects);
}

void LinkRoom::Impl::carry_out(Peer& peer, LinkSession::Effects& effects) {
  for (const auto& envelope : effects.send)
    if (!peer.closing) net::send_message(*peer.connection, envelope);
  for (auto& input : effects.inputs) {
    if (const auto* opened = std::get_if<LinkOpened>(&input)) {
      say(LogLevel::Standard, peer,
          std::string("Hello, ") + (opened->primary ? "primary, epoch " + std::to_string(fence.epoch) : "backup"));
      // The same T-Server again: what is left of its earlier connection can only confuse.
      for (auto& [number, other] : peers) {
        if (other.get() == &peer || other->session.ended() ||
            other->session.application() != peer.session.application())
          continue;
        LinkSession::Effects replaced;
        other->session.goodbye(link::Goodbye::PROTOCOL_ERROR, "replaced by a newer connection", replaced);
        carry_out(*other, replaced);
      }
    } else if (const auto* role = std::get_if<LinkRole>(&input)) {
      say(LogLevel::Standard, peer,
          role->primary ? "is primary now, epoch " + std::to_string(fence.epoch) : "is backup now");
    }
    inputs.push_back(std::move(input));
  }
  if (effects.fence_raised) {
    for (auto& [number, other] : peers) {
      if (other.get() == &peer) continue;
      LinkSession::Effects passed;
      other->session.fenced(passed);
      carry_out(*other, passed);
    }
  }
  if (effects.close && !peer.closing) {
    peer.closing = true;
    say(LogLevel::Standard, peer, "closed: " + *effects.close);
    peer.connection->close(*effects.close);
  }
  arm(peer);
  if (!inputs.empty() && !turn_end_asked) {
    turn_end_asked = true;
    loop.at_turn_end([this] { hand_over(); });
  }
}

void LinkRoom::Impl::hand_over() {
  turn_end_asked = false;
  if (inputs.empty() || deliver(std::exchange(inputs, {}))) return;
  log.write(LogLevel::Standard, "links closed: the core can't keep up with its commands");
  close_all(link::Goodbye::SLOW_READER, "the Connector can't keep up");
}

void LinkRoom::Impl::close_all(link::Goodbye::Reason reason, const std::string& text) {
  for (auto& [number, peer] : peers) {
    LinkSession::Effects effects;
    peer->session.goodbye(reason, text, effects);
    carry_out(*peer, effects);
  }
}

void LinkRoom::Impl::note_drained() {
  if (stopping && peers.empty()) drained.set_value();
}

void LinkRoom::Impl::arm(Peer& peer) {
  const auto due = peer.session.due();
  if (!due) {
    peer.timer.cancel();
  } else {
    peer.timer.start(*due, [this, &peer] {
      LinkSession::Effects effects;
      peer.session.check(loop.steady(), effects);
      carry_out(peer, effects);
    });
  }
}

void LinkRoom::Impl::on_closed(Peer& peer, net::CloseReason reason, const std::string& text) {
  LinkSession::Effects effects;
  peer.session.lost(effects);
  if (!peer.closing) say(LogLevel::Standard, peer, std::string("lost: ") + net::to_string(reason) + ", " + text);
  peer.closing = true;
  carry_out(peer, effects);
  peer.timer.cancel();
  const auto it = peers.find(peer.session.number());
  if (it == peers.end()) return;
  gone.push_back(std::move(it->second));
  peers.erase(it);
  loop.post([this] { gone.clear(); });
  note_drained();
}

void LinkRoom::Impl::take(Batch taken) {
  waiting.fetch_sub(taken.size(), std::memory_order_relaxed);
  for (auto& item : taken) {
    if (auto* snapshot = std::get_if<SendSnapshot>(&item)) {
      const auto it = peers.find(snapshot->link);
      if (it == peers.end()) continue;
      make_utf8(snapshot->snapshot);
      LinkSession::Effects effects;
      it->second->session.snapshot(std::move(snapshot->snapshot), effects);
      carry_out(*it->second, effects);
      continue;
    }
    auto& happening = std::get<link::Happening>(item);
    make_utf8(happening);
    bytes.clear();
    for (auto& [number, peer] : peers) {
      if (!peer->session.takes(happening) || peer->closing) continue;
      if (bytes.empty()) happening.SerializeToString(&bytes);
      std::array<char, 48> head;
      const auto size = write_head(head, peer->session.next_sequence(), fence.epoch, bytes.size());
      if (!peer->connection->send({head.data(), size}, bytes)) peer->closing = true;  // on_closed tells why
    }
    if (log.enabled(LogLevel::Trace) && !happening.has_call_data())
      log.write(LogLevel::Trace, "happening " + happening.ShortDebugString());
  }
}

LinkRoom::LinkRoom(LinkSettings settings, Logger& log, Deliver deliver)
    : impl_(std::make_unique<Impl>(std::move(settings), log, std::move(deliver))) {}

LinkRoom::~LinkRoom() {
  stop();
}

Result<std::uint16_t, Failure> LinkRoom::open() {
  net::ListenerOptions options;
  options.host = impl_->settings.address;
  options.port = impl_->settings.port;
  options.connection_limit = impl_->settings.links_max * 4;
  options.connection.frame_limit = impl_->settings.frame_bytes_max;
  options.connection.queue_limit = impl_->settings.queue_bytes_max;
  options.connection.frames_per_second = impl_->settings.commands_per_second;
  if (impl_->settings.tls) {
    auto context = net::TlsContext::make(net::TlsSide::Server, impl_->settings.tls_files);
    if (!context) return context.error();
    options.tls = *context;
  }
  auto opened = net::Listener::open(
      impl_->loop, std::move(options), [this](net::ConnectionPtr c) { impl_->accepted(std::move(c)); },
      [this](const std::string& line) { impl_->log.write(LogLevel::Standard, "link refused: " + line); });
  if (!opened) return opened.error();
  impl_->listener = std::move(*opened);
  return impl_->listener->port();
}

Result<void, Failure> LinkRoom::set_tls(const net::TlsOptions& files) {
  if (!impl_->settings.tls) return {};
  auto context = net::TlsContext::make(net::TlsSide::Server, files);
  if (!context) return context.error();
  impl_->loop.post([impl = impl_.get(), made = *context] {
    if (impl->listener != nullptr) impl->listener->set_tls(made);
  });
  return {};
}

void LinkRoom::start() {
  impl_->thread = std::thread([this] { impl_->loop.run(); });
}

void LinkRoom::stop() {
  if (!impl_->thread.joinable()) return;
  auto drained = impl_->drained.get_future();
  impl_->loop.post([impl = impl_.get()] {
    impl->listener.reset();
    impl->stopping = true;
    impl->close_all(link::Goodbye::SHUTDOWN, "the Connector is stopping");
    impl->note_drained();
  });
  drained.wait_for(1500ms);  // a connection closes once its queue is sent, after a second at most
  impl_->loop.post([impl = impl_.get()] {
    for (auto& [number, peer] : impl->peers) peer->connection->detach();
    impl->peers.clear();
    impl->gone.clear();
    impl->loop.stop();
  });
  impl_->thread.join();
}

void LinkRoom::perform(Report&& action) {
  impl_->batch.emplace_back(std::move(action.happening));
}

void LinkRoom::perform(SendSnapshot&& action) {
  impl_->batch.emplace_back(std::move(action));
}

void LinkRoom::flush() {
  if (impl_->batch.empty()) return;
  if (impl_->waiting.load(std::memory_order_relaxed) + impl_->batch.size() > impl_->settings.reports_waiting_max) {
    // What is dropped here the next Snapshot tells.
    impl_->batch.clear();
    impl_->loop.post([impl = impl_.get()] { impl->close_all(link::Goodbye::SLOW_READER, "reports pile up"); });
    return;
  }
  impl_->waiting.fetch_add(impl_->batch.size(), std::memory_order_relaxed);
  impl_->loop.post(
      [impl = impl_.get(), batch = std::exchange(impl_->batch, {})]() mutable { impl->take(std::move(batch)); });
}

}  // namespace tandem::connector
