// The inside of FrontEnd, shared by its source files; not for anybody else.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "connector/frontend/dial_plan.h"
#include "connector/frontend/digest.h"
#include "connector/frontend/flows.h"
#include "connector/frontend/front_end.h"
#include "connector/frontend/limits.h"
#include "connector/frontend/location.h"

namespace tandem::connector {

Reply refusal(int status, std::string reason);
bool graphic(std::string_view text);  // printable ASCII without blanks, and not empty
SourceRules source_rules(const FrontEndSettings& settings);
DigestGuard::Rules digest_rules(const FrontEndSettings& settings);

struct FrontEnd::Parts {
  std::shared_ptr<const FrontEndSettings> settings;
  DialPlan plan;
  Location location;
  DigestGuard digest;
  SourceLimits limits;
  FlowTokens flows;
  std::vector<CoreLog> log;

  void note(LogLevel level, std::string text);
  Reply challenge(bool stale, Now now);
  std::optional<Reply> may_not_call(const Meaning& to) const;
  // As the other Connectors are told it: what hangs on a connection is reached through us.
  link::Registration shared(const Dn& aor, Now now) const;

  // Who the credentials prove: the phone in `domain_of`'s domain with the user name they carry. A refusal else.
  std::variant<Dn, Reply> prove(const RequestFacts& facts, const Uri& claimed, Now now);
};

}  // namespace tandem::connector
