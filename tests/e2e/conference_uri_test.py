#!/usr/bin/env python3
"""Conferences that have an address: it is shown to clients, called by further phones, locked, and watched by subscribers."""
import re

import harness
from calls import closed, dn, equal, hear
from desk import Desk
from harness import extension, test, until
from peers import scenarios, sipp

CONF = dn("conf01")
SERVICES = {"conference-services": {"count": 5, "uri-pattern": "sip:conf{DD}@tandem.test"}}


def three(desk):
    """carol joins alice and bob; returns when the clients can know the address."""
    desk.ask("RequestSingleStepConference", answer="EventPartyAdded", OtherDN=dn("carol"))
    desk.wait("EventEstablished", "carol")
    until("the conference's address", lambda: f"can be entered at {CONF}" in desk.site.log("tserver"))


def stage(**more):
    users = ("alice", "bob", "carol", "dave", "sam")
    return Desk(annex=SERVICES, dns=[extension(user) for user in users], **more)


@test
def called_by_its_address():  # MMC-229, MMC-236, OCS-41: who calls the address is in, past the lobby, and hears all
    with stage() as desk:
        everybody = desk.site.tlib(*(dn(user) for user in ("alice", "bob", "carol", "dave")), name="everybody")
        three(desk)
        info = desk.ask("RequestQueryCall", answer="EventPartyInfo", CallInfoType="CallInfoPartiesQuery")
        equal(info["Extensions"]["ConferenceURI"], CONF)
        dave = desk.site.phone("dave", "D")
        mark = everybody.mark()
        dave.dial(CONF)
        established = everybody.wait("EventEstablished", since=mark, ThisDN=dn("dave"), ConnID=desk.call1)
        equal(established["Extensions"]["ConferenceURI"], CONF)
        for user in ("alice", "bob", "carol"):
            added = everybody.wait("EventPartyAdded", since=mark, ThisDN=dn(user))
            equal((added["OtherDN"], added["OtherDNRole"]), (dn("dave"), "RoleNewParty"))
        hear((desk.alice, "BCD"), (desk.bob, "ACD"), (desk.carol, "ABD"), (dave, "ABC"))
        dave.do("hangup")
        closed(dave)
        hear((desk.alice, "BC"), (desk.bob, "AC"), (desk.carol, "AB"))


@test
def locked():  # OCS-51, OCS-52: nobody enters until it is opened again
    with stage() as desk:
        three(desk)
        changed = desk.ask("RequestSetCallInfo", answer="EventCallInfoChanged", Extensions={"ConferenceLocked": 1})
        equal(changed["Extensions"]["ConferenceLocked"], 1)
        until("locked", lambda: f"conference {CONF} locked" in desk.site.log("connector1"))
        refused = scenarios.caller_refused(403, digest=True)
        desk.site.sipp(refused, target=sipp.target(desk.site), service="conf01", source=dn("sam")[4:], user="sam").finish()
        dave = desk.site.phone("dave", "D")
        dave.dial(CONF)
        closed(dave)
        assert "403" in dave.log_text(), dave.log_text()[-1000:]
        hear((desk.alice, "BC"), (desk.bob, "AC"), (desk.carol, "AB"))
        desk.ask("RequestSetCallInfo", answer="EventCallInfoChanged", Extensions={"ConferenceLocked": 0})
        mark = dave.mark()
        dave.dial(CONF)
        dave.wait("CALL_ESTABLISHED", since=mark)
        hear((desk.alice, "BCD"), (dave, "ABC"))


@test
def by_the_lobby():  # MMC-236: who calls waits with music until a member lets them in, or doesn't
    with stage() as desk:
        three(desk)
        desk.ask("RequestSetCallInfo", answer="EventCallInfoChanged", Extensions={"ConferenceLobby": 1})
        until("the lobby", lambda: f"conference {CONF} lobby" in desk.site.log("connector1"))
        dave = desk.site.phone("dave", "D")
        dave.dial(CONF)
        waits = desk.wait("EventCallInfoChanged", "alice", ThirdPartyDN=dn("dave"))
        equal(waits["Extensions"]["ConferenceWaiting"], {"1": dn("dave")})
        hear((desk.alice, "BC"), (dave, "G"))
        desk.ask("RequestSetCallInfo", answer="EventCallInfoChanged", Extensions={"ConferenceAdmit": dn("dave")})
        dave.wait("CALL_ESTABLISHED")
        hear((desk.alice, "BCD"), (dave, "ABC"))
        refused = scenarios.caller_refused(603, digest=True)
        sam = desk.site.sipp(refused, target=sipp.target(desk.site), service="conf01", source=dn("sam")[4:], user="sam")
        desk.wait("EventCallInfoChanged", "alice", ThirdPartyDN=dn("sam"))
        desk.ask("RequestSetCallInfo", answer="EventCallInfoChanged", Extensions={"ConferenceRefuse": "*"})
        sam.finish()
        hear((desk.alice, "BCD"), (dave, "ABC"))


def notified(watcher):
    """(Subscription-State, version, state, users) of each NOTIFY, in order."""
    found = {}
    for text in re.split(r"\n-{10,}.*\n", watcher.messages()):
        if not re.search(r"^NOTIFY ", text, re.M):
            continue
        cseq = int(re.search(r"^CSeq:\s*(\d+)", text, re.M)[1])
        state = re.search(r"^Subscription-State:\s*([a-z]+)", text, re.M)[1]
        head = re.search(r"<conference-info[^>]*>", text)
        users = re.findall(r'<user [^>]*entity="([^"]*)"', text)
        found[cseq] = (state, int(re.search(r'version="(\d+)"', head[0])[1]), re.search(r'state="(\w+)"', head[0])[1], sorted(users))
    return [found[cseq] for cseq in sorted(found)]


@test
def watched():  # OCS-50, OCS-51: the whole roster, then every arrival and departure, then the end
    with stage() as desk:
        three(desk)
        watcher = desk.site.sipp(scenarios.watcher(), target=sipp.target(desk.site), service="conf01", source=dn("sam")[4:], user="sam",
                                    timeout=100)
        until("the first roster", lambda: notified(watcher))
        members = sorted(dn(user) for user in ("alice", "bob", "carol"))
        equal(notified(watcher)[0], ("active", 1, "full", members))
        dave = desk.site.phone("dave", "D")
        dave.dial(CONF)
        dave.wait("CALL_ESTABLISHED")
        until("dave's arrival", lambda: notified(watcher)[-1][3] == sorted([*members, dn("dave")]))
        dave.do("hangup")
        closed(dave)
        until("dave's departure", lambda: notified(watcher)[-1][3] == members)
        desk.ask("RequestClearCall", answer="EventReleased")
        watcher.finish()
        all_told = notified(watcher)
        equal([one[1] for one in all_told], list(range(1, len(all_told) + 1)), "versions")
        equal([one[0] for one in all_told], ["active"] * (len(all_told) - 1) + ["terminated"])
        equal(all_told[-1][3], [])


@test
def without_addresses():
    """Nothing configured, nothing asked for: a conference as ever, and locking it is refused."""
    with Desk() as desk:
        desk.ask("RequestSingleStepConference", answer="EventPartyAdded", OtherDN=dn("carol"))
        desk.wait("EventEstablished", "carol")
        error = desk.ask("RequestSetCallInfo", answer="EventError", Extensions={"ConferenceLocked": 1})
        equal(error["ErrorCode"], 496)
        hear((desk.alice, "BC"), (desk.bob, "AC"), (desk.carol, "AB"))


harness.main()
