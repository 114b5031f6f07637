// Any bytes as a session description: a value or an error, and what is built of the value is a description again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "connector/core/offer_answer.h"

using namespace tandem::connector;

namespace {

void demand(bool condition) {
  if (!condition) std::abort();
}

// An answer to it, as the core writes one, is read back with the same formats.
void answer(const Remote& remote, const Payloads& payloads) {
  sdp::Local local;
  local.session = 1;
  local.version = 1;
  local.ip = "192.0.2.1";
  local.port = 20000;
  local.transport = remote.transport;
  local.direction = remote.direction;
  local.payloads = payloads;
  local.line = remote.line;
  local.others = remote.others;
  const auto text = sdp::write(local);
  const auto again = sdp::parse(text);
  if (text.size() > sdp::kSizeMax) return;
  demand(again.has_value());
  demand(again->media.size() == remote.others.size() + 1);
  const auto& media = again->media[remote.line];
  demand(media.port == 20000 && media.payloads.size() == payloads.size());
  for (std::size_t i = 0; i < payloads.size(); ++i) {
    demand(media.payloads[i].number == payloads[i].number && sdp::same_encoding(media.payloads[i], payloads[i]));
    demand(media.payloads[i].parameters == payloads[i].parameters);
  }
  for (std::size_t i = 0; i < again->media.size(); ++i) demand(i == remote.line || again->media[i].port == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)read_new_offer(text, 0);
  (void)read_answer(text, 0);
  const auto offer = read_offer(text);
  if (!offer) return 0;
  demand(first_sound(offer->payloads) != nullptr && !offer->ip.empty() && offer->rtp_port != 0);
  answer(*offer, offer->payloads);
  const auto own = own_share(offer->payloads);
  if (!own.empty()) answer(*offer, own);
  const auto onward = offer_for(own, offer->payloads, own_payloads({"PCMU", "PCMA", "G722", "opus"}));
  demand(onward.size() >= own.size());
  // Whoever takes all we offer leaves the caller something that flows.
  const auto settled = settle(onward, onward);
  demand(!settled.empty());
  const auto shared = share(offer->payloads, settled);
  demand(!shared.empty());
  answer(*offer, shared);
  return 0;
}
