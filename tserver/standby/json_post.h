// POSTs JSON to the first of several servers that answers, over HTTP/1.1 with or without TLS, one request at a time.
// The connection stays open between requests. After a failure the next request goes to the next server.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/net/loop.h"
#include "common/net/tls.h"

namespace tandem::tserver {

// "http://host:port" or "https://host:port"; an IPv6 address in brackets.
struct HttpServer {
  bool tls = false;
  std::string host;
  std::uint16_t port = 0;
};
Result<HttpServer, Failure> read_http_server(const std::string& text);
std::string to_string(const HttpServer& server);

struct JsonPostOptions {
  std::vector<HttpServer> servers;
  net::TlsOptions tls;                      // files, for those with TLS; their certificates must be made out for `host`
  std::chrono::milliseconds patience{500};  // for each request, from name to answer
  std::size_t longest = 1 << 20;            // answer, bytes
};

struct HttpReply {
  std::uint32_t status = 0;
  std::string body;
};

class JsonPost {
 public:
  using Answer = std::function<void(Result<HttpReply, Failure>)>;

  // A Failure: TLS files can't be used.
  static Result<std::unique_ptr<JsonPost>, Failure> make(net::EventLoop& loop, JsonPostOptions options);
  virtual ~JsonPost() = default;
  // `answer` is called once, later, unless this ends before. Not while another request is under way.
  virtual void post(const std::string& path, std::string body, Answer answer) = 0;
};

}  // namespace tandem::tserver
