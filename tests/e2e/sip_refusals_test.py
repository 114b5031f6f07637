#!/usr/bin/env python3
"""What can go otherwise on the way to an agent, with exact messages by SIPp: busy, silent, dead, moved, not allowed."""
import harness
from calls import dn, equal
from harness import test
from peers import scenarios, sipp
from scene import Scene, both


@test
def the_agent_is_busy_and_another_takes_the_call():
    with Scene() as s:
        busy = s.agent("bob", scenarios.agent_answers("486 Busy Here"))
        free = s.agent("carol", scenarios.agent())
        caller = s.caller(scenarios.caller(), pause=500)
        s.route("bob")
        busy.finish()
        s.client.wait("EventReleased", ThisDN=dn("bob"))
        equal(s.client.wait("EventError", ThisDN=dn("support"))["ErrorName"], "TERR_DN_BUSY")
        s.route("carol")
        caller.finish()
        free.finish()
        s.client.wait("EventReleased", ThisDN=dn("carol"))
        equal(s.steps(), ["EventQueued support", "EventRouteRequest support", "EventRinging bob", "EventError support", "EventReleased bob",
                          "EventRinging carol", "EventRouteUsed support", "EventDiverted support", "EventEstablished carol", "EventReleased carol"])


@test
def nobody_answers_in_time_and_the_call_goes_on():
    """MMC-162, MMC-309: the destination is cancelled, the router is told and may route again."""
    with Scene(tserver={"no-answer-timeout": 2}) as s:
        silent = s.agent("bob", scenarios.agent_is_cancelled())
        free = s.agent("carol", scenarios.agent())
        caller = s.caller(scenarios.caller(), pause=500)
        s.route("bob")
        silent.finish()
        equal(s.client.wait("EventError", ThisDN=dn("support"))["ErrorName"], "TERR_DN_NO_ANSWER")
        s.route("carol")
        caller.finish()
        free.finish()
        s.client.wait("EventReleased", ThisDN=dn("carol"))
        equal(s.steps(), ["EventQueued support", "EventRouteRequest support", "EventRinging bob", "EventError support", "EventReleased bob",
                          "EventRinging carol", "EventRouteUsed support", "EventDiverted support", "EventEstablished carol", "EventReleased carol"])


@test
def nobody_answers_and_nobody_routes_again_but_default_dn_takes_it():
    """MMC-160 after MMC-162: router-timeout begins anew when the call is back."""
    with Scene(tserver={"no-answer-timeout": 2, "router-timeout": 4, "default-dn": dn("carol")}) as s:
        silent = s.agent("bob", scenarios.agent_is_cancelled())
        free = s.agent("carol", scenarios.agent())
        caller = s.caller(scenarios.caller(), pause=500)
        s.route("bob")
        silent.finish()
        caller.finish()
        free.finish()
        s.client.wait("EventReleased", ThisDN=dn("carol"))


@test
def the_agent_redirects():
    with Scene() as s:
        moved = s.agent("bob", scenarios.agent_answers("302 Moved Temporarily", contact=dn("carol")))
        there = s.agent("carol", scenarios.agent())
        caller = s.caller(scenarios.caller(), pause=500)
        s.route("bob")
        moved.finish()
        caller.finish()
        there.finish()
        s.client.wait("EventReleased", ThisDN=dn("carol"))
        equal(s.steps(), ["EventQueued support", "EventRouteRequest support", "EventRinging bob", "EventReleased bob", "EventRinging carol",
                          "EventRouteUsed support", "EventDiverted support", "EventEstablished carol", "EventReleased carol"])


@test
def a_phone_with_a_wrong_password_is_refused():
    with Scene() as s:
        sipp.register(s.site, "bob", password="guess", status=403)
        caller = s.caller(scenarios.caller_refused(403, digest=True), user="alice", password="guess", source=f"alice@{harness.DOMAIN}")
        caller.finish()
        equal(s.steps(), [])


@test
def strangers_reach_nobody_but_us():
    trunks = [{"name": "pstn", "contact": "sip:127.0.0.3:5080", "prefix": "+"}]
    with Scene(trunks=trunks) as s:
        for number, status in (("+14155550100", 403), ("nobody", 404)):
            s.caller(scenarios.caller_refused(status), service=number).finish()
        equal(s.steps(), [])


@both
def a_phone_that_never_answers_anything_is_408(transport):
    """Timer B would take 32 s: the no-answer timeout comes first, and the caller is not lost."""
    with Scene(transport, tserver={"no-answer-timeout": 3}) as s:
        s.agent("bob", scenarios.agent_is_dead())
        free = s.agent("carol", scenarios.agent())
        caller = s.caller(scenarios.caller(), pause=300)
        s.route("bob")
        equal(s.client.wait("EventError", ThisDN=dn("support"))["ErrorName"], "TERR_DN_NO_ANSWER")
        s.route("carol")
        caller.finish()
        free.finish()


harness.main()
