// Host names of SIP targets (RFC 3263: SRV, then addresses). Asked in a thread of its own, since the system's resolver
// blocks and is the one that knows the hosts file; what it returns sorted is put in random order here, so that callers
// of a name with several addresses spread over them.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/base/time.h"

namespace tandem::connector {

// What of a SIP URI decides where a request is sent.
struct SipHost {
  std::string host;        // without brackets
  std::uint16_t port = 0;  // 0: not given
  std::string transport;   // "udp", "tcp", "tls", empty: not given
  bool secure = false;     // sips
  bool name = false;       // neither an IPv4 nor an IPv6 address
};
SipHost sip_host(std::string_view uri);

struct SrvRecord {
  std::uint16_t priority = 0, weight = 0, port = 0;
  std::string target;
};
// The order to try them in: by priority, within one by weighted chance (RFC 2782).
std::vector<SrvRecord> srv_order(std::vector<SrvRecord> records, std::mt19937& chance);

// Questions to the resolver; tests have their own.
struct SipResolver {
  std::function<std::vector<SrvRecord>(const std::string& name)> srv;
  std::function<std::vector<std::string>(const std::string& host)> addresses;  // IPv4 and IPv6
  static SipResolver system();
};

// Every place a request to `to` may be sent, in the order to try: "sip:ip:port;transport=udp". Empty: nowhere.
std::vector<std::string> resolve(const SipHost& to, const SipResolver& resolver, std::mt19937& chance);

class SipNames {
 public:
  using Done = std::function<void(std::vector<std::string> hops)>;
  // `deliver` carries a result to the asker's thread.
  SipNames(SipResolver resolver, std::function<void(std::function<void()>)> deliver);
  ~SipNames();  // results not delivered yet are dropped
  SipNames(const SipNames&) = delete;
  SipNames& operator=(const SipNames&) = delete;

  // False: too many questions wait already.
  bool ask(SipHost to, Done done);

 private:
  struct Question {
    SipHost to;
    Done done;
  };
  void run();

  static constexpr std::size_t kWaitingMax = 1000;
  SipResolver resolver_;
  std::function<void(std::function<void()>)> deliver_;
  std::mt19937 chance_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Question> questions_;
  bool ending_ = false;
  std::thread thread_;  // begins with the first question
};

}  // namespace tandem::connector
