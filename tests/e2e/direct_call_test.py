#!/usr/bin/env python3
"""A phone calls another: answered, busy, declined, given up while it rings, nobody there."""
import harness
from calls import both_hear, closed, dn, equal, plain, silent, steps, talk, until
from harness import Site, test


@test
def answered_and_heard():
    with Site() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B", answer="manual")
        desk = site.tlib(dn("alice"), dn("bob"))
        mark = desk.mark()
        alice.do("dial", dn("bob"))
        desk.wait("EventRinging", ThisDN=dn("bob"))
        bob.wait("CALL_INCOMING")
        bob.do("accept")
        desk.wait("EventEstablished", ThisDN=dn("bob"))
        desk.wait("EventEstablished", ThisDN=dn("alice"))
        talk(3)
        bob.do("hangup")
        closed(alice, bob)
        desk.wait("EventReleased", ThisDN=dn("alice"))
        desk.wait("EventReleased", ThisDN=dn("bob"))
        both_hear((alice, "B"), (bob, "A"))
        silent(alice.ip, bob.ip)
        print(*plain(desk.events[mark:]), sep="\n")


@test
def declined():
    with Site() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B", answer="manual")
        desk = site.tlib(dn("alice"), dn("bob"))
        mark = desk.mark()
        alice.do("dial", dn("bob"))
        bob.wait("CALL_INCOMING")
        bob.do("hangup")
        reason = alice.wait("CALL_CLOSED")
        desk.wait("EventReleased", ThisDN=dn("alice"))
        print(reason)
        print(*plain(desk.events[mark:]), sep="\n")


@test
def given_up_while_it_rings():
    with Site() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B", answer="manual")
        desk = site.tlib(dn("alice"), dn("bob"))
        mark = desk.mark()
        alice.do("dial", dn("bob"))
        bob.wait("CALL_INCOMING")
        desk.wait("EventRinging", ThisDN=dn("bob"))
        alice.do("hangup")
        closed(alice, bob)
        desk.wait("EventAbandoned", ThisDN=dn("bob"))
        print(*plain(desk.events[mark:]), sep="\n")


@test
def nobody_there():
    with Site() as site:
        alice = site.phone("alice", "A")
        desk = site.tlib(dn("alice"))
        for who in ("carol", "nobody"):
            mark = alice.mark()
            alice.do("dial", dn(who))
            print(alice.wait("CALL_CLOSED", since=mark))
        print(*plain(desk.events), sep="\n")


harness.main()
