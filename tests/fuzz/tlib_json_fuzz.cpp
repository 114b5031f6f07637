// T-Library JSON from a stranger: read, written and read again it must mean the same, and as a line of a script nothing
// may happen but a request, a directive or a failure in words.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tserver/client/json.h"
#include "tserver/client/script.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tandem;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto message = client::from_json_line(text)) {
    const std::string line = client::to_json_line(*message, client::ErrorNames::Add);
    if (line.find('\n') != std::string::npos) std::abort();
    const auto again = client::from_json_line(line, {.text = line.size(), .depth = 32});
    if (!again || client::to_json_line(*again, client::ErrorNames::Add) != line) std::abort();
    tlib::Message received;
    if (!received.ParseFromString(message->SerializeAsString())) std::abort();
  }
  client::Script script;
  if (const auto event =
          client::from_json_line(R"({"event":"EventRinging","ConnID":"0071024a1b2c3d4e","UserData":{"a":"b"}})")) {
    script.seen(*event);
  }
  for (std::size_t at = 0; at <= size;) {
    const std::size_t end = std::min(text.find('\n', at), size);
    script.add_line(std::string(text.substr(at, end - at)));
    at = end + 1;
  }
  while (script.lines_waiting() > 0) {
    const auto step = script.next();
    if (step && std::holds_alternative<client::Script::Wait>(*step)) script.timed_out();
  }
  return 0;
}
