#include "tserver/features/calling.h"

#include <algorithm>

#include "tserver/features/destination.h"
#include "tserver/model/kv.h"

namespace tandem::tserver {
namespace {

const DialPlan* dial_plan(const Core& core, std::string_view pool) {
  const auto& plans = core.settings().dial_plans;
  const auto it = plans.find(std::string(pool));
  return it == plans.end() ? nullptr : &it->second;
}

// What was dialed, without what a URI of ours, or of a telephone, puts around it: "sip:1234@ours;x=y" is 1234.
std::string_view inner(const Core& core, std::string_view dialed) {
  std::string_view rest = bare_address(dialed);
  const auto colon = rest.find(':');
  if (colon == std::string_view::npos) return rest;
  const std::string scheme = Dn(rest.substr(0, colon)).str();
  rest.remove_prefix(colon + 1);
  if (scheme == "tel") return rest;
  const auto at = rest.find('@');
  if (at == std::string_view::npos) return rest;
  const auto& domains = core.settings().domains;
  const std::string host = Dn(rest.substr(at + 1, rest.find(':', at + 1) - at - 1)).str();
  const bool ours = std::find(domains.begin(), domains.end(), host) != domains.end();
  return ours ? rest.substr(0, at) : dialed;
}

// A rule is written for what is dialed, for the URI that it means, or for the number in it.
const DialPlanRule* rule_for(const Core& core, const DialPlan* plan, std::string_view address) {
  if (plan == nullptr || plan->rules.empty()) return nullptr;
  const std::string dialed(address), uri = as_uri(core.settings(), dialed);
  const std::string_view number = inner(core, address);
  const auto it = std::find_if(plan->rules.begin(), plan->rules.end(), [&](const DialPlanRule& rule) {
    return rule.matches(dialed) || rule.matches(uri) || rule.matches(number);
  });
  return it == plan->rules.end() ? nullptr : &*it;
}

}  // namespace

Check barred(const Core& core, std::string_view pool, std::string_view address) {
  const DialPlanRule* rule = rule_for(core, dial_plan(core, pool), address);
  if (rule == nullptr || !rule->bars()) return std::nullopt;
  return refusal(tlib::TERR_ACCESS_RESTRICTED, "the destination is barred by the dial plan");
}

Check read_calling(const tlib::Message& message, Attempt& attempt) {
  if (const tlib::KVPair* method = kv_find(message.extensions(), "calling-method")) {
    if (method->str() != "b2b" && method->str() != "dialout")
      return refusal(tlib::TERR_INVALID_ATTR, "calling-method is neither b2b nor dialout");
    attempt.asked_back_to_back = method->str() == "b2b";
  }
  if (const tlib::KVPair* cpn = kv_find(message.extensions(), "CPNDigits")) {
    if (cpn->str().empty() || !is_address(cpn->str()))
      return refusal(tlib::TERR_INVALID_ATTR, "CPNDigits is no address");
    attempt.cpn = cpn->str();
  }
  return std::nullopt;
}

Calling calling(const Core& core, const Call& call, const Attempt& attempt, std::string_view address) {
  const DialPlan* plan = dial_plan(core, core.state.links[call.link].pool);
  Calling how;
  how.back_to_back = attempt.asked_back_to_back.value_or(plan != nullptr && plan->back_to_back &&
                                                         rule_for(core, plan, address) != nullptr);
  if (!how.back_to_back) return how;
  const std::string& shown = !attempt.cpn.empty() || plan == nullptr ? attempt.cpn : plan->cpn;
  if (!shown.empty()) how.from = as_uri(core.settings(), shown);
  return how;
}

tlib::KVList ringing_extensions(const Attempt& attempt) {
  tlib::KVList list;
  if (attempt.back_to_back) kv_add(list, "calling-method", "b2b");
  return list;
}

}  // namespace tandem::tserver
