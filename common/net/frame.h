// Frames: a 4-byte big-endian length of what follows, then that many bytes. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/net/bytes.h"

namespace tandem::net {

inline constexpr std::size_t frame_head = 4;

// Writes the length that precedes `size` bytes.
inline void write_frame_head(char* to, std::uint32_t size) {
  to[0] = static_cast<char>(size >> 24);
  to[1] = static_cast<char>(size >> 16);
  to[2] = static_cast<char>(size >> 8);
  to[3] = static_cast<char>(size);
}

// Cuts a stream of bytes into frames. A frame that lies whole in what was fed is not copied.
class FrameDecoder {
 public:
  // A frame announced longer than `limit` bytes is an error at once; nothing is allocated for it.
  explicit FrameDecoder(std::size_t limit) : limit_(limit) {}

  // Borrows `bytes` until next() has returned nothing, or keep() was called.
  void feed(std::string_view bytes);
  // The next whole frame, valid until the next call of any member; nothing if more bytes are needed. After an error the
  // stream can't be continued.
  Result<std::optional<std::string_view>, Failure> next();
  // Copies what is left of the borrowed bytes, so that next() may be continued later.
  void keep();
  // Bytes held back for a frame that isn't complete, and for frames not taken yet.
  std::size_t waiting() const { return held_.size() - taken_ + fed_.size(); }

 private:
  std::size_t limit_;
  ByteQueue held_;         // what came earlier
  std::size_t taken_ = 0;  // bytes at the front of held_ that were returned as a frame
  std::string_view fed_;   // borrowed
};

}  // namespace tandem::net
