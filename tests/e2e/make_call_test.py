#!/usr/bin/env python3
"""An application makes a call between two phones."""
import harness
from calls import both_hear, closed, dn, equal, plain, silent, talk
from harness import Site, test


@test
def a_call_between_two_phones():
    with Site() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        desk = site.tlib(dn("alice"), dn("bob"), name="desk")
        mark = desk.mark()
        desk.send("RequestMakeCall", ThisDN=dn("alice"), OtherDN=dn("bob"), UserData={"case": "42"}, ReferenceID=7)
        desk.wait("EventEstablished", ThisDN=dn("alice"))
        desk.wait("EventEstablished", ThisDN=dn("bob"))
        talk(3)
        desk.send("RequestReleaseCall", ThisDN=dn("bob"), ConnID=desk.wait("EventDialing")["ConnID"], ReferenceID=8)
        closed(alice, bob)
        desk.wait("EventReleased", ThisDN=dn("alice"))
        both_hear((alice, "B"), (bob, "A"))
        silent(alice.ip, bob.ip)
        print(*plain(desk.events[mark:]), sep="\n")


harness.main()
