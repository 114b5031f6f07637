#!/usr/bin/env python3
"""A phone calls another: answered, declined, given up while it rings, nobody there."""
import harness
from calls import both_hear, closed, dn, equal, same_events, silent, table, talk
from harness import Site, test

CALL = {"CallID": "id1", "ConnID": "call1", "CallUUID": "uuid1", "CallState": "CallStateOk", "CallType": "CallTypeInternal",
        "MediaType": "MediaTypeVoice", "DNIS": "bob", "Extensions": {"Conversation-ID": "conversation1"}}
ALICE = {"OtherDN": "bob", "ThisDNRole": "RoleOrigination", "OtherDNRole": "RoleDestination"}
BOB = {"OtherDN": "alice", "ThisDNRole": "RoleDestination", "OtherDNRole": "RoleOrigination"}


@test
def answered_and_heard():
    with Site() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B", answer="manual")
        desk = site.tlib(dn("alice"), dn("bob"))
        mark = desk.mark()
        alice.dial(dn("bob"))
        desk.wait("EventRinging", ThisDN=dn("bob"))
        bob.wait("CALL_INCOMING")
        alice.wait("CALL_RINGING")
        bob.do("accept")
        desk.wait("EventEstablished", ThisDN=dn("bob"))
        desk.wait("EventEstablished", ThisDN=dn("alice"))
        talk(3)
        bob.do("hangup")
        closed(alice, bob)
        desk.wait("EventReleased", ThisDN=dn("alice"))
        same_events(desk, mark, table(
            CALL,
            ("EventDialing", "alice", ALICE),
            ("EventRinging", "bob", BOB),
            ("EventEstablished", "alice", ALICE),
            ("EventEstablished", "bob", BOB),
            ("EventReleased", "bob", BOB),
            ("EventReleased", "alice", ALICE)))
        both_hear((alice, "B"), (bob, "A"))
        silent(alice, bob)


@test
def declined():
    with Site() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B", answer="manual")
        desk = site.tlib(dn("alice"), dn("bob"))
        mark = desk.mark()
        alice.dial(dn("bob"))
        bob.wait("CALL_INCOMING")
        bob.do("hangup")
        equal(alice.wait("CALL_CLOSED")["param"], "486 Busy Here", "what alice's phone is told")
        desk.wait("EventReleased", ThisDN=dn("alice"))
        same_events(desk, mark, table(
            CALL,
            ("EventDialing", "alice", ALICE),
            ("EventRinging", "bob", BOB),
            ("EventReleased", "bob", {**BOB, "CallState": "CallStateBusy"}),
            ("EventDestinationBusy", "alice", {**ALICE, "CallState": "CallStateBusy"}),
            ("EventReleased", "alice", ALICE)))


@test
def given_up_while_it_rings():
    with Site() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B", answer="manual")
        desk = site.tlib(dn("alice"), dn("bob"))
        mark = desk.mark()
        alice.dial(dn("bob"))
        bob.wait("CALL_INCOMING")
        desk.wait("EventRinging", ThisDN=dn("bob"))
        alice.do("hangup")
        closed(alice, bob)
        desk.wait("EventAbandoned", ThisDN=dn("bob"))
        same_events(desk, mark, table(
            CALL,
            ("EventDialing", "alice", ALICE),
            ("EventRinging", "bob", BOB),
            ("EventReleased", "alice", ALICE),
            ("EventAbandoned", "bob", BOB)))


@test
def nobody_there():
    with Site() as site:
        alice = site.phone("alice", "A")
        desk = site.tlib(dn("alice"))
        told = []
        for who in ("carol", "nobody"):
            mark = alice.mark()
            alice.dial(dn(who))
            told.append(alice.wait("CALL_CLOSED", since=mark)["param"])
        equal(told, ["480 Temporarily Unavailable", "404 Not Found"])
        desk.wait("EventReleased", ThisDN=dn("alice"))


@test
def a_phone_registered_twice_rings_twice_and_one_answers():
    with Site() as site:
        alice = site.phone("alice", "A")
        desk_phone, soft_phone = site.phone("bob", "B", answer="manual"), site.phone("bob", "C", answer="manual")
        desk = site.tlib(dn("alice"), dn("bob"))
        mark = desk.mark()
        alice.dial(dn("bob"))
        desk_phone.wait("CALL_INCOMING")
        soft_phone.wait("CALL_INCOMING")
        soft_phone.do("accept")
        desk_phone.wait("CALL_CLOSED")
        desk.wait("EventEstablished", ThisDN=dn("bob"))
        alice.wait("CALL_ESTABLISHED")
        talk(3)
        alice.do("hangup")
        closed(alice, soft_phone)
        desk.wait("EventReleased", ThisDN=dn("bob"))
        same_events(desk, mark, table(
            CALL,
            ("EventDialing", "alice", ALICE),
            ("EventRinging", "bob", BOB),
            ("EventEstablished", "alice", ALICE),
            ("EventEstablished", "bob", BOB),
            ("EventReleased", "alice", ALICE),
            ("EventReleased", "bob", BOB)))
        both_hear((alice, "C"), (soft_phone, "A"))


harness.main()
