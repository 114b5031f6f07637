#include "common/http/client.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>

#include "common/http/tls_context.h"

namespace tandem::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kLongestAnswer = 64 << 20;

// Steps of one request, each begun by the one before; the first error is told.
template <class Stream>
class Exchange {
 public:
  Exchange(const Ask& question, Stream& stream) : question_(question), stream_(stream) {
    request_.method_string(question.method);
    request_.target(question.target);
    request_.version(11);
    request_.set(beast::http::field::host, question.host);
    request_.set("X-Tandem", "1");
    request_.keep_alive(false);
    parser_.body_limit(kLongestAnswer);
  }

  void connect(const tcp::resolver::results_type& addresses) {
    beast::get_lowest_layer(stream_).expires_after(question_.patience);
    beast::get_lowest_layer(stream_).async_connect(addresses, [this](error_code error, const tcp::endpoint&) {
      if (error) return failed(error);
      if constexpr (std::is_same_v<Stream, beast::tcp_stream>) {
        write();
      } else {
        stream_.async_handshake(asio::ssl::stream_base::client, [this](error_code shaken) {
          if (shaken) return failed(shaken);
          write();
        });
      }
    });
  }

  Result<Response, Failure> result() {
    if (!why_.empty()) return Failure{why_};
    auto& message = parser_.get();
    return Response{message.result_int(), std::move(message.body()),
                    std::string(message[beast::http::field::content_type])};
  }

 private:
  void failed(error_code error) { why_ = error == beast::error::timeout ? "no answer in time" : error.message(); }
  void write() {
    beast::http::async_write(stream_, request_, [this](error_code error, std::size_t) {
      if (error) return failed(error);
      beast::http::async_read(stream_, buffer_, parser_, [this](error_code read, std::size_t) {
        if (read) failed(read);
      });
    });
  }

  const Ask& question_;
  Stream& stream_;
  beast::http::request<beast::http::empty_body> request_;
  beast::http::response_parser<beast::http::string_body> parser_;
  beast::flat_buffer buffer_;
  std::string why_;
};

template <class Stream>
Result<Response, Failure> run(const Ask& question, asio::io_context& io, Stream& stream) {
  error_code error;
  tcp::resolver resolver(io);
  const auto addresses = resolver.resolve(question.host, std::to_string(question.port), error);
  if (error) return Failure{"host " + question.host + " is not known: " + error.message()};
  Exchange<Stream> exchange(question, stream);
  exchange.connect(addresses);
  io.run();
  return exchange.result();
}

}  // namespace

Result<Response, Failure> ask(const Ask& question) {
  asio::io_context io{1};
  if (!question.tls) {
    beast::tcp_stream stream(io);
    return run(question, io, stream);
  }
  const auto context = make_ssl_context(net::TlsSide::Client, *question.tls);
  if (!context) return context.error();
  beast::ssl_stream<beast::tcp_stream> stream(io, **context);
  stream.set_verify_callback(asio::ssl::host_name_verification(question.host));
  SSL_set_tlsext_host_name(stream.native_handle(), question.host.c_str());
  return run(question, io, stream);
}

}  // namespace tandem::http
