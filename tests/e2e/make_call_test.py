#!/usr/bin/env python3
"""An application makes a call between two phones."""
import harness
from calls import both_hear, closed, dn, equal, same_events, silent, steps, table, talk
from harness import Site, test

CALL = {"CallID": "id1", "ConnID": "call1", "CallUUID": "uuid1", "CallState": "CallStateOk", "CallType": "CallTypeInternal",
        "MediaType": "MediaTypeVoice", "DNIS": "bob", "Extensions": {"Conversation-ID": "conversation1"}, "UserData": {"case": "42"}}
ALICE = {"OtherDN": "bob", "ThisDNRole": "RoleOrigination", "OtherDNRole": "RoleDestination"}
BOB = {"OtherDN": "alice", "ThisDNRole": "RoleDestination", "OtherDNRole": "RoleOrigination"}


@test
def a_call_between_two_phones():
    with Site() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        desk = site.tlib(dn("alice"), dn("bob"), name="desk")
        mark = desk.mark()
        desk.send("RequestMakeCall", ThisDN=dn("alice"), OtherDN=dn("bob"), UserData={"case": "42"}, ReferenceID=7)
        desk.wait("EventEstablished", ThisDN=dn("alice"))
        conn = desk.wait("EventEstablished", ThisDN=dn("bob"))["ConnID"]
        talk(3)
        desk.send("RequestReleaseCall", ThisDN=dn("bob"), ConnID=conn, ReferenceID=8)
        closed(alice, bob)
        desk.wait("EventReleased", ThisDN=dn("alice"))
        same_events(desk, mark, table(
            CALL,
            ("EventDialing", "alice", {**ALICE, "ReferenceID": 7}),
            ("EventRinging", "bob", BOB),
            ("EventEstablished", "alice", ALICE),
            ("EventEstablished", "bob", BOB),
            ("EventReleased", "bob", {**BOB, "ReferenceID": 8}),
            ("EventReleased", "alice", ALICE)))
        both_hear((alice, "B"), (bob, "A"))
        silent(alice, bob)


@test
def the_called_phone_declines():
    with Site() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B", answer="manual")
        desk = site.tlib(dn("alice"), dn("bob"), name="desk")
        mark = desk.mark()
        desk.send("RequestMakeCall", ThisDN=dn("alice"), OtherDN=dn("bob"))
        bob.wait("CALL_INCOMING")
        bob.do("hangup")
        desk.wait("EventDestinationBusy", ThisDN=dn("alice"))
        desk.send("RequestReleaseCall", ThisDN=dn("alice"), ConnID=desk.wait("EventDialing")["ConnID"])
        desk.wait("EventReleased", ThisDN=dn("alice"))
        alice.wait("CALL_CLOSED")
        equal(steps(desk, mark), ["EventDialing alice", "EventRinging bob", "EventReleased bob", "EventDestinationBusy alice", "EventReleased alice"])


@test
def the_calling_phone_is_not_there():
    with Site() as site:
        desk = site.tlib(dn("alice"), dn("bob"), name="desk")
        mark = desk.mark()
        desk.send("RequestMakeCall", ThisDN=dn("alice"), OtherDN=dn("bob"), ReferenceID=7)
        desk.wait("EventReleased", ThisDN=dn("alice"))
        equal(steps(desk, mark), ["EventDialing alice", "EventReleased alice"])


harness.main()
