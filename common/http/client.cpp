#include "common/http/client.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "common/http/wire.h"

namespace tandem::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;

constexpr std::size_t kLongestAnswer = 64 << 20;

// One request and its answer; the first failure is told.
class Exchange final : Wire::Handler {
 public:
  Exchange(const Ask& question, const net::TlsContextPtr& tls)
      : question_(question), deadline_(io_), wire_(Wire::make(Wire::Socket(io_), tls, question.host, *this)) {
    parser_.body_limit(kLongestAnswer);
    parser_.eager(true);
  }
  ~Exchange() override { wire_->close(); }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  Result<Response, Failure> run() {
    deadline_.expires_after(question_.patience);
    deadline_.async_wait([this](error_code error) {
      if (!error) over("no answer in time");
    });
    wire_->connect(question_.host, question_.port);
    io_.run();
    if (!why_.empty()) return Failure{why_};
    auto& message = parser_.get();
    return Response{message.result_int(), std::move(message.body()),
                    std::string(message[beast::http::field::content_type])};
  }

 private:
  void on_open() override {
    const bool v6 = question_.host.find(':') != std::string::npos;
    wire_->send(question_.method + " " + question_.target +
                " HTTP/1.1\r\nHost: " + (v6 ? "[" + question_.host + "]" : question_.host) + ":" +
                std::to_string(question_.port) + "\r\nX-Tandem: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    wire_->read();
  }

  void on_bytes(net::ByteQueue& bytes) override {
    error_code error;
    bytes.consume(parser_.put(asio::buffer(bytes.view().data(), bytes.size()), error));
    if (parser_.is_done()) return over({});
    if (error && error != beast::http::error::need_more) return over(error.message());
    wire_->read();
  }

  void on_end(const std::string& why) override {
    if (!why.empty()) return over(why);
    error_code incomplete;
    if (parser_.got_some()) parser_.put_eof(incomplete);
    over(parser_.is_done() ? "" : "the answer is not whole");
  }

  void over(const std::string& why) {
    why_ = why;
    deadline_.cancel();
    wire_->close();
  }

  const Ask& question_;
  asio::io_context io_{1};
  asio::steady_timer deadline_;
  std::shared_ptr<Wire> wire_;
  beast::http::response_parser<beast::http::string_body> parser_;
  std::string why_;
};

}  // namespace

Result<Response, Failure> ask(const Ask& question) {
  net::TlsContextPtr tls;
  if (question.tls) {
    auto made = net::TlsContext::make(net::TlsSide::Client, *question.tls);
    if (!made) return made.error();
    tls = std::move(*made);
  }
  return Exchange(question, tls).run();
}

}  // namespace tandem::http
