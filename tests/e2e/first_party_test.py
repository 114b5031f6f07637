#!/usr/bin/env python3
"""What people do on their phones: hold, blind and attended transfer. The tones prove who hears whom; applications see the documented events."""
import harness
from calls import closed, dn, equal, hear, steps
from desk import Desk
from harness import Site, test, until
from peers import scenarios, sipp
from peers.linphone import over_tls as linphone


@test
def held_and_retrieved_at_the_phone():  # MMC-355
    with Desk() as desk:
        desk.bob.do("hold")
        held = desk.wait("EventHeld", "bob")
        equal(held["ConnID"], desk.call1)
        hear((desk.alice, "G"))
        desk.bob.do("resume")
        desk.wait("EventRetrieved", "bob")
        hear((desk.alice, "B"))
        desk.bob.do("hold")
        desk.wait("EventHeld", "bob")
        desk.bob.do("hangup")
        closed(desk.alice, desk.bob)
        desk.wait("EventReleased", "alice")
        equal(desk.steps(), ["EventHeld bob", "EventRetrieved bob", "EventHeld bob", "EventReleased bob", "EventReleased alice"])


@test
def transferred_blind_at_the_phone():  # LTB-28
    with Desk() as desk:
        desk.bob.do("transfer", dn("carol"))
        established = desk.wait("EventEstablished", "carol")
        equal((established["ConnID"], established["UserData"]), (desk.call1, {"case": "42"}))
        closed(desk.bob)
        hear((desk.alice, "C"), (desk.carol, "A"))
        equal(desk.steps(), ["EventRinging carol", "EventEstablished carol", "EventReleased bob", "EventPartyChanged alice"])
        mark = desk.client.mark()
        desk.alice.do("hangup")
        closed(desk.carol)
        desk.client.wait("EventReleased", since=mark, ThisDN=dn("carol"))


@test
def a_blind_transfer_that_fails_leaves_the_call_as_it_was():
    """To a phone of ours that isn't registered: the phone that asked is told why, and talks on."""
    with Site() as site:
        bob = site.sipp(scenarios.agent_transfers(dn("carol"), 100, 480), address=sipp.register(site, "bob"), pause=1000)
        alice = site.phone("alice", "A")
        client = site.tlib(dn("alice"), dn("bob"), dn("carol"))
        alice.dial(dn("bob"))
        conn = client.wait("EventEstablished", ThisDN=dn("bob"))["ConnID"]
        mark = client.mark()
        until("the outcome", lambda: "SIP/2.0 480" in bob.messages())
        alice.do("hangup")
        bob.finish()
        client.wait("EventReleased", since=mark, ThisDN=dn("bob"), ConnID=conn)
        found = steps(client, mark)
        equal([one for one in found if not one.endswith("carol")], ["EventReleased alice", "EventReleased bob"], found)


@test
def transferred_attended_at_the_phone():  # MMC-393
    def bob(site):
        one = linphone(site, "bob", "B", auto=True)
        one.wait_registered()
        return one
    with Desk(bob) as desk:
        desk.bob.do("pause")
        desk.wait("EventHeld", "bob", ConnID=desk.call1)
        desk.bob.do("call " + dn("carol"))
        consultation = desk.wait("EventEstablished", "carol")["ConnID"]
        assert consultation != desk.call1, "the phone's second call is a call of its own"
        hear((desk.alice, "G"), (desk.carol, "B"))
        desk.bob.do("transfer 1 --to-call 2")
        desk.wait("EventReleased", "bob", ConnID=desk.call1)
        hear((desk.alice, "C"), (desk.carol, "A"))
        desk.alice.do("hangup")
        closed(desk.carol)
        desk.wait("EventReleased", "carol")


@test
def a_transfer_to_whom_the_phone_may_not_call_is_refused():
    """REFER of a phone of ours to another domain: 403, the call goes on."""
    def bob(site):
        refer = scenarios.send(scenarios.agent_asks("REFER", 1, "Refer-To: <sip:carol@elsewhere.test>\n"), True)
        return site.sipp(scenarios.agent_does(scenarios.PAUSE + refer + scenarios.receive(403)), address=sipp.register(site, "bob"), pause=1000)
    with Site() as site:
        agent, alice = bob(site), site.phone("alice", "A")
        alice.dial(dn("bob"))
        alice.wait("CALL_ESTABLISHED")
        until("the refusal", lambda: "SIP/2.0 403" in agent.messages())
        alice.do("hangup")
        agent.finish()


if __name__ == "__main__":
    harness.main()
