#!/usr/bin/env python3
"""A phone calls a routing point, an application routes the call, an agent answers, both hear each other."""
import harness
from calls import both_hear, closed, dn, equal, plain, routed, silent, talk
from harness import Site, test


@test
def every_step_is_an_event_and_both_hear_each_other():
    with Site() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        router = site.tlib(dn("support"), name="router")
        desk = site.tlib(dn("alice"), dn("bob"), name="desk")
        alice.do("dial", dn("support"))
        request = router.wait("EventRouteRequest")
        router.send("RequestUpdateUserData", ThisDN=dn("support"), ConnID=request["ConnID"], UserData={"case": "42"})
        router.wait("EventAttachedDataChanged")
        router.send("RequestRouteCall", ThisDN=dn("support"), ConnID=request["ConnID"], OtherDN=dn("bob"), ReferenceID=77)
        desk.wait("EventEstablished", ThisDN=dn("bob"))
        alice.wait("CALL_ESTABLISHED")
        talk(3)
        alice.do("hangup")
        closed(alice, bob)
        desk.wait("EventReleased", ThisDN=dn("alice"))
        desk.wait("EventReleased", ThisDN=dn("bob"))
        both_hear((alice, "B"), (bob, "A"))
        silent(alice.ip, bob.ip)
        print(*plain(router.events), sep="\n")
        print(*plain(desk.events), sep="\n")


@test
def the_agent_hangs_up_first():
    with Site() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        client = site.tlib(dn("support"), dn("bob"))
        routed(site, alice, client)
        talk(1)
        bob.do("hangup")
        closed(alice, bob)
        client.wait("EventReleased", ThisDN=dn("bob"))


harness.main()
