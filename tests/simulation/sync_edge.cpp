#include "sync_edge.h"

#include <utility>

namespace tandem::simulation {

using namespace tserver;

class SyncEdge::Line final : public SyncLine {
 public:
  Line(SyncEdge& edge, StreamPtr stream, int side) : edge_(edge), stream_(std::move(stream)), side_(side) {}

  void send(const sync::Envelope& envelope) override {
    if (!stream_->open(side_)) return;
    if (envelope.has_ack() && envelope.ack().differs()) edge_.owner_.fault("its records are not the primary's");
    if (envelope.has_goodbye() && envelope.goodbye().reason() == sync::Goodbye::PROTOCOL_ERROR)
      edge_.owner_.fault("synchronisation failed: " + envelope.goodbye().text());
    stream_->send(side_, [other = edge_.other_.edge, stream = stream_, envelope]() mutable {
      if (SyncEdge* there = other()) there->arrived(stream, std::move(envelope));
    });
  }
  void close(const std::string& why) override {
    stream_->close(side_);
    edge_.owner_.later(std::chrono::milliseconds(1),
                       [edge = &edge_, stream = stream_, why] { edge->closed(stream, why); });
  }
  void drop() override {
    stream_->close(side_);
    edge_.let_go(stream_);
  }
  std::string partner() const override { return edge_.other_.process->name(); }

 private:
  SyncEdge& edge_;
  const StreamPtr stream_;
  const int side_;
};

SyncEdge::SyncEdge(Process& owner, Network& network, Other other, Machine& machine, SyncHandlers handlers)
    : owner_(owner),
      network_(network),
      other_(std::move(other)),
      pair_({.application = owner.name(), .version = "1", .peer = other_.process->name(), .incarnation = owner.life()},
            {.poll = std::chrono::milliseconds(500)}, machine, std::move(handlers), *this) {}
SyncEdge::~SyncEdge() = default;

void SyncEdge::note(LogLevel, const std::string& text) {
  owner_.trace(text);
}

// Whoever is told to stop or to dial anew doesn't want what an earlier attempt finds.
void SyncEdge::dial_in(Instant wait) {
  owner_.later(wait, [this, attempt = ++dial_] {
    if (attempt != dial_) return;
    network_.connect(
        owner_, *other_.process,
        [other = other_.edge](const StreamPtr& stream) {
          if (SyncEdge* there = other()) there->accept(stream);
        },
        [this, attempt](const StreamPtr& stream) {
          if (attempt != dial_) return stream->close(0);
          Line& line = carry(stream, 0);
          heard_on_ = stream;
          pair_.connected(line, owner_.now());
          this->wait();
        },
        [this, attempt] {
          if (attempt == dial_) dial_in(std::chrono::milliseconds(300));
        });
  });
}

void SyncEdge::accept(const StreamPtr& stream) {
  Line& line = carry(stream, 1);
  telling_on_ = stream;
  pair_.accepted(line, owner_.now());
  wait();
}

SyncEdge::Line& SyncEdge::carry(const StreamPtr& stream, int side) {
  stream->on_closed(side, [this, weak = std::weak_ptr<Stream>(stream)](const std::string& why) {
    if (const StreamPtr gone = weak.lock()) closed(gone, why);
  });
  return *(lines_[stream] = std::make_unique<Line>(*this, stream, side));
}

void SyncEdge::arrived(const StreamPtr& stream, sync::Envelope envelope) {
  const auto line = lines_.find(stream);
  if (line == lines_.end()) return;
  const bool polled = envelope.has_poll();
  pair_.received(*line->second, envelope, owner_.now());
  if (polled && pair_.caught_up() && look_) look_();
  wait();
}

void SyncEdge::closed(const StreamPtr& stream, const std::string& why) {
  const auto line = lines_.find(stream);
  if (line == lines_.end()) return;
  pair_.closed(*line->second, why, owner_.now());
  let_go(stream);
  wait();
}

// Perhaps it is in use.
void SyncEdge::let_go(const StreamPtr& stream) {
  const auto line = lines_.find(stream);
  if (line == lines_.end()) return;
  owner_.later(Instant{0}, [gone = std::shared_ptr<Line>(std::move(line->second))] {});
  lines_.erase(line);
}

void SyncEdge::wait() {
  const Instant due = pair_.due();
  const Instant present = owner_.now().steady;
  if (due == Instant::max() || (armed_ > present && armed_ <= due)) return;
  armed_ = std::max(due, present);
  owner_.later(armed_ - present, [this] {
    pair_.check(owner_.now());
    wait();
  });
}

void SyncEdge::become_primary(std::uint64_t epoch) {
  pair_.become_primary(epoch, owner_.now());
  wait();
}

void SyncEdge::confirm(Instant limit, PairSync::Confirmed done) {
  pair_.confirm(limit, std::move(done), owner_.now());
  wait();
}

void SyncEdge::become_backup() {
  pair_.become_backup(owner_.now());
  wait();
}

}  // namespace tandem::simulation
