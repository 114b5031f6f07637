// JSON over HTTP on loopback, against servers that answer, don't, or answer nonsense.
#include "tserver/standby/json_post.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>
#include <list>

using namespace tandem;
using namespace tandem::tserver;
using boost::asio::ip::tcp;
using boost::system::error_code;

namespace {

// Answers each request with the next of its answers; with none left it says nothing.
class Gateway {
 public:
  explicit Gateway(net::EventLoop& loop) : acceptor_(loop.context(), {boost::asio::ip::address_v4::loopback(), 0}) {
    accept();
  }
  HttpServer server() const { return {false, "127.0.0.1", acceptor_.local_endpoint().port()}; }

  std::list<std::string> answers;
  std::vector<std::string> requests;
  int connections = 0;

 private:
  struct Peer {
    explicit Peer(tcp::socket made) : socket(std::move(made)) {}
    tcp::socket socket;
    std::string received;
  };

  void accept() {
    acceptor_.async_accept([this](error_code error, tcp::socket socket) {
      if (error) return;
      ++connections;
      read(peers_.emplace_back(std::move(socket)));
      accept();
    });
  }
  void read(Peer& peer) {
    // Bodies end with a brace here.
    boost::asio::async_read_until(peer.socket, boost::asio::dynamic_buffer(peer.received), "}",
                                  [this, &peer](error_code error, std::size_t) {
                                    if (error) return;
                                    requests.push_back(std::exchange(peer.received, {}));
                                    if (answers.empty()) return;
                                    const std::string answer = answers.front();
                                    answers.pop_front();
                                    boost::asio::write(peer.socket, boost::asio::buffer(answer), error);
                                    read(peer);
                                  });
  }

  tcp::acceptor acceptor_;
  std::list<Peer> peers_;
};

std::string ok(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string ask(net::EventLoop& loop, JsonPost& post) {
  std::string said;
  post.post("/v3/kv/range", R"({"key":"x"})", [&](const Result<HttpReply, Failure>& reply) {
    said = reply ? std::to_string(reply->status) + " " + reply->body : reply.error().text;
    loop.stop();
  });
  CHECK(said.empty());
  loop.run();
  return said;
}

std::unique_ptr<JsonPost> poster(net::EventLoop& loop, std::vector<HttpServer> servers) {
  JsonPostOptions options;
  options.servers = std::move(servers);
  options.patience = 200ms;
  options.longest = 100;
  auto made = JsonPost::make(loop, std::move(options));
  REQUIRE(made.has_value());
  return std::move(*made);
}

}  // namespace

TEST_CASE("requests follow each other on one connection") {
  net::EventLoop loop;
  Gateway gateway(loop);
  const auto post = poster(loop, {gateway.server()});
  gateway.answers = {ok("{}"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{1}\r\n0\r\n\r\n",
                     "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}"};
  CHECK(ask(loop, *post) == "200 {}");
  CHECK(ask(loop, *post) == "200 {1}");
  CHECK(ask(loop, *post) == "404 {}");
  CHECK(gateway.connections == 1);
  const std::string port = std::to_string(gateway.server().port);
  CHECK(gateway.requests[0] == "POST /v3/kv/range HTTP/1.1\r\nHost: 127.0.0.1:" + port +
                                   "\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"key\":\"x\"}");
}

TEST_CASE("after a failure the next server is asked, and stays it") {
  net::EventLoop loop;
  Gateway silent(loop), sick(loop), well(loop);
  HttpServer refusing = silent.server();
  refusing.port = 1;
  const auto post = poster(loop, {refusing, silent.server(), sick.server(), well.server()});
  sick.answers = {"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n{}"};
  well.answers = {ok("{1}"), ok("{2}")};
  CHECK(ask(loop, *post) == "http://127.0.0.1:1: Connection refused");
  CHECK(ask(loop, *post) == to_string(silent.server()) + ": no answer in time");
  CHECK(ask(loop, *post) == "503 {}");
  CHECK(ask(loop, *post) == "200 {1}");
  CHECK(ask(loop, *post) == "200 {2}");
  CHECK(well.connections == 1);
}

TEST_CASE("an answer that is too long, no HTTP, or cut off is a failure") {
  net::EventLoop loop;
  Gateway gateway(loop);
  const auto post = poster(loop, {gateway.server()});
  gateway.answers = {ok(std::string(101, 'x')), "SSH-2.0-OpenSSH\r\n\r\n",
                     "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", ok("{}")};
  const std::string who = to_string(gateway.server()) + ": ";
  CHECK(ask(loop, *post) == who + "body limit exceeded");
  CHECK(ask(loop, *post) == who + "bad version");
  CHECK(ask(loop, *post) == "200 {}");
  CHECK(ask(loop, *post) == "200 {}");
  CHECK(gateway.connections == 4);
}

TEST_CASE("endpoints are read") {
  const auto read = [](const std::string& text) {
    const auto server = read_http_server(text);
    return server ? to_string(*server) : server.error().text;
  };
  CHECK(read("http://10.0.0.1:2379") == "http://10.0.0.1:2379");
  CHECK(read("https://etcd1.example:2379/") == "https://etcd1.example:2379");
  CHECK(read("etcd1:2379") == "http://etcd1:2379");
  CHECK(read("https://[2001:db8::1]:2379") == "https://[2001:db8::1]:2379");
  for (const std::string wrong : {"", "http://", "etcd1", "http://:1", "etcd1:0", "etcd1:70000", "etcd1:1x", "a b:1",
                                  "http://u:p@etcd1:1", "2001:db8::1:2379", "ftp://etcd1:1"}) {
    CHECK(read(wrong) ==
          "endpoint \"" + wrong + "\" is not understood; expected http://host:port or https://host:port");
  }
}
