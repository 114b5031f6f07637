// Every feature there is, in the order of the table.
#pragma once

#include "tserver/features/table.h"

namespace tandem::tserver {

void register_session(Table& table);
void register_registration(Table& table);
void register_queries(Table& table);
void register_offered(Table& table);
void register_make_call(Table& table);
void register_route_call(Table& table);
void register_alternate_routing(Table& table);
void register_attempts(Table& table);
void register_release(Table& table);
void register_treatment(Table& table);
void register_identified(Table& table);
void register_stray_cancel(Table& table);
void register_user_data(Table& table);
void register_hold(Table& table);
void register_consultation(Table& table);
void register_two_calls(Table& table);
void register_merging(Table& table);
void register_single_step(Table& table);
void register_delete_party(Table& table);
void register_referral(Table& table);
void register_service(Table& table);
void register_recovery(Table& table);
void register_takeover(Table& table);
void register_postponed(Table& table);
void register_locations(Table& table);
void register_agent_login(Table& table);
void register_agent_state(Table& table);
void register_agent_work(Table& table);
void register_awaited(Table& table);
void register_dtmf(Table& table);
void register_answer_call(Table& table);
void register_mute(Table& table);
void register_dnd(Table& table);
void register_user_events(Table& table);
void register_call_info(Table& table);
void register_conference_address(Table& table);
void register_lobby(Table& table);
void register_reservation(Table& table);
void register_private_service(Table& table);
void register_sites(Table& table);

Table all_features();

}  // namespace tandem::tserver
