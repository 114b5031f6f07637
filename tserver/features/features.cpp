#include "tserver/features/features.h"

namespace tandem::tserver {

Table all_features() {
  Table table;
  table.makes({tlib::EventError});
  register_session(table);
  register_registration(table);
  register_queries(table);
  register_offered(table);
  register_make_call(table);
  register_route_call(table);
  register_alternate_routing(table);
  register_attempts(table);
  register_release(table);
  register_treatment(table);
  register_identified(table);
  register_stray_cancel(table);
  register_user_data(table);
  register_hold(table);
  register_consultation(table);
  register_two_calls(table);
  register_merging(table);
  register_single_step(table);
  register_delete_party(table);
  register_referral(table);
  register_service(table);
  register_recovery(table);
  register_takeover(table);
  register_postponed(table);
  register_locations(table);
  register_agent_login(table);
  register_agent_state(table);
  register_agent_work(table);
  register_awaited(table);
  register_dtmf(table);
  register_answer_call(table);
  register_mute(table);
  register_dnd(table);
  register_user_events(table);
  register_call_info(table);
  register_conference_address(table);
  register_lobby(table);
  register_reservation(table);
  register_private_service(table);
  register_sites(table);
  return table;
}

}  // namespace tandem::tserver
