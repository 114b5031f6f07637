#!/usr/bin/env python3
"""A phone calls a routing point, an application routes the call, an agent answers, both hear each other."""
import harness
from calls import both_hear, closed, dn, routed, same_events, silent, steps, table, talk, equal
from harness import Site, test

CALL = {"CallID": "id1", "ConnID": "call1", "CallUUID": "uuid1", "CallState": "CallStateOk", "CallType": "CallTypeInternal",
        "MediaType": "MediaTypeVoice", "DNIS": "support", "Extensions": {"Conversation-ID": "conversation1"}}
FROM_ALICE = {**CALL, "OtherDN": "alice", "OtherDNRole": "RoleOrigination"}
CASE = {"UserData": {"case": "42"}}


@test
def every_step_is_an_event_and_both_hear_each_other():
    """MMC-401: inbound call to a Routing Point, routed to an Extension."""
    with Site() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        router = site.tlib(dn("support"), name="router")
        desk = site.tlib(dn("alice"), dn("bob"), name="desk")
        marks = router.mark(), desk.mark()
        alice.dial(dn("support"))
        request = router.wait("EventRouteRequest")
        router.send("RequestUpdateUserData", ThisDN=dn("support"), ConnID=request["ConnID"], UserData={"case": "42"}, ReferenceID=76)
        router.wait("EventAttachedDataChanged")
        router.send("RequestRouteCall", ThisDN=dn("support"), ConnID=request["ConnID"], OtherDN=dn("bob"), ReferenceID=77)
        desk.wait("EventEstablished", ThisDN=dn("alice"))
        alice.wait("CALL_ESTABLISHED")
        talk(3)
        alice.do("hangup")
        closed(alice, bob)
        desk.wait("EventReleased", ThisDN=dn("alice"))
        desk.wait("EventReleased", ThisDN=dn("bob"))

        point = {**FROM_ALICE, "ThisQueue": "support"}
        to_bob = {"ThirdPartyDN": "bob", "ThirdPartyDNRole": "RoleDestination", **CASE}
        same_events(router, marks[0], table(
            point,
            ("EventQueued", "support", {"ThisDNRole": "RoleDestination"}),
            ("EventRouteRequest", "support", {"CallState": None}),
            ("EventAttachedDataChanged", "support", {"ThisDNRole": "RoleDestination", "ThirdPartyDN": "support", "CallState": None, "ReferenceID": 76, **CASE}),
            ("EventRouteUsed", "support", {**to_bob, "ReferenceID": 77}),
            ("EventDiverted", "support", {**to_bob, "ThisDNRole": "RoleDestination"})))
        at_bob = {**FROM_ALICE, "ThisQueue": "support", "ThisDNRole": "RoleDestination", **CASE}
        at_alice = {"ThisDNRole": "RoleOrigination", "OtherDNRole": "RoleDestination", "ThisQueue": None}
        same_events(desk, marks[1], table(
            at_bob,
            ("EventDialing", "alice", {**at_alice, "OtherDN": "support", "UserData": None}),
            ("EventAttachedDataChanged", "alice", {**at_alice, "OtherDN": "support", "ThirdPartyDN": "support", "CallState": None}),
            ("EventRinging", "bob"),
            ("EventEstablished", "bob"),
            ("EventEstablished", "alice", {**at_alice, "OtherDN": "bob"}),
            ("EventReleased", "alice", {**at_alice, "OtherDN": "bob"}),
            ("EventReleased", "bob")))
        both_hear((alice, "B"), (bob, "A"))
        silent(alice, bob)


@test
def the_agent_hangs_up_first():
    with Site() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        client = site.tlib(dn("support"), dn("bob"))
        mark = client.mark()
        routed(site, alice, client)
        talk(2)
        bob.do("hangup")
        closed(alice, bob)
        client.wait("EventReleased", ThisDN=dn("bob"))
        equal(steps(client, mark), ["EventQueued support", "EventRouteRequest support", "EventRinging bob", "EventRouteUsed support",
                                    "EventDiverted support", "EventEstablished bob", "EventReleased bob"])
        both_hear((alice, "B"), (bob, "A"), seconds=1)
        silent(alice, bob)


@test
def over_tcp_and_one_call_after_another():
    with Site() as site:
        alice, bob = site.phone("alice", "A", transport="tcp"), site.phone("bob", "B", transport="tcp")
        client = site.tlib(dn("support"), dn("bob"))
        for _ in range(3):
            mark = alice.mark(), client.mark(), bob.mark()
            conn = routed(site, alice, client)
            talk(2)
            alice.do("hangup")
            alice.wait("CALL_CLOSED", since=mark[0])
            bob.wait("CALL_CLOSED", since=mark[2])
            client.wait("EventReleased", since=mark[1], ThisDN=dn("bob"), ConnID=conn)
        both_hear((alice, "B"), (bob, "A"), seconds=1)


harness.main()
