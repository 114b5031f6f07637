#include "tserver/client/line_reader.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace tandem::client {

namespace asio = boost::asio;

struct LineReader::Impl : std::enable_shared_from_this<Impl> {
  Impl(net::EventLoop& owner, int descriptor, OnLine line, OnEnd end)
      : loop(owner), fd(descriptor), input(owner.context()), on_line(std::move(line)), on_end(std::move(end)) {
    struct stat status {};
    const bool known = ::fstat(fd, &status) == 0;
    // A regular file, or /dev/null, is always ready and can't be waited for.
    waits = known && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) || ::isatty(fd) == 1);
    if (waits) input.assign(fd);
  }
  ~Impl() {
    if (input.is_open()) input.release();
  }

  void next() {
    if (!wanted || under_way || ended) return;
    under_way = true;
    const auto ready = [self = shared_from_this()] {
      self->under_way = false;
      if (!self->stopped) self->take();
    };
    if (!waits) return loop.post(ready);
    input.async_wait(asio::posix::stream_descriptor::wait_read, [ready](const boost::system::error_code& error) {
      if (error != asio::error::operation_aborted) ready();
    });
  }

  void take() {
    std::array<char, 16384> bytes;
    const ssize_t count = ::read(fd, bytes.data(), bytes.size());
    if (count < 0) {
      if (errno == EINTR || errno == EAGAIN) return next();
      return end(std::error_code(errno, std::generic_category()).message());
    }
    if (count == 0) {
      if (!rest.empty()) on_line(std::exchange(rest, {}));
      return stopped ? void() : end({});
    }
    rest.append(bytes.data(), static_cast<std::size_t>(count));
    std::size_t begin = 0;
    for (auto feed = rest.find('\n'); feed != std::string::npos; feed = rest.find('\n', begin)) {
      on_line(rest.substr(begin, feed - begin));
      if (stopped) return;
      begin = feed + 1;
    }
    rest.erase(0, begin);
    if (rest.size() > longest_line) return end("a line is longer than " + std::to_string(longest_line) + " bytes");
    next();
  }

  void end(const std::string& failure) {
    ended = true;
    on_end(failure);
  }

  net::EventLoop& loop;
  int fd;
  asio::posix::stream_descriptor input;
  OnLine on_line;
  OnEnd on_end;
  std::string rest;
  bool waits = false;
  bool wanted = false;
  bool under_way = false;
  bool ended = false;
  bool stopped = false;  // the reader is gone
};

LineReader::LineReader(net::EventLoop& loop, int fd, OnLine on_line, OnEnd on_end)
    : impl_(std::make_shared<Impl>(loop, fd, std::move(on_line), std::move(on_end))) {}

LineReader::~LineReader() {
  impl_->stopped = true;
  if (impl_->input.is_open()) impl_->input.release();  // ends the wait
}

void LineReader::read(bool on) {
  impl_->wanted = on;
  impl_->next();
}

}  // namespace tandem::client
