#!/usr/bin/env python3
"""Calls that move by SIP alone: a phone takes another's place (INVITE with Replaces), a phone sends its caller elsewhere (302)."""
import re

import harness
from calls import closed, dn, equal, hear, steps
from harness import Site, test, until
from peers import scenarios, sipp


def dialog_of(agent):
    """Replaces of the dialog of a SIPp agent that was called: our tag is that of its From."""
    text = agent.messages()
    call_id = re.search(r"^Call-ID: *(\S+)", text[text.index("INVITE sip:"):], re.M)[1]
    answer = text[text.index("SIP/2.0 200 OK"):]
    ours, theirs = (re.search(rf"^{header}:[^\r\n]*;tag=([^\s;]+)", answer, re.M)[1] for header in ("From", "To"))
    return f"{call_id};to-tag={ours};from-tag={theirs}"


@test
def a_phone_takes_the_place_of_another():
    """carol's phone sends INVITE with Replaces for bob's dialog: alice's call goes on with carol."""
    with Site() as site:
        bob = site.sipp(scenarios.agent(), address=sipp.register(site, "bob"))
        alice = site.phone("alice", "A")
        client = site.tlib(dn("alice"), dn("bob"), dn("carol"))
        alice.dial(dn("bob"))
        conn = client.wait("EventEstablished", ThisDN=dn("bob"))["ConnID"]
        until("bob's answer", lambda: "ACK sip:" in bob.messages())
        mark = client.mark()
        carol = site.sipp(scenarios.takes_over(), target=sipp.target(site), service="bob", source=dn("carol")[4:], user="carol",
                          keys={"replaces": dialog_of(bob)})
        established = client.wait("EventEstablished", since=mark, ThisDN=dn("carol"))
        equal(established["ConnID"], conn)
        client.wait("EventPartyChanged", since=mark, ThisDN=dn("alice"))
        bob.finish()
        alice.do("hangup")
        carol.finish()
        client.wait("EventReleased", since=mark, ThisDN=dn("carol"))
        equal(steps(client, mark)[:4], ["EventRinging carol", "EventEstablished carol", "EventReleased bob", "EventPartyChanged alice"])


@test
def nobody_takes_the_place_of_a_call_that_is_not_there():
    with Site() as site:
        refused = scenarios.caller_refused(481, digest=True).replace("Content-Type:", "Replaces: nothing;to-tag=1;from-tag=2\nContent-Type:")
        site.sipp(refused, target=sipp.target(site), service="bob", source=dn("carol")[4:], user="carol").finish()


@test
def a_phone_sends_its_caller_elsewhere():
    """bob's phone answers 302 with carol's address: carol rings, and talks to alice."""
    with Site() as site:
        bob = site.sipp(scenarios.agent_answers("302 Moved Temporarily", contact=dn("carol")), address=sipp.register(site, "bob"), pause=200)
        alice, carol = site.phone("alice", "A"), site.phone("carol", "C")
        client = site.tlib(dn("alice"), dn("bob"), dn("carol"))
        mark = client.mark()
        alice.dial(dn("bob"))
        client.wait("EventEstablished", ThisDN=dn("carol"))
        alice.wait("CALL_ESTABLISHED")
        bob.finish()
        hear((alice, "C"), (carol, "A"))
        released = client.wait("EventReleased", ThisDN=dn("bob"))
        equal((released["CallState"], released["ThirdPartyDN"]), ("CallStateForwarded", dn("carol")))
        alice.do("hangup")
        closed(carol)
        client.wait("EventReleased", ThisDN=dn("carol"))
        assert steps(client, mark)[:2] == ["EventDialing alice", "EventRinging bob"], steps(client, mark)


if __name__ == "__main__":
    harness.main()
