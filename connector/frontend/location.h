// Where the phones are: bindings of addresses of record (RFC 3261 section 10), those registered here and those learned
// from other Connectors. State only; who may change it is decided elsewhere.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "common/base/time.h"
#include "connector/core/admission.h"
#include "connector/core/directory.h"
#include "proto/link.pb.h"

namespace tandem::connector {

struct Binding {
  std::string uri;  // Contact as the phone wrote it
  std::string instance;
  std::string call_id;
  std::uint32_t cseq = 0;
  std::uint16_t q_milli = 1000;
  Instant expires{0};
  Origin origin;                  // where it registered from
  std::vector<std::string> path;  // RFC 3327
  std::string next_hop;           // as in Target, empty: follow the uri
  std::string connector;          // who told us of it, empty: registered here
  bool by_digest = false;
  std::uint64_t order = 0;  // rises with each registration: the latest of equal q comes first
};

// The place to send to for a contact registered from `origin`, empty if the contact can be followed as it is:
// connections are used again, and a contact whose address means nothing here while the request came from elsewhere
// (NAT) is replaced.
std::string next_hop_of(const std::string& contact, const Origin& origin);

// "ip:port;transport", as link::Contact::path has it, and back.
std::string flow_text(const Origin& origin);
std::optional<Origin> flow_from(const std::string& text);

class Location {
 public:
  // Bindings registered here, in no particular order; null if none.
  const std::vector<Binding>* local(const Dn& aor) const;

  struct Change {
    std::vector<Binding> set;         // replaces those with an equal uri or instance
    std::vector<std::string> remove;  // uris
    bool remove_all = false;
  };
  // Beyond `limit` contacts the oldest go.
  void apply(const Dn& aor, const Change& change, std::size_t limit);
  void learn(const link::Registration& registration, Now now);
  // Registered here before the process was started anew.
  void restore(const link::Registration& registration, Now now, std::size_t limit);
  void forget(const Dn& aor);  // all of it, learned too
  void connection_closed(const Origin& origin);

  std::optional<Instant> next_expiry() const;
  void expire(Instant now);

  // By falling q, latest first.
  std::vector<Target> targets(const Dn& aor) const;
  bool flow_proved(const Dn& aor, const Origin& origin) const;
  // Target::phone of who registered over that connection, empty if nobody did.
  std::string phone_at(const Dn& aor, const Origin& flow) const;
  // A binding hangs on that connection, which is still there as far as we were told.
  bool connected(const Dn& aor, const Origin& flow) const;

  std::vector<Dn> aors() const;  // known here or learned
  std::size_t contacts() const { return contacts_; }
  link::Registration registration(const Dn& aor, const std::string& connector, Now now) const;
  std::vector<Dn> registered_here() const;
  // Addresses of record whose local bindings changed since the last call.
  std::vector<Dn> take_changed();

 private:
  struct Entry {
    std::vector<Binding> here;
    std::map<std::string, std::vector<Binding>> elsewhere;  // by application name of the Connector
    std::optional<Instant> due;
  };
  void settle(const Dn& aor, std::size_t contacts_before);
  template <class Matches>
  std::size_t drop(std::vector<Binding>& here, const Matches& matches);
  static std::size_t count(const Entry& entry);

  std::unordered_map<Dn, Entry> entries_;
  std::set<std::pair<Instant, Dn>> due_;
  std::set<Dn> changed_;
  std::multiset<std::string> connections_;  // TCP and TLS flows of local bindings
  std::size_t contacts_ = 0;
  std::uint64_t order_ = 0;
};

}  // namespace tandem::connector
