// Lines of a file descriptor, terminal, pipe or file alike, read on the event loop without changing the descriptor's
// modes: they belong to the shell as well.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "common/net/loop.h"

namespace tandem::client {

class LineReader {
 public:
  static constexpr std::size_t longest_line = 1 << 20;
  using OnLine = std::function<void(std::string line)>;
  using OnEnd = std::function<void(const std::string& failure)>;  // empty: a proper end

  // Does not close `fd`. A last line need not end with a line feed.
  LineReader(net::EventLoop& loop, int fd, OnLine on_line, OnEnd on_end);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  // Reads on while it is on. Lines of a piece already read still come.
  void read(bool on);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tandem::client
