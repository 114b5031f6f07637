#!/usr/bin/env python3
"""An application holds, retrieves, consults, alternates, reconnects and transfers; after each step the tones prove who hears whom."""
import harness
from calls import closed, dn, equal, hear, same_events, table
from desk import Desk
from harness import Site, test


@test
def hold_and_retrieve():  # MMC-392, MMC-294
    with Desk() as desk:
        desk.ask("RequestHoldCall", answer="EventHeld")
        hear((desk.alice, "G"), (desk.bob, ""))
        desk.ask("RequestHoldCall", answer="EventError")
        desk.ask("RequestRetrieveCall", answer="EventRetrieved")
        hear((desk.alice, "B"), (desk.bob, "A"))
        desk.ask("RequestReleaseCall", answer="EventReleased")
        closed(desk.alice, desk.bob)
        equal(desk.steps(), ["EventHeld bob", "EventError bob", "EventRetrieved bob", "EventReleased bob", "EventReleased alice"])


@test
def nothing_is_played_to_the_held_without_a_file():  # MMC-295
    with Site() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        desk = site.tlib(dn("alice"), dn("bob"), name="desk")
        desk.send("RequestMakeCall", ThisDN=dn("alice"), OtherDN=dn("bob"))
        conn = desk.wait("EventEstablished", ThisDN=dn("bob"))["ConnID"]
        hear((alice, "B"), (bob, "A"))
        desk.send("RequestHoldCall", ThisDN=dn("bob"), ConnID=conn)
        desk.wait("EventHeld", ThisDN=dn("bob"))
        hear((alice, ""), (bob, ""))


@test
def transfer_in_two_steps():  # MMC-393, MMC-394
    with Desk() as desk:
        desk.consult()
        desk.ask("RequestCompleteTransfer", answer="EventReleased", TransferConnID=desk.call2)
        closed(desk.bob)
        hear((desk.alice, "C"), (desk.carol, "A"))
        desk.ask("RequestReleaseCall", who="carol", answer="EventReleased")
        closed(desk.alice, desk.carol)
        common = {"CallID": "id1", "ConnID": "call1", "CallUUID": "uuid1", "CallState": "CallStateOk", "CallType": "CallTypeInternal",
                  "MediaType": "MediaTypeVoice", "DNIS": "bob", "Extensions": {"Conversation-ID": "conversation1"}, "UserData": {"case": "42"}}
        consult = {"CallID": "id2", "ConnID": "call2", "PreviousConnID": "call1", "CallUUID": "uuid2", "CallType": "CallTypeConsult", "DNIS": "carol",
                   "Extensions": {"Conversation-ID": "conversation2"}, "UserData": None}
        alice = {"ThisDNRole": "RoleOrigination", "OtherDNRole": "RoleDestination"}
        desk_ = {"ThisDNRole": "RoleDestination", "OtherDN": "alice", "OtherDNRole": "RoleOrigination"}
        caller = {**consult, "ThisDNRole": "RoleOrigination", "OtherDN": "carol", "OtherDNRole": "RoleDestination"}
        called = {**consult, "ThisDNRole": "RoleDestination", "OtherDN": "bob", "OtherDNRole": "RoleOrigination"}
        moved = {"CallState": "CallStateTransferred"}
        by_bob = {"ThirdPartyDN": "bob", "ThirdPartyDNRole": "RoleTransferredBy", **moved}
        same_events(desk.client, desk.mark, table(
            common,
            ("EventHeld", "bob", desk_),
            ("EventDialing", "bob", {**caller, "ReferenceID": 101}),
            ("EventRinging", "carol", called),
            ("EventEstablished", "bob", caller),
            ("EventEstablished", "carol", called),
            ("EventReleased", "bob", {**caller, **moved, "ReferenceID": 102}),
            ("EventReleased", "bob", {**desk_, **moved, "ThirdPartyDN": "carol", "ThirdPartyDNRole": "RoleDestination"}),
            ("EventPartyChanged", "alice", {**alice, **by_bob, "OtherDN": "carol", "PreviousConnID": "call1"}),
            ("EventPartyChanged", "carol", {"ThisDNRole": "RoleDestination", **by_bob, "OtherDN": "alice", "OtherDNRole": "RoleOrigination",
                                            "PreviousConnID": "call2"}),
            ("EventReleased", "carol", {"ThisDNRole": "RoleDestination", "OtherDN": "alice", "OtherDNRole": "RoleOrigination", "ReferenceID": 103}),
            ("EventReleased", "alice", {**alice, "OtherDN": "carol"})))


@test
def alternate_and_reconnect():  # MMC-397, MMC-398
    with Desk() as desk:
        desk.consult()
        desk.ask("RequestAlternateCall", conn=desk.call2, PreviousConnID=desk.call1, answer="EventHeld")
        hear((desk.alice, "B"), (desk.bob, "A"), (desk.carol, "G"))
        desk.ask("RequestAlternateCall", conn=desk.call1, PreviousConnID=desk.call2, answer="EventHeld")
        hear((desk.alice, "G"), (desk.bob, "C"), (desk.carol, "B"))
        desk.ask("RequestReconnectCall", conn=desk.call2, PreviousConnID=desk.call1, answer="EventRetrieved")
        closed(desk.carol)
        hear((desk.alice, "B"), (desk.bob, "A"))
        equal(desk.steps(), [
            "EventHeld bob", "EventDialing bob", "EventRinging carol", "EventEstablished bob", "EventEstablished carol",
            "EventHeld bob", "EventRetrieved bob", "EventHeld bob", "EventRetrieved bob",
            "EventReleased bob", "EventReleased carol", "EventRetrieved bob"])


@test
def the_consulted_hangs_up():
    with Desk() as desk:
        desk.consult()
        desk.carol.do("hangup")
        desk.client.wait("EventReleased", ThisDN=dn("bob"), ConnID=desk.call2)
        hear((desk.alice, "G"), (desk.bob, ""))
        desk.ask("RequestRetrieveCall", answer="EventRetrieved")
        hear((desk.alice, "B"), (desk.bob, "A"))


@test
def merging_two_calls():  # LTB-26: the original has no merge
    with Desk() as desk:
        desk.consult()
        desk.ask("RequestMergeCalls", answer="EventReleased", TransferConnID=desk.call2, MergeType="MergeForTransfer")
        closed(desk.bob)
        hear((desk.alice, "C"), (desk.carol, "A"))


harness.main()
