// Host names of SIP targets (RFC 3263: NAPTR, SRV, then addresses). Asked in a thread of its own, since the system's
// resolver blocks and is the one that knows the hosts file; what it returns sorted is put in random order here, so that
// callers of a name with several addresses spread over them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::connector {

// What of a SIP URI decides where a request is sent.
struct SipHost {
  std::string host;        // without brackets; that of maddr where there is one
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

// What a domain speaks, in its own order (RFC 3403).
struct NaptrRecord {
  std::uint16_t order = 0, preference = 0;
  std::string service;      // "SIP+D2U", "SIP+D2T", "SIPS+D2T"; others are none of ours
  std::string replacement;  // the name to ask SRV for
};

// Questions to the resolver; tests have their own.
struct SipResolver {
  std::function<std::vector<SrvRecord>(const std::string& name)> srv;
  std::function<std::vector<std::string>(const std::string& host)> addresses;     // IPv4 and IPv6
  std::function<std::vector<NaptrRecord>(const std::string& domain)> naptr = {};  // empty: nobody has any
  static SipResolver system();
};

// Every place a request to `to` may be sent, in the order to try: "sip:ip:port;transport=udp"; over TLS
// "sip:name:port;transport=tls;maddr=ip", since the name is what the certificate must hold. Empty: nowhere.
std::vector<std::string> resolve(const SipHost& to, const SipResolver& resolver, std::mt19937& chance);

class SipNames {
 public:
  using Done = std::function<void(std::vector<std::string> hops)>;
  using Deliver = std::function<void(std::function<void()>)>;
  // `deliver` carries a result to the asker's thread; it must not block.
  SipNames(SipResolver resolver, Deliver deliver);
  // Nothing is delivered any more. Does not wait for a question under way: the resolver may take its time.
  ~SipNames();
  SipNames(const SipNames&) = delete;
  SipNames& operator=(const SipNames&) = delete;

  // False: too many questions wait already.
  bool ask(SipHost to, Done done);

 private:
  struct Shared;
  static void run(const std::shared_ptr<Shared>& shared);

  static constexpr std::size_t kWaitingMax = 1000;
  std::shared_ptr<Shared> shared_;
  bool begun_ = false;  // the thread, with the first question
};

}  // namespace tandem::connector
