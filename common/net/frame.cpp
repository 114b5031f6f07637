#include "common/net/frame.h"

#include <algorithm>

namespace tandem::net {
namespace {

std::size_t announced(std::string_view head) {
  const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(head[i])); };
  return byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
}

Failure too_long(std::size_t size, std::size_t limit) {
  return Failure{"a frame of " + std::to_string(size) + " bytes was announced, at most " + std::to_string(limit) +
                 " are accepted"};
}

}  // namespace

void FrameDecoder::feed(std::string_view bytes) {
  keep();
  fed_ = bytes;
}

void FrameDecoder::keep() {
  if (taken_ > 0) {
    held_.consume(taken_);
    taken_ = 0;
  }
  held_.append(fed_);
  fed_ = {};
}

Result<std::optional<std::string_view>, Failure> FrameDecoder::next() {
  if (taken_ > 0) {
    held_.consume(taken_);
    taken_ = 0;
  }
  const auto take = [this](std::size_t count) {
    count = std::min(count, fed_.size());
    held_.append(fed_.substr(0, count));
    fed_.remove_prefix(count);
  };
  if (held_.empty()) {
    if (fed_.size() < frame_head) {
      keep();
      return std::optional<std::string_view>{};
    }
    const std::size_t size = announced(fed_);
    if (size > limit_) return too_long(size, limit_);
    if (fed_.size() - frame_head < size) {
      keep();
      return std::optional<std::string_view>{};
    }
    const std::string_view frame = fed_.substr(frame_head, size);
    fed_.remove_prefix(frame_head + size);
    return std::optional(frame);
  }
  if (held_.size() < frame_head) take(frame_head - held_.size());
  if (held_.size() < frame_head) return std::optional<std::string_view>{};
  const std::size_t size = announced(held_.view());
  if (size > limit_) return too_long(size, limit_);
  const std::size_t whole = frame_head + size;
  if (held_.size() < whole) take(whole - held_.size());
  if (held_.size() < whole) return std::optional<std::string_view>{};
  taken_ = whole;
  return std::optional(held_.view().substr(frame_head, size));
}

}  // namespace tandem::net
