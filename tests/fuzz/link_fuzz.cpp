// What a T-Server sends to a Connector: envelopes, before and after Hello, over two links that share one fence.
//
// The input is a row of steps: a byte that says which link (lowest bit) and how many seconds pass (the rest), two bytes
// of length, then one envelope. Whatever comes, a link that has ended says nothing more, our sequence has no gap, and
// the core is only commanded by a primary with the highest epoch, after its Snapshot.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "connector/link/session.h"
#include "connector/link/utf8.h"
#include "google/protobuf/stubs/logging.h"

namespace {

using namespace tandem;
using namespace tandem::connector;

void require(bool good) {
  if (!good) std::abort();
}

class Link {
 public:
  Link(LinkNo number, const LinkIdentity& identity, LinkFence& fence)
      : fence_(fence), session_(number, identity, fence, 0s) {
    LinkSession::Effects out;
    session_.start(out);
    look(out, false);
  }
  LinkSession::Effects give(std::string_view bytes, Instant now) {
    LinkSession::Effects out;
    const bool ended = session_.ended();
    link::Envelope envelope;
    if (envelope.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      const bool open = session_.takes_happenings();
      const std::uint64_t epoch = envelope.epoch();
      session_.received(envelope, now, out);
      for (const auto& input : out.inputs)
        if (std::holds_alternative<Commanded>(input)) require(open && session_.primary() && epoch == fence_.epoch);
    } else {
      session_.goodbye(link::Goodbye::PROTOCOL_ERROR, "a message that can't be read", out);
    }
    look(out, ended);
    return out;
  }
  void tick(Instant now) {
    LinkSession::Effects out;
    const bool ended = session_.ended();
    session_.check(now, out);
    look(out, ended);
  }
  void fenced() {
    LinkSession::Effects out;
    const bool ended = session_.ended();
    session_.fenced(out);
    look(out, ended);
  }

 private:
  void look(const LinkSession::Effects& out, bool ended) {
    if (ended) require(out.send.empty() && out.inputs.empty() && !out.close);
    for (const auto& envelope : out.send) require(envelope.sequence() == ++sent_ && envelope.IsInitialized());
    for (const auto& input : out.inputs) {
      if (std::holds_alternative<LinkOpened>(input)) {
        require(!open_);
        open_ = true;
        LinkSession::Effects snapshot;
        session_.snapshot(link::Snapshot(), snapshot);
        require(snapshot.send.size() == 1 && snapshot.send[0].sequence() == ++sent_);
      } else if (std::holds_alternative<LinkClosed>(input)) {
        require(open_ && session_.ended());
        open_ = false;
      } else {
        require(open_);
      }
    }
    require(!session_.takes_happenings() || !session_.ended());
    if (out.close) require(session_.ended());
  }
  LinkFence& fence_;
  LinkSession session_;
  std::uint64_t sent_ = 0;
  bool open_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const google::protobuf::LogSilencer quiet;
  std::string_view left(reinterpret_cast<const char*>(data), size);
  LinkIdentity identity;
  identity.application = "Connector_1";
  LinkFence fence;
  Link one(1, identity, fence);
  Link two(2, identity, fence);
  Instant now = 0s;
  std::uint64_t highest = 0;
  while (left.size() >= 3) {
    const auto head = static_cast<std::uint8_t>(left[0]);
    const std::size_t length = static_cast<std::uint8_t>(left[1]) << 8 | static_cast<std::uint8_t>(left[2]);
    left.remove_prefix(3);
    now += std::chrono::seconds(head >> 1);
    one.tick(now);
    two.tick(now);
    auto& link = (head & 1) != 0 ? two : one;
    const auto out = link.give(left.substr(0, length), now);
    left.remove_prefix(std::min(length, left.size()));
    if (out.fence_raised) ((head & 1) != 0 ? one : two).fenced();
    require(fence.epoch >= highest);
    highest = fence.epoch;
    for (const auto& input : out.inputs) {
      if (const auto* commanded = std::get_if<Commanded>(&input)) {
        auto command = commanded->command;
        make_utf8(command);
        require(link::Command().ParseFromString(command.SerializeAsString()));
      }
    }
  }
  return 0;
}
