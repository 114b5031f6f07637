#!/usr/bin/env python3
"""Conferences by request: three by two steps, five by single steps, parties dropped; each hears all the others and not itself."""
import harness
from calls import closed, dn, equal, hear
from desk import Desk
from harness import Site, extension, test


@test
def conference_in_two_steps():  # MMC-395, MMC-396
    with Desk() as desk:
        desk.consult("RequestInitiateConference")
        desk.ask("RequestCompleteConference", answer="EventReleased", ConferenceConnID=desk.call2)
        hear((desk.alice, "BC"), (desk.bob, "AC"), (desk.carol, "AB"))
        desk.ask("RequestDeleteFromConference", answer="EventPartyDeleted", OtherDN=dn("carol"))
        closed(desk.carol)
        hear((desk.alice, "B"), (desk.bob, "A"))
        equal(desk.steps()[:-3], [
            "EventHeld bob", "EventDialing bob", "EventRinging carol", "EventEstablished bob", "EventEstablished carol",
            "EventReleased bob", "EventRetrieved bob", "EventPartyAdded alice", "EventPartyAdded bob", "EventPartyChanged carol"])
        equal(sorted(desk.steps()[-3:]), ["EventPartyDeleted alice", "EventPartyDeleted bob", "EventReleased carol"])


@test
def five_hear_each_other():  # MMC-400: each of five hears the other four
    users = ("alice", "bob", "carol", "dave", "erin")
    with Desk(dns=[extension(user) for user in users]) as desk:
        dave, erin = desk.site.phone("dave", "D"), desk.site.phone("erin", "E")
        everybody = desk.site.tlib(*(dn(user) for user in users), name="everybody")
        for user in ("carol", "dave", "erin"):
            desk.ask("RequestSingleStepConference", answer="EventPartyAdded", OtherDN=dn(user))
            everybody.wait("EventEstablished", ThisDN=dn(user))
        phones = dict(zip("ABCDE", (desk.alice, desk.bob, desk.carol, dave, erin)))
        hear(*((phone, "ABCDE".replace(tone, "")) for tone, phone in phones.items()))
        # One is held, and is neither heard nor hears.
        desk.ask("RequestHoldCall", answer="EventHeld")
        hear((desk.bob, ""), (desk.alice, "CDE"), (erin, "ACD"))
        desk.ask("RequestRetrieveCall", answer="EventRetrieved")
        hear(*((phone, "ABCDE".replace(tone, "")) for tone, phone in phones.items()))
        # One is muted: hears, isn't heard.
        desk.ask("RequestSetMuteOn", answer="EventMuteOn")
        hear((desk.bob, "ACDE"), (desk.alice, "CDE"), (erin, "ACD"))
        desk.ask("RequestSetMuteOff", answer="EventMuteOff")
        for phone, left in ((erin, "ABCD"), (dave, "ABC"), (desk.carol, "AB")):
            phone.do("hangup")
            closed(phone)
            hear(*((phones[tone], left.replace(tone, "")) for tone in left))
        desk.alice.do("hangup")
        closed(desk.alice, desk.bob)


@test
def a_conference_with_wideband_phones():
    """Each speaks another codec: PCMU, G.722 and Opus."""
    with Site(media={"codecs": "PCMU, PCMA, G722, opus"}) as site:
        alice, bob, carol = site.phone("alice", "A"), site.phone("bob", "B", codecs=("g722",)), site.phone("carol", "C", codecs=("opus",))
        client = site.tlib(dn("alice"), dn("bob"), dn("carol"), name="desk")
        client.send("RequestMakeCall", ThisDN=dn("alice"), OtherDN=dn("bob"))
        conn = client.wait("EventEstablished", ThisDN=dn("bob"))["ConnID"]
        hear((alice, "B"), (bob, "A"))
        client.send("RequestSingleStepConference", ThisDN=dn("bob"), OtherDN=dn("carol"), ConnID=conn)
        client.wait("EventEstablished", ThisDN=dn("carol"))
        hear((alice, "BC"), (bob, "AC"), (carol, "AB"))


@test
def single_step_transfer():  # MMC-399: bob is released only after carol is connected
    with Desk() as desk:
        desk.ask("RequestSingleStepTransfer", answer="EventReleased", OtherDN=dn("carol"))
        closed(desk.bob)
        hear((desk.alice, "C"), (desk.carol, "A"))
        equal(desk.steps(), ["EventRinging carol", "EventEstablished carol", "EventReleased bob", "EventPartyChanged alice"])


@test
def single_step_transfer_to_nobody():
    with Desk() as desk:
        desk.carol.stop()
        error = desk.ask("RequestSingleStepTransfer", answer="EventError", OtherDN=dn("nobody"))
        hear((desk.alice, "B"), (desk.bob, "A"))
        assert error["ErrorCode"], error


harness.main()
