// What an address means: a DN of ours, a number of some trunk, or something foreign; and whose an address is. Built
// from the settings, never changed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "connector/core/admission.h"
#include "connector/frontend/address.h"
#include "connector/frontend/settings.h"

namespace tandem::connector {

struct Meaning {
  enum class Kind {
    LocalDn,  // dn is set
    Nobody,   // in a domain of ours, but neither a DN nor a number
    Number,   // number is set
    Foreign,  // a URI of another domain
    Malformed
  };
  Kind kind = Kind::Malformed;
  Dn dn;
  const LocalDn* local = nullptr;
  std::string number;
};

class DialPlan {
 public:
  explicit DialPlan(std::shared_ptr<const FrontEndSettings> settings);

  // Of a Request-URI, a DN name, a short name ("alice") or a number.
  Meaning meaning(std::string_view address) const;
  bool local_host(const Uri& uri) const;
  // One of our listeners, as a Via's sent-by names it.
  bool ours(std::string_view sent_by) const;

  // The trunk that serves a number: longest prefix, then the order of the file. Null: none.
  const Trunk* trunk_of(std::string_view number) const;
  // The trunk a request came from: by a name in its certificate, or by its address where the trunk needs none. Over UDP
  // the port counts too.
  const Trunk* trunk_from(const Origin& origin) const;
  // The trunk whose address it is, but not the certificate that the trunk must show.
  const Trunk* trunk_unproved(const Origin& origin) const;
  bool from_proxy(const Origin& origin) const;
  // The URI points at a trunk, at the proxy or at ourselves: nobody may register that as a contact.
  bool infrastructure(const Uri& uri) const;

 private:
  static bool matches(const std::string& address, const Origin& origin);
  const Trunk* trunk_at(const Origin& origin, bool certified) const;
  std::optional<Meaning> local_dn(const std::string& user, const std::string& host) const;

  std::shared_ptr<const FrontEndSettings> settings_;
  std::unordered_set<std::string> domains_;
  std::unordered_set<std::string> own_;               // "host:port"
  std::unordered_map<std::string, Dn> associations_;  // number without + -> DN
  struct Known {
    const Trunk* trunk;
    std::vector<std::string> addresses;  // "ip" or "ip:port"
  };
  std::vector<Known> trunks_;
};

}  // namespace tandem::connector
