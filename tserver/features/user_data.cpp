#include "tserver/features/user_data.h"

#include <algorithm>

#include "tserver/features/features.h"
#include "tserver/model/kv.h"

namespace tandem::tserver {
namespace {

Refusal too_much() {
  return refusal(tlib::TERR_INVALID_ATTR, "user data would exceed user-data-limit");
}

// After a change in one of them.
void share(const std::vector<Call*>& calls, const Call& changed) {
  for (Call* call : calls) {
    if (call != &changed) call->user_data = changed.user_data;
  }
}

// Every local party is told, with who did it; the asker among them, or a third party, gets the ReferenceID.
void tell_changed(Core& core, const Call& call, const std::string& by, const Party* self, Asker asker) {
  for (const Party& party : call.parties) {
    core.tell(call, party, tlib::EventAttachedDataChanged, {.third_party = &by}, &party == self ? asker : Asker{});
  }
  if (self == nullptr && asker) {
    core.answer(asker, new_call_event(core.now, tlib::EventAttachedDataChanged, call, {.third_party = &by}));
  }
}

template <class Change>
std::optional<Refusal> change(Core& core, Request& request, Change apply) {
  const auto on = check_known_call(core, request, true);
  if (!on) return on.error();
  if (auto why = apply(core, *on->call, request.message)) return why;
  const auto calls = sharing_data(core, *on->call);
  share(calls, *on->call);
  tell_changed(core, *on->call, on->device->dn.str(), on->party, request.asker());
  for (const Call* call : calls) {
    if (call != on->call) tell_changed(core, *call, on->device->dn.str(), nullptr, {});
  }
  return std::nullopt;
}

std::optional<Refusal> attach(Core& core, Request& request) {
  return change(core, request, [](Core& c, Call& call, tlib::Message& message) -> Check {
    if (kv_bytes(call.user_data) + kv_bytes(message.userdata()) > c.settings().user_data_limit) return too_much();
    kv_attach(call.user_data, message.userdata());
    return std::nullopt;
  });
}

std::optional<Refusal> update(Core& core, Request& request) {
  return change(core, request, [](Core& c, Call& call, tlib::Message& message) -> Check {
    if (auto why = user_data_refused(c, call, message.userdata())) return why;
    kv_update(call.user_data, message.userdata());
    return std::nullopt;
  });
}

std::optional<Refusal> delete_pair(Core& core, Request& request) {
  return change(core, request, [](Core&, Call& call, tlib::Message& message) -> Check {
    if (!message.has_datakey()) return refusal(tlib::TERR_INVALID_ATTR, "DataKey is missing");
    kv_delete(call.user_data, message.datakey());
    return std::nullopt;
  });
}

std::optional<Refusal> delete_all(Core& core, Request& request) {
  return change(core, request, [](Core&, Call& call, tlib::Message&) -> Check {
    call.user_data.Clear();
    return std::nullopt;
  });
}

}  // namespace

std::vector<Call*> sharing_data(const Core& core, Call& call) {
  Call* root = &call;
  while (root->joint_data) {
    Call* main = core.state.call(root->main);
    if (main == nullptr) break;  // over: it has a list of its own now
    root = main;
  }
  std::vector<Call*> calls{root};
  for (std::size_t i = 0; i < calls.size(); ++i) {
    for (const ConnId id : calls[i]->joint) {
      if (Call* other = core.state.call(id)) calls.push_back(other);
    }
  }
  return calls;
}

Check user_data_refused(const Core& core, const Call& call, const tlib::KVList& more) {
  const std::size_t limit = core.settings().user_data_limit;
  if (more.pairs_size() == 0 || kv_bytes(call.user_data) + kv_bytes(more) <= limit) return std::nullopt;
  tlib::KVList after = call.user_data;  // near the limit it matters what is replaced
  kv_update(after, more);
  if (kv_bytes(after) <= limit) return std::nullopt;
  return too_much();
}

void add_user_data(Core& core, Call& call, const tlib::KVList& more, const std::string& by) {
  if (more.pairs_size() == 0) return;
  kv_update(call.user_data, more);
  const auto calls = sharing_data(core, call);
  share(calls, call);
  for (const Call* each : calls) tell_changed(core, *each, by, nullptr, {});
}

void register_user_data(Table& table) {
  table.serve(tlib::RequestAttachUserData, attach);
  table.serve(tlib::RequestUpdateUserData, update);
  table.serve(tlib::RequestDeletePair, delete_pair);
  table.serve(tlib::RequestDeleteUserData, delete_all);
  table.makes({tlib::EventAttachedDataChanged});
}

}  // namespace tandem::tserver
