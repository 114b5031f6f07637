#!/usr/bin/env python3
"""A Connector is killed and started again: its calls go on, and the tones prove who hears whom. MMC-110, MMC-112; LTB-10 lifted."""
import re
import threading
import time

import harness
from calls import closed, dn, equal, hear, steps
from desk import Desk
from harness import Site, test


def again(site, number=1, times=2):
    """kill -9, and what a service manager does."""
    site.connector(number).kill()
    site.start_connector(number)
    site.linked(number, times)


class Gap:
    """The longest time within the block in which a phone heard nothing: its recording grows with each packet that comes."""

    def __init__(self, *phones):
        self.paths = {phone.user: phone.recordings()[-1] for phone in phones}
        self.longest = {user: 0.0 for user in self.paths}
        self.over = threading.Event()

    def watch(self):
        last = {user: (path.stat().st_size, time.monotonic()) for user, path in self.paths.items()}
        while not self.over.wait(0.005):
            for user, path in self.paths.items():
                size, now = path.stat().st_size, time.monotonic()
                if size != last[user][0]:
                    self.longest[user] = max(self.longest[user], now - last[user][1])
                    last[user] = (size, now)

    def __enter__(self):
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def __exit__(self, *what):
        self.over.set()
        self.thread.join()
        print("    gap: " + ", ".join(f"{user} {seconds:.2f} s" for user, seconds in self.longest.items()), flush=True)


def told(client, since):
    """What a client heard of calls."""
    return [s for s in steps(client, since) if not s.endswith(" None") and not s.startswith("EventDN")]


@test
def two_who_talk():
    with Desk() as desk:
        with Gap(desk.alice, desk.bob) as gap:
            again(desk.site)
            hear((desk.alice, "B"), (desk.bob, "A"))
        assert max(gap.longest.values()) < 1.5 * harness.SLOW, gap.longest
        equal(told(desk.client, desk.mark), [], "events")
        # A second time, and then everything works as ever.
        again(desk.site, times=3)
        hear((desk.alice, "B"), (desk.bob, "A"))
        desk.goes_on_as_ever()


@test
def held_and_consulting():
    """Who is held still hears music, the consultation goes on, and the transfer that was begun is completed."""
    with Desk() as desk:
        desk.consult()
        mark = desk.client.mark()
        again(desk.site)
        hear((desk.alice, "G"), (desk.bob, "C"), (desk.carol, "B"))
        equal(told(desk.client, mark), [], "events")
        desk.ask("RequestCompleteTransfer", answer="EventReleased", TransferConnID=desk.call2)
        closed(desk.bob)
        hear((desk.alice, "C"), (desk.carol, "A"))


@test
def a_conference_of_three_with_one_muted():
    with Desk() as desk:
        desk.consult("RequestInitiateConference")
        desk.ask("RequestCompleteConference", answer="EventReleased", ConferenceConnID=desk.call2)
        desk.ask("RequestSetMuteOn", answer="EventMuteOn")
        hear((desk.alice, "C"), (desk.bob, "AC"), (desk.carol, "A"))
        again(desk.site)
        hear((desk.alice, "C"), (desk.bob, "AC"), (desk.carol, "A"))
        desk.ask("RequestSetMuteOff", answer="EventMuteOff")
        hear((desk.alice, "BC"), (desk.bob, "AC"), (desk.carol, "AB"))


@test
def a_caller_who_waits_and_hears_music_is_routed_afterwards():
    """Not answered yet: its INVITE is answered by the Connector's next run."""
    with Site(music="G") as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        client = site.tlib(dn("support"), dn("bob"), name="router")
        alice.dial(dn("support"))
        conn = client.wait("EventRouteRequest")["ConnID"]
        client.send("RequestApplyTreatment", ThisDN=dn("support"), ConnID=conn, TreatmentType="TreatmentMusic", TreatmentParms={})
        client.wait("EventTreatmentApplied")
        hear((alice, "G"))
        again(site)
        hear((alice, "G"))
        client.send("RequestRouteCall", ThisDN=dn("support"), ConnID=conn, OtherDN=dn("bob"))
        client.wait("EventEstablished", ThisDN=dn("bob"), ConnID=conn)
        alice.wait("CALL_ESTABLISHED")
        hear((alice, "B"), (bob, "A"))
        bob.do("hangup")
        closed(alice, bob)


@test
def a_caller_of_whom_no_t_server_has_heard():
    """It came while there was none, and then the Connector was killed: it is offered to the next one."""
    with Site() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        site.tserver.kill()
        harness.until("no T-Server", lambda: "no primary T-Server in reach" in site.log("connector1"))
        alice.dial(dn("bob"))
        harness.until("the call", lambda: "offered: party" in site.log("connector1"))
        time.sleep(0.3)
        site.connector().kill()
        site.start_connector()
        site.start_tserver()
        alice.wait("CALL_ESTABLISHED")
        hear((alice, "B"), (bob, "A"))
        bob.do("hangup")
        closed(alice, bob)


@test
def routed_while_the_connector_is_away():
    """The instruction waits for it, and is carried out once."""
    with Site() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        client = site.tlib(dn("support"), dn("bob"), name="router")
        alice.dial(dn("support"))
        conn = client.wait("EventRouteRequest")["ConnID"]
        time.sleep(0.3)
        site.connector().kill()
        client.wait("EventLinkDisconnected")
        mark = client.mark()
        client.send("RequestRouteCall", ThisDN=dn("support"), ConnID=conn, OtherDN=dn("bob"), ReferenceID=7)
        time.sleep(1)
        site.start_connector()
        client.wait("EventEstablished", ThisDN=dn("bob"), ConnID=conn, since=mark)
        alice.wait("CALL_ESTABLISHED")
        hear((alice, "B"), (bob, "A"))
        equal(told(client, mark), ["EventRinging bob", "EventRouteUsed support", "EventDiverted support", "EventEstablished bob"], "events")
        equal([e["event"] for e in client.events[mark:] if e.get("ReferenceID") == 7], ["EventRouteUsed"], "answers")
        bob.do("hangup")
        closed(alice, bob)


@test
def what_was_given_up_meanwhile_ends():
    """A Connector that returns too late is told to end its calls: BYE on both sides."""
    with Desk(tserver={"link-loss-timeout": "2"}) as desk:
        desk.site.connector().kill()
        desk.wait("EventReleased", "alice")
        desk.site.start_connector()
        closed(desk.alice, desk.bob)


@test
def the_one_that_takes_over_dies_as_well():
    """The calls go on at the third, and the two that return let them be."""
    with Desk(connectors=3, tserver={"takeover-timeout": "1 sec"}) as desk:
        site = desk.site
        has = next(number for number in (1, 2, 3) if "answered:" in site.log(f"connector{number}"))
        site.connector(has).kill()
        taker = int(harness.until("the takeover", lambda: re.search(r"Connector_(\d) takes over", site.log("tserver")))[1])
        site.connector(taker).kill()
        third = 6 - has - taker
        harness.until("the third one to have them", lambda: f"taken over by Connector_{third}" in site.log("tserver"))
        hear((desk.alice, "B"), (desk.bob, "A"))
        for number in (taker, has):
            site.start_connector(number)
            site.linked(number, 2)
        time.sleep(1)
        hear((desk.alice, "B"), (desk.bob, "A"))
        equal(told(desk.client, desk.mark), [], "events")
        desk.goes_on_as_ever()


@test
def no_t_server_says_whose_the_calls_are():
    """Away for longer than takeover-timeout, and the T-Server is gone, too: those who talk go on all the same, and it takes them up when it comes."""
    with Desk(connectors=2, tserver={"takeover-timeout": "1 sec"}) as desk:
        site = desk.site
        has = 1 if "answered:" in site.log("connector1") else 2
        site.tserver.kill()
        site.connector(has).kill()
        time.sleep(2)
        site.start_connector(has)
        assert "the calls wait for a T-Server's word" in site.log(f"connector{has}"), "it doesn't wait"
        harness.until("the phones to be called", lambda: "every party taken up was reached" in site.log(f"connector{has}"), 20)
        hear((desk.alice, "B"), (desk.bob, "A"))
        site.start_tserver()
        client = site.tlib(dn("alice"), dn("bob"), name="after")
        harness.until("the call to be known", lambda: "taken up from" in site.log("tserver"))
        client.send("RequestHoldCall", ThisDN=dn("bob"), ConnID=desk.call1)
        client.wait("EventHeld", ThisDN=dn("bob"), ConnID=desk.call1)
        hear((desk.alice, "G"), (desk.bob, ""))
        client.send("RequestReleaseCall", ThisDN=dn("alice"), ConnID=desk.call1)
        client.wait("EventReleased", ThisDN=dn("bob"), ConnID=desk.call1)
        closed(desk.alice, desk.bob)


@test
def another_connector_takes_over():
    """Away for longer than takeover-timeout: the calls go on at the other Connector, and the old one lets them be when it returns."""
    with Desk(connectors=2, tserver={"takeover-timeout": "1 sec"}) as desk:
        desk.consult("RequestInitiateConference")
        desk.ask("RequestCompleteConference", answer="EventReleased", ConferenceConnID=desk.call2)
        hear((desk.alice, "BC"), (desk.bob, "AC"), (desk.carol, "AB"))
        mark = desk.client.mark()
        has = 1 if "answered:" in desk.site.log("connector1") else 2
        with Gap(desk.alice, desk.bob, desk.carol) as gap:
            desk.site.connector(has).kill()
            harness.until("the takeover", lambda: "takes over" in desk.site.log("tserver"))
            hear((desk.alice, "BC"), (desk.bob, "AC"), (desk.carol, "AB"))
        assert max(gap.longest.values()) < 1 + 2 * harness.SLOW, gap.longest
        equal(told(desk.client, mark), [], "events")
        desk.site.start_connector(has)
        desk.site.linked(has, 2)
        time.sleep(1)
        hear((desk.alice, "BC"), (desk.bob, "AC"), (desk.carol, "AB"))
        desk.ask("RequestDeleteFromConference", answer="EventPartyDeleted", OtherDN=dn("carol"))
        closed(desk.carol)
        hear((desk.alice, "B"), (desk.bob, "A"))
        desk.alice.do("hangup")
        closed(desk.alice, desk.bob)
        desk.wait("EventReleased", "bob", ConnID=desk.call1)


harness.main()
