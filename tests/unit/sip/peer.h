// A SIP peer that does nothing by itself: sends what a test writes, hands over what comes. UDP on loopback.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tandem::connector::test {

using namespace std::chrono_literals;

struct Message {
  std::string first;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string text;

  static Message parse(const std::string& text);
  bool response() const { return first.rfind("SIP/2.0 ", 0) == 0; }
  int status() const { return response() ? std::stoi(first.substr(8, 3)) : 0; }
  std::string method() const { return response() ? std::string() : first.substr(0, first.find(' ')); }
  std::string uri() const;                            // Request-URI
  std::string header(const std::string& name) const;  // first, empty if absent
  std::vector<std::string> all(const std::string& name) const;
  std::string cseq_method() const;
  std::string tag(const std::string& header_name) const;  // of From or To
  std::string branch() const;
};

class Peer {
 public:
  explicit Peer(bool ipv6 = false);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void towards(const std::string& ip, std::uint16_t port);
  void send(const std::string& text);
  // The next message that `wanted` takes; what comes before it is kept in `passed`.
  std::optional<Message> wait(const std::function<bool(const Message&)>& wanted, std::chrono::milliseconds time = 5s);
  std::optional<Message> request(const std::string& method, std::chrono::milliseconds time = 5s);
  std::optional<Message> response(int status, std::chrono::milliseconds time = 5s);  // not 100
  std::vector<Message> drain(std::chrono::milliseconds quiet);  // everything until nothing came for so long

  std::string address() const;  // "127.0.0.1:40000"
  std::uint16_t port() const { return port_; }

  // A request outside a dialog. `more`: further header lines, each with CRLF.
  std::string make(const std::string& method, const std::string& uri, const std::string& branch, int cseq,
                   const std::string& call_id, const std::string& to_tag = "", const std::string& body = "",
                   const std::string& more = "") const;
  // A request in the dialog that `ok`, a 2xx to our INVITE, made; `more` as above, with Content-Type where there is a
  // body.
  std::string inside(const std::string& method, const Message& ok, int cseq, const std::string& more = "",
                     const std::string& body = "") const;
  // The same in a dialog that their `invite` began and our 2xx or 1xx with the tag `tag` made.
  std::string back(const std::string& method, const Message& invite, const std::string& tag, int cseq,
                   const std::string& more = "", const std::string& body = "") const;
  // A response to `request`.
  std::string answer(const Message& request, int status, const std::string& to_tag, const std::string& body = "",
                     const std::string& more = "") const;

  std::vector<Message> passed;

 private:
  std::optional<Message> next(std::chrono::steady_clock::time_point until);
  int fd_ = -1;
  bool ipv6_ = false;
  std::uint16_t port_ = 0;
  std::string ip_;
};

inline constexpr char kOffer[] =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
inline constexpr char kAnswer[] =
    "v=0\r\no=- 2 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 5000 RTP/AVP 0\r\n";

}  // namespace tandem::connector::test
