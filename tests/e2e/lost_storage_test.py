#!/usr/bin/env python3
"""A Connector is killed, and what it kept on its disk is gone, damaged, or as it was long before: the T-Server gives its calls back. MMC-110, MMC-112."""
import contextlib
import sqlite3
import time

import harness
from calls import closed, dn, equal, hear, routed, steps
from desk import Desk
from harness import test
from pair import EtcdPair, all_three, caught_up


class Storage:
    """The file of a Connector's calls."""

    def __init__(self, site, number=1):
        self.site, self.number = site, number
        self.file = site.folder / "run" / f"Connector_{number}.calls"

    def parts(self):
        return [self.file.with_name(self.file.name + part) for part in ("", "-wal", "-shm")]

    def as_of_now(self):
        """What was kept so far, as a disk has it that is full from now on."""
        old = sqlite3.connect(":memory:")
        with contextlib.closing(sqlite3.connect(self.file)) as now:
            now.backup(old)
        return old

    def gone(self):
        for part in self.parts():
            part.unlink(missing_ok=True)

    @staticmethod
    def date(database, ago):
        """It was written so many seconds before now."""
        for table in ("life", "reach"):
            database.execute(f"UPDATE {table} SET wall_us = ?", (int((time.time() - ago) * 1e6),))
        database.commit()

    def put_back(self, old, ago):
        """What was kept then, `ago` seconds before now."""
        self.gone()
        self.date(old, ago)
        with contextlib.closing(sqlite3.connect(self.file)) as new:
            new.execute("PRAGMA journal_mode=WAL")
            old.backup(new)


def again(site, storage, change):
    """kill -9, something happens to the disk, and what a service manager does."""
    time.sleep(0.3)  # told some milliseconds after it happened
    site.connector().kill()
    change(storage)
    site.start_connector()
    site.linked(1, 2)
    harness.until("calls given back", lambda: "are given back to" in site.log("tserver"))


def told(client, since):
    return [s for s in steps(client, since) if not s.endswith(" None") and not s.startswith("EventDN")]


@test
def the_file_is_gone():
    with Desk() as desk:
        again(desk.site, Storage(desk.site), Storage.gone)
        hear((desk.alice, "B"), (desk.bob, "A"))
        equal(told(desk.client, desk.mark), [], "events")
        desk.goes_on_as_ever()


@test
def its_clock_is_wrong_and_its_calls_are_taken_over():
    """Back after its time it takes the calls for its own still and calls the phones; those who have them now call them again."""
    with Desk(connectors=2, tserver={"takeover-timeout": "1 sec"}) as desk:
        site = desk.site
        has = 1 if "answered:" in site.log("connector1") else 2
        site.connector(has).kill()
        harness.until("the takeover", lambda: "takes over" in site.log("tserver"))
        hear((desk.alice, "B"), (desk.bob, "A"))
        with contextlib.closing(sqlite3.connect(Storage(site, has).file)) as kept:
            Storage.date(kept, 0)
        site.start_connector(has)
        harness.until("the phones to be called", lambda: "every party taken up was reached" in site.log(f"connector{has}"))
        site.linked(has, 2)
        harness.until("the phones to be called again", lambda: "called again: conversation" in site.log(f"connector{3 - has}"))
        hear((desk.alice, "B"), (desk.bob, "A"))
        equal(told(desk.client, desk.mark), [], "events")
        site.connector(has).kill()
        hear((desk.alice, "B"), (desk.bob, "A"))
        desk.goes_on_as_ever()


@test
def the_file_is_damaged():
    def damage(storage):
        for part in storage.parts():
            part.write_bytes(b"nothing that can be read" * 400)
    with Desk() as desk:
        again(desk.site, Storage(desk.site), damage)
        hear((desk.alice, "B"), (desk.bob, "A"))
        equal(told(desk.client, desk.mark), [], "events")
        desk.bob.do("hangup")
        closed(desk.alice, desk.bob)
        desk.wait("EventReleased", "alice", ConnID=desk.call1)


def each_age(function):
    """Old by a moment: the Connector calls its phones at once. Old by more: it asks the T-Server first."""
    for name, ago in (("a_moment_old", 0.2), ("old", 20)):
        def one(ago=ago):
            function(ago)
        one.__name__ = f"{function.__name__}_{name}"
        test(one)


@each_age
def transferred_since_the_file_is(ago):
    """In the file alice talks to bob; since then bob has given her to carol."""
    with Desk() as desk:
        time.sleep(0.3)
        old = Storage(desk.site).as_of_now()
        desk.consult()
        desk.ask("RequestCompleteTransfer", answer="EventReleased", TransferConnID=desk.call2)
        closed(desk.bob)
        hear((desk.alice, "C"), (desk.carol, "A"))
        mark = desk.client.mark()
        again(desk.site, Storage(desk.site), lambda storage: storage.put_back(old, ago))
        hear((desk.alice, "C"), (desk.carol, "A"))
        equal(told(desk.client, mark), [], "events")
        desk.carol.do("hangup")
        closed(desk.alice, desk.carol)


@each_age
def a_consultation_since_the_file_is(ago):
    with Desk() as desk:
        time.sleep(0.3)
        old = Storage(desk.site).as_of_now()
        desk.consult()
        mark = desk.client.mark()
        again(desk.site, Storage(desk.site), lambda storage: storage.put_back(old, ago))
        hear((desk.alice, "G"), (desk.bob, "C"), (desk.carol, "B"))
        equal(told(desk.client, mark), [], "events")
        desk.ask("RequestCompleteTransfer", answer="EventReleased", TransferConnID=desk.call2)
        closed(desk.bob)
        hear((desk.alice, "C"), (desk.carol, "A"))


@each_age
def over_since_the_file_is(ago):
    """A call of the file that has ended doesn't come back; the one made since does."""
    with Desk() as desk:
        time.sleep(0.3)
        old = Storage(desk.site).as_of_now()
        desk.alice.do("hangup")
        closed(desk.alice, desk.bob)
        desk.wait("EventReleased", "bob", ConnID=desk.call1)
        mark = desk.client.mark()
        desk.client.send("RequestMakeCall", ThisDN=dn("alice"), OtherDN=dn("carol"))
        desk.client.wait("EventEstablished", ThisDN=dn("carol"), since=mark)
        hear((desk.alice, "C"), (desk.carol, "A"))
        mark = desk.client.mark()
        again(desk.site, Storage(desk.site), lambda storage: storage.put_back(old, ago))
        hear((desk.alice, "C"), (desk.carol, "A"))
        equal(told(desk.client, mark), [], "events")
        assert not [e for e in desk.bob.events if e["type"] == "CALL_INCOMING"][1:], "bob was called again"


@test
def with_the_primary_at_once():
    """The Connector is back before the backup has the role: what that had heard of the calls counts."""
    with EtcdPair() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        first, second = all_three(site, 1), all_three(site, 2)
        conn = routed(site, alice, first)
        caught_up(site)
        hear((alice, "B"), (bob, "A"))
        time.sleep(0.3)
        mark = second.mark()
        site.connector().kill()
        site.tserver.kill()
        Storage(site).gone()
        site.start_connector()
        second.wait("EventLinkConnected", since=mark, ServerRole="ServerRolePrimary")
        harness.until("calls given back", lambda: "are given back to" in site.log("tserver2"))
        harness.until("both to be reached", lambda: "every party taken up was reached or is over" in site.log("connector1"))
        hear((alice, "B"), (bob, "A"))
        equal(told(second, mark), [], "events of the call")
        second.send("RequestReleaseCall", ThisDN=dn("bob"), ConnID=conn)
        second.wait("EventReleased", ThisDN=dn("alice"), ConnID=conn, since=mark)
        closed(alice, bob)


harness.main()
