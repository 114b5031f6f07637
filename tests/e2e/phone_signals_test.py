#!/usr/bin/env python3
"""Signals between phones and us beside voice."""
import harness
from calls import dn, equal, steps
from harness import test
from peers import scenarios
from scene import Scene


@test
def a_phone_that_does_not_want_to_be_disturbed():
    """Its refusal ends the attempt; the call goes back to whom routed it, who hears why."""
    for status in ("486 Busy Here", "480 Temporarily Unavailable", "603 Decline"):
        with Scene() as s:
            agent = s.agent("bob", scenarios.agent_answers(status), pause=200)
            caller = s.caller(scenarios.caller_gives_up(), pause=3000)
            s.route()
            s.client.wait("EventError", ThisDN=dn("support"))
            s.client.wait("EventReleased", ThisDN=dn("bob"))
            agent.finish()
            caller.finish()
            found = steps(s.client, s.mark)
            equal(found[:3], ["EventQueued support", "EventRouteRequest support", "EventRinging bob"], status)


if __name__ == "__main__":
    harness.main()
