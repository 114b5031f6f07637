#!/usr/bin/env python3
"""Signals between phones and us beside voice: digits, "answer now", refusals of a phone that doesn't want to be disturbed, automatic answer."""
import harness
from calls import closed, dn, equal, steps
from harness import Site, test, until
from peers import scenarios
from scene import Scene


def digits_of(client, since, who):
    with client.changed:
        return "".join(e["DTMFDigits"] for e in client.events[since:] if e.get("event") == "EventDTMFSent" and e.get("ThisDN") == dn(who))


@test
def digits_by_info():  # MMC-414
    with Scene() as s:
        agent = s.agent("bob", scenarios.agent_dials("5", "#", "0"), pause=400)
        caller = s.caller(scenarios.caller(), pause=4000)
        s.route()
        until("three digits", lambda: digits_of(s.client, s.mark, "bob") == "5#0")
        caller.finish()
        agent.finish()


@test
def digits_in_the_voice_stream():  # MMC-414
    with Site() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        client = site.tlib(dn("alice"), dn("bob"))
        mark = client.mark()
        alice.dial(dn("bob"))
        client.wait("EventEstablished", ThisDN=dn("bob"))
        bob.wait("CALL_RTPESTAB")
        for digit in "71*":
            alice.do("sndcode", digit)
            until(digit, lambda d=digit: digits_of(client, mark, "alice").endswith(d))
        equal(digits_of(client, mark, "alice"), "71*")
        until("the digits at bob", lambda: [e["param"] for e in bob.events if e.get("type") == "CALL_DTMF_START"] == list("71*"))
        equal(digits_of(client, mark, "bob"), "")
        alice.do("hangup")
        closed(bob)


@test
def answered_from_the_desk():  # LTB-25
    with Scene() as s:
        agent = s.agent("bob", scenarios.agent_is_told_to_answer())
        caller = s.caller(scenarios.caller(), pause=1500)
        conn = s.route()
        s.client.wait("EventRinging", ThisDN=dn("bob"))
        until("ringing", lambda: "180 Ringing" in caller.messages() or "180 Ringing" in agent.messages())
        s.client.send("RequestAnswerCall", ThisDN=dn("bob"), ConnID=conn, ReferenceID=5)
        established = s.client.wait("EventEstablished", ThisDN=dn("bob"))
        equal(established["ConnID"], conn)
        caller.finish()
        agent.finish()


@test
def a_phone_that_cannot_be_told_to_answer_rings_on():  # LTB-25
    with Scene() as s:
        agent = s.agent("bob", scenarios.agent(), pause=4000)
        caller = s.caller(scenarios.caller(), pause=1000)
        conn = s.route()
        s.client.wait("EventRinging", ThisDN=dn("bob"))
        until("ringing", lambda: "180 Ringing" in agent.messages())
        s.client.send("RequestAnswerCall", ThisDN=dn("bob"), ConnID=conn, ReferenceID=5)
        s.client.wait("EventError", ThisDN=dn("bob"), ReferenceID=5)
        s.client.wait("EventEstablished", ThisDN=dn("bob"))
        assert "NOTIFY" not in agent.messages(), "it never said that it understands talk"
        caller.finish()
        agent.finish()


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
