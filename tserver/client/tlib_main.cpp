#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "tserver/client/tlib.h"
#include "tserver/client/tlib_options.h"

namespace {

using namespace tandem;

int complain(const std::string& line, int exit_code) {
  std::fprintf(stderr, "tlib: %s\n", line.c_str());
  return exit_code;
}

// An open file, closed with its owner.
class File {
 public:
  explicit File(const std::string& name) : fd_(::open(name.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

int run(client::TlibOptions options) {
  client::Routes routes;
  for (const std::string& route : options.routes) {
    if (const auto failure = routes.add(route)) return complain("--route: " + failure->text, 2);
  }
  auto tls = client::tls_context(options.tls);
  if (!tls) return complain(tls.error().text, 1);

  const bool scripted = !options.script.empty();
  const File script(scripted ? options.script : "/dev/null");
  if (script.fd() < 0) return complain(options.script + ": " + std::strerror(errno), 1);
  client::TlibStreams streams;
  streams.input = scripted ? script.fd() : STDIN_FILENO;
  streams.output = [](const std::string& line) {
    std::puts(line.c_str());
    std::fflush(stdout);
  };
  streams.complaints = [](const std::string& line) { complain(line, 1); };
  streams.fatal = scripted || ::isatty(STDIN_FILENO) != 1;

  net::EventLoop loop;
  client::Tlib program(loop, std::move(options), std::move(*tls), std::move(routes), std::move(streams));
  for (const int signal : {SIGINT, SIGTERM}) loop.on_signal(signal, [&program] { program.stop(); });
  program.start();
  loop.run();
  return program.exit_code();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    auto options = client::parse_tlib_options(std::vector<std::string>(argv + 1, argv + argc));
    if (!options) return complain(options.error().text + "\n" + client::tlib_usage(), 2);
    if (options->help) return std::fputs(client::tlib_usage().c_str(), stdout) < 0 ? 1 : 0;
    return run(std::move(*options));
  } catch (const std::exception& error) {
    return complain(error.what(), 1);
  }
}
