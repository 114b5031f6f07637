#include "common/net/frame.h"

#include <catch2/catch.hpp>
#include <random>
#include <vector>

using tandem::net::FrameDecoder;

namespace {

std::string frame(const std::string& body) {
  std::string bytes(tandem::net::frame_head, '\0');
  tandem::net::write_frame_head(bytes.data(), static_cast<std::uint32_t>(body.size()));
  return bytes + body;
}

// Everything that can be taken now; `failure` is set at an error.
std::vector<std::string> take(FrameDecoder& decoder, std::string* failure = nullptr) {
  std::vector<std::string> frames;
  while (true) {
    const auto next = decoder.next();
    if (!next) {
      if (failure != nullptr) *failure = next.error().text;
      return frames;
    }
    if (!*next) return frames;
    frames.emplace_back(**next);
  }
}

}  // namespace

TEST_CASE("the length is big endian") {
  CHECK(frame(std::string(258, 'x')).substr(0, 4) == std::string("\0\0\1\2", 4));
}

TEST_CASE("frames come out as they went in, however they are cut") {
  std::mt19937 random(7);
  std::vector<std::string> sent;
  std::string stream;
  for (int i = 0; i < 300; ++i) {
    const std::size_t size = i % 10 == 0 ? 0 : random() % (i % 50 == 7 ? 9000 : 120);
    sent.emplace_back(size, static_cast<char>('a' + i % 26));
    stream += frame(sent.back());
  }
  for (const std::size_t longest :
       {std::size_t{1}, std::size_t{3}, std::size_t{64}, std::size_t{5000}, stream.size()}) {
    FrameDecoder decoder(10000);
    std::vector<std::string> received;
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t count = std::min(stream.size() - at, longest == 1 ? 1 : 1 + random() % longest);
      const std::string piece = stream.substr(at, count);  // a copy, so that a view kept too long is seen by ASan
      decoder.feed(piece);
      at += count;
      if (random() % 4 == 0) {  // whoever takes frames stops in the middle
        if (const auto first = decoder.next(); first && *first) received.emplace_back(**first);
        decoder.keep();
      } else {
        for (auto& one : take(decoder)) received.push_back(std::move(one));
      }
    }
    for (auto& one : take(decoder)) received.push_back(std::move(one));
    CHECK(received == sent);
    CHECK(decoder.waiting() == 0);
  }
}

TEST_CASE("a frame that lies whole in the input is not copied") {
  const std::string bytes = frame("hello");
  FrameDecoder decoder(100);
  decoder.feed(bytes);
  const auto next = decoder.next();
  REQUIRE((next && *next));
  CHECK((*next)->data() == bytes.data() + 4);
}

TEST_CASE("a frame above the limit is refused at its announcement") {
  std::string failure;
  SECTION("4 GiB, with nothing behind it") {
    FrameDecoder decoder(1 << 20);
    decoder.feed(std::string_view("\xff\xff\xff\xff", 4));
    CHECK(take(decoder, &failure).empty());
    CHECK(failure == "a frame of 4294967295 bytes was announced, at most 1048576 are accepted");
    CHECK(decoder.waiting() <= 4);
  }
  SECTION("the head in two pieces, behind a good frame") {
    FrameDecoder decoder(10);
    const std::string head = frame("good") + std::string("\0\0", 2);
    decoder.feed(head);
    CHECK(take(decoder, &failure) == std::vector<std::string>{"good"});
    CHECK(failure.empty());
    decoder.feed(std::string_view("\0\x0b", 2));
    CHECK(take(decoder, &failure).empty());
    CHECK(failure == "a frame of 11 bytes was announced, at most 10 are accepted");
  }
  SECTION("the limit itself is good") {
    FrameDecoder decoder(10);
    const std::string bytes = frame("0123456789");
    decoder.feed(bytes);
    CHECK(take(decoder, &failure) == std::vector<std::string>{"0123456789"});
    CHECK(failure.empty());
  }
}
