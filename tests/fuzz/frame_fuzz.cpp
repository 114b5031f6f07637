// What comes from the network before anybody knows who sent it: frames, T-Library messages, link envelopes.
//
// First byte: how the rest is cut into reads. The rest is the stream. However it is cut, the same frames must come out;
// every frame then goes through the clients' intake and through a CTI link session.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "common/net/frame.h"
#include "google/protobuf/stubs/logging.h"
#include "tserver/clients/intake.h"
#include "tserver/links/session.h"

namespace {

using namespace tandem;
using tserver::LinkSession;

constexpr std::size_t frame_limit = 4096;

void require(bool good) {
  if (!good) std::abort();
}

struct Cut {
  std::vector<std::string> frames;
  std::string failure;
};

Cut decode(std::string_view stream, std::size_t piece, bool keep) {
  Cut cut;
  net::FrameDecoder decoder(frame_limit);
  while (!stream.empty() && cut.failure.empty()) {
    const std::string read(stream.substr(0, piece));  // exactly as long as it is, for ASan
    stream.remove_prefix(read.size());
    decoder.feed(read);
    while (true) {
      const auto next = decoder.next();
      if (!next) {
        cut.failure = next.error().text;
        break;
      }
      if (!*next) break;
      require((*next)->size() <= frame_limit);
      cut.frames.emplace_back(**next);
      if (keep) decoder.keep();
    }
    require(decoder.waiting() <= frame_limit + net::frame_head + piece);
  }
  return cut;
}

void hear(LinkSession& session, const std::string& frame) {
  link::Envelope envelope;
  LinkSession::Effects effects;
  if (envelope.ParseFromString(frame)) {
    session.received(std::move(envelope), std::chrono::seconds(1), effects);
  } else {
    session.malformed(effects);
  }
  // A session that is over says so last, and says nothing more.
  for (std::size_t i = 0; i + 1 < effects.size(); ++i) require(!std::holds_alternative<LinkSession::Over>(effects[i]));
  require(effects.size() <= 2);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool silent = [] {
    google::protobuf::SetLogHandler(nullptr);
    return true;
  }();
  static_cast<void>(silent);
  if (size == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Cut whole = decode(stream, stream.size() + 1, false);
  const Cut cut = decode(stream, 1 + data[0] % 64u, (data[0] & 0x80) != 0);
  require(whole.frames == cut.frames);
  require(whole.failure == cut.failure);

  LinkSession fresh({});
  LinkSession up({});
  LinkSession::Effects effects;
  fresh.connected(Instant{0}, effects);
  up.connected(Instant{0}, effects);
  link::Envelope hello;
  hello.set_sequence(1);
  hello.mutable_hello()->set_major(tserver::link_major);
  up.received(hello, Instant{0}, effects);
  link::Envelope snapshot;
  snapshot.set_sequence(2);
  snapshot.mutable_snapshot();
  up.received(snapshot, Instant{0}, effects);
  require(up.up());
  for (const std::string& frame : whole.frames) {
    const tserver::Intake taken = tserver::take_in(frame);
    if (const auto* error = std::get_if<tserver::Answerable>(&taken)) require(error->error.has_referenceid());
    hear(fresh, frame);
    hear(up, frame);
  }
  return 0;
}
