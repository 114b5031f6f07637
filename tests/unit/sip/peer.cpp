#include "peer.h"

#include <arpa/inet.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

namespace tandem::connector::test {

Message Message::parse(const std::string& text) {
  Message out;
  out.text = text;
  const auto head_end = text.find("\r\n\r\n");
  out.body = head_end == std::string::npos ? "" : text.substr(head_end + 4);
  std::size_t at = 0;
  bool first = true;
  while (at < head_end && at < text.size()) {
    auto end = text.find("\r\n", at);
    if (end == std::string::npos) end = text.size();
    const auto line = text.substr(at, end - at);
    at = end + 2;
    if (first) {
      out.first = line;
      first = false;
      continue;
    }
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    const auto value = line.find_first_not_of(' ', colon + 1);
    out.headers.emplace_back(line.substr(0, colon), value == std::string::npos ? "" : line.substr(value));
  }
  return out;
}

std::string Message::uri() const {
  const auto a = first.find(' ');
  return first.substr(a + 1, first.find(' ', a + 1) - a - 1);
}

std::string Message::header(const std::string& name) const {
  const auto found = all(name);
  return found.empty() ? "" : found.front();
}

std::vector<std::string> Message::all(const std::string& name) const {
  std::vector<std::string> out;
  for (const auto& [key, value] : headers)
    if (strcasecmp(key.c_str(), name.c_str()) == 0) out.push_back(value);
  return out;
}

std::string Message::cseq_method() const {
  const auto value = header("CSeq");
  return value.substr(value.find(' ') + 1);
}

std::string Message::tag(const std::string& header_name) const {
  const auto value = header(header_name);
  const auto at = value.find(";tag=");
  return at == std::string::npos ? "" : value.substr(at + 5, value.find(';', at + 5) - at - 5);
}

std::string Message::branch() const {
  const auto value = header("Via");
  const auto at = value.find(";branch=");
  return at == std::string::npos ? "" : value.substr(at + 8, value.find(';', at + 8) - at - 8);
}

Peer::Peer(bool ipv6) : ipv6_(ipv6), ip_(ipv6 ? "[::1]" : "127.0.0.1") {
  fd_ = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_storage address{};
  socklen_t size = 0;
  if (ipv6) {
    auto& in6 = reinterpret_cast<sockaddr_in6&>(address);
    in6.sin6_family = AF_INET6;
    in6.sin6_addr = in6addr_loopback;
    size = sizeof in6;
  } else {
    auto& in4 = reinterpret_cast<sockaddr_in&>(address);
    in4.sin_family = AF_INET;
    in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    size = sizeof in4;
  }
  const int buffer = 8 << 20;
  setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  if (fd_ < 0 || bind(fd_, reinterpret_cast<sockaddr*>(&address), size) != 0)
    throw std::runtime_error("no socket for a peer");
  getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(ipv6 ? reinterpret_cast<sockaddr_in6&>(address).sin6_port
                     : reinterpret_cast<sockaddr_in&>(address).sin_port);
}

Peer::~Peer() {
  close(fd_);
}

void Peer::towards(const std::string& ip, std::uint16_t port) {
  sockaddr_storage address{};
  socklen_t size = 0;
  if (ipv6_) {
    auto& in6 = reinterpret_cast<sockaddr_in6&>(address);
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(port);
    inet_pton(AF_INET6, ip.c_str(), &in6.sin6_addr);
    size = sizeof in6;
  } else {
    auto& in4 = reinterpret_cast<sockaddr_in&>(address);
    in4.sin_family = AF_INET;
    in4.sin_port = htons(port);
    inet_pton(AF_INET, ip.c_str(), &in4.sin_addr);
    size = sizeof in4;
  }
  if (connect(fd_, reinterpret_cast<sockaddr*>(&address), size) != 0) throw std::runtime_error("can't connect a peer");
}

void Peer::send(const std::string& text) {
  [[maybe_unused]] const auto sent = ::send(fd_, text.data(), text.size(), 0);
}

std::optional<Message> Peer::next(std::chrono::steady_clock::time_point until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
  pollfd wait{fd_, POLLIN, 0};
  if (poll(&wait, 1, left > 0 ? static_cast<int>(left) : 0) <= 0) return std::nullopt;
  static thread_local std::array<char, 65536> buffer;
  const auto size = recv(fd_, buffer.data(), buffer.size(), 0);
  if (size < 0) return Message{};
  return Message::parse(std::string(buffer.data(), static_cast<std::size_t>(size)));
}

std::optional<Message> Peer::wait(const std::function<bool(const Message&)>& wanted, std::chrono::milliseconds time) {
  const auto until = std::chrono::steady_clock::now() + time;
  while (auto message = next(until)) {
    if (!message->first.empty() && wanted(*message)) return message;
    passed.push_back(std::move(*message));
  }
  return std::nullopt;
}

std::optional<Message> Peer::request(const std::string& method, std::chrono::milliseconds time) {
  return wait([&](const Message& m) { return m.method() == method; }, time);
}

std::optional<Message> Peer::response(int status, std::chrono::milliseconds time) {
  return wait([&](const Message& m) { return m.status() == status; }, time);
}

std::vector<Message> Peer::drain(std::chrono::milliseconds quiet) {
  std::vector<Message> out;
  while (auto message = next(std::chrono::steady_clock::now() + quiet)) out.push_back(std::move(*message));
  return out;
}

std::string Peer::address() const {
  return ip_ + ":" + std::to_string(port_);
}

std::string Peer::make(const std::string& method, const std::string& uri, const std::string& branch, int cseq,
                       const std::string& call_id, const std::string& to_tag, const std::string& body,
                       const std::string& more) const {
  return method + " " + uri + " SIP/2.0\r\nVia: SIP/2.0/UDP " + address() + ";branch=z9hG4bK" + branch +
         ";rport\r\nMax-Forwards: 70\r\nFrom: \"Alice\" <sip:alice@tandem.test>;tag=peer\r\nTo: <" + uri + ">" +
         (to_tag.empty() ? "" : ";tag=" + to_tag) + "\r\nCall-ID: " + call_id + "\r\nCSeq: " + std::to_string(cseq) +
         " " + method + "\r\nContact: <sip:alice@" + address() + ">\r\n" + more +
         (body.empty() ? "" : "Content-Type: application/sdp\r\n") + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

namespace {

std::string request_text(const std::string& method, const std::string& via, const std::string& uri,
                         const std::string& from, const std::string& to, const std::string& call_id, int cseq,
                         const std::string& contact, const std::string& more, const std::string& body) {
  static int branches = 0;
  return method + " " + uri + " SIP/2.0\r\nVia: SIP/2.0/UDP " + via + ";branch=z9hG4bKin" + std::to_string(++branches) +
         ";rport\r\nMax-Forwards: 70\r\nFrom: " + from + "\r\nTo: " + to + "\r\nCall-ID: " + call_id +
         "\r\nCSeq: " + std::to_string(cseq) + " " + method + "\r\nContact: <" + contact + ">\r\n" + more +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

std::string Peer::inside(const std::string& method, const Message& ok, int cseq, const std::string& more,
                         const std::string& body) const {
  return request_text(method, address(), "sip:tandem.test", ok.header("From"), ok.header("To"), ok.header("Call-ID"),
                      cseq, "sip:alice@" + address(), more, body);
}

std::string Peer::back(const std::string& method, const Message& invite, const std::string& tag, int cseq,
                       const std::string& more, const std::string& body) const {
  return request_text(method, address(), "sip:tandem.test", invite.header("To") + ";tag=" + tag, invite.header("From"),
                      invite.header("Call-ID"), cseq, "sip:bob@" + address(), more, body);
}

std::string Peer::answer(const Message& request, int status, const std::string& to_tag, const std::string& body,
                         const std::string& more) const {
  std::string out = "SIP/2.0 " + std::to_string(status) + " Whatever\r\n";
  for (const auto& via : request.all("Via")) out += "Via: " + via + "\r\n";
  for (const auto& record : request.all("Record-Route")) out += "Record-Route: " + record + "\r\n";
  out += "From: " + request.header("From") + "\r\nTo: " + request.header("To") +
         (to_tag.empty() || request.header("To").find(";tag=") != std::string::npos ? "" : ";tag=" + to_tag) +
         "\r\nCall-ID: " + request.header("Call-ID") + "\r\nCSeq: " + request.header("CSeq") + "\r\n";
  if (status < 300 || status >= 400) out += "Contact: <sip:bob@" + address() + ">\r\n";
  return out + more + (body.empty() ? "" : "Content-Type: application/sdp\r\n") +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace tandem::connector::test
