#!/usr/bin/env python3
"""Twenty phones and clients do at random what is allowed and what isn't. At the end nothing is left anywhere, and every event was legal.

TANDEM_SEED replays the same wishes (what the machine makes of their timing differs), TANDEM_SECONDS says how long."""
import os
import random
import subprocess
import time

import harness
from calls import dn, equal
from harness import BIN, Site, extension, routing_point, test, until
from legality import complaints

USERS = [f"u{number}" for number in range(20)]
SECONDS = float(os.environ.get("TANDEM_SECONDS", "15"))


class Crowd:
    def __init__(self, site, seed):
        self.site, self.random = site, random.Random(seed)
        self.phones = {user: site.phone(user, self.random.choice("ABCDEF"), seconds=600, registered=False) for user in USERS}
        for phone in self.phones.values():
            phone.wait_registered(60)
        self.client = site.tlib(*(dn(user) for user in USERS), dn("support"), name="all")
        self.reference = self.first = 1000  # tlib numbers its own registrations from 1

    def live(self):
        """{user: ConnIDs it is in}, as the events tell."""
        calls = {}
        with self.client.changed:
            _, left = complaints(self.client.events)
        for who, conn in left:
            calls.setdefault(who, []).append(conn)
        return calls

    def request(self):
        """A request that may or may not make sense."""
        calls = self.live()
        someone, other = (dn(user) for user in self.random.sample(USERS, 2))
        busy = [who for who in calls if who != dn("support")]
        who = self.random.choice(busy) if busy and self.random.random() < 0.85 else someone
        mine = calls.get(who, [])
        conn = self.random.choice(mine) if mine else self.random.choice(sum(calls.values(), ["0000000000000001"]))
        second = self.random.choice(mine) if mine else conn
        if self.random.random() < 0.1:
            other = self.random.choice([dn("support"), dn("nobody"), "+4930123"])
        kind = self.random.choice([
            "RequestMakeCall", "RequestMakeCall", "RequestReleaseCall", "RequestHoldCall", "RequestRetrieveCall", "RequestInitiateTransfer",
            "RequestInitiateConference", "RequestCompleteTransfer", "RequestCompleteConference", "RequestAlternateCall", "RequestReconnectCall",
            "RequestSingleStepTransfer", "RequestSingleStepConference", "RequestDeleteFromConference", "RequestMergeCalls", "RequestSetMuteOn",
            "RequestSetMuteOff", "RequestSendDTMF", "RequestAttachUserData", "RequestClearCall", "RequestRouteCall", "RequestApplyTreatment"])
        self.reference += 1
        attributes = {"ThisDN": who, "ReferenceID": self.reference}
        if kind == "RequestMakeCall":
            return kind, {**attributes, "ThisDN": someone, "OtherDN": other}
        attributes["ConnID"] = conn
        if kind in ("RequestInitiateTransfer", "RequestInitiateConference", "RequestSingleStepTransfer", "RequestSingleStepConference",
                    "RequestDeleteFromConference"):
            attributes["OtherDN"] = other
        elif kind in ("RequestCompleteTransfer", "RequestMergeCalls"):
            attributes["TransferConnID"] = second
        elif kind == "RequestCompleteConference":
            attributes["ConferenceConnID"] = second
        elif kind in ("RequestAlternateCall", "RequestReconnectCall"):
            attributes["PreviousConnID"] = second
        elif kind == "RequestSendDTMF":
            attributes["DTMFDigits"] = "12#"
        elif kind == "RequestAttachUserData":
            attributes["UserData"] = {f"k{self.random.randrange(5)}": "v"}
        elif kind in ("RequestRouteCall", "RequestApplyTreatment"):
            waiting = calls.get(dn("support"), [])
            attributes.update({"ThisDN": dn("support"), "ConnID": self.random.choice(waiting) if waiting else conn})
            attributes.update({"OtherDN": other} if kind == "RequestRouteCall" else {"TreatmentType": self.random.choice(
                ["TreatmentMusic", "TreatmentRingBack", "TreatmentSilence", "TreatmentCollectDigits"])})
        return kind, attributes

    def act(self):
        roll = self.random.random()
        phone = self.phones[self.random.choice(USERS)]
        if roll < 0.7:
            kind, attributes = self.request()
            self.client.send(kind, **attributes)
        elif roll < 0.8:
            phone.do("dial", dn(self.random.choice([*USERS, "support"])))
        elif roll < 0.88:
            phone.do("hangup")
        elif roll < 0.94:
            phone.do(self.random.choice(["hold", "resume"]))
        elif roll < 0.97:
            phone.do("transfer", dn(self.random.choice(USERS)))
        else:
            phone.do("sndcode", self.random.choice("0123456789*#"))

    def end(self):
        for phone in self.phones.values():
            for _ in range(6):
                phone.do("hangup")
        for who, conns in self.live().items():
            for conn in conns:
                self.reference += 1
                kind = "RequestRouteCall" if who == dn("support") else "RequestReleaseCall"
                more = {"RouteType": "RouteTypeReject"} if who == dn("support") else {}
                self.client.send(kind, ThisDN=who, ConnID=conn, ReferenceID=self.reference, **more)
        time.sleep(0.5)


@test
def twenty_phones_at_random():
    seed = int(os.environ.get("TANDEM_SEED", random.randrange(1_000_000)))
    print(f"    TANDEM_SEED={seed}", flush=True)
    with Site(dns=[*(extension(user) for user in USERS), routing_point("support")], music="G", front_end={"max-calls-per-phone": 20},
              tserver={"no-answer-timeout": 10, "av-joining-timeout": 10}) as site:
        crowd = Crowd(site, seed)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            crowd.act()
            time.sleep(crowd.random.expovariate(20))
        ended = time.monotonic()
        until("the end of all calls", lambda: crowd.end() or not crowd.live(), 30, 1)
        print(f"    all calls over after {time.monotonic() - ended:.1f} s", flush=True)
        with crowd.client.changed:
            found, left = complaints(crowd.client.events)
        equal((found, left), ([], []), "complaints and calls left")
        # Every request was answered once.
        answered = {e["ReferenceID"] for e in crowd.client.events if "ReferenceID" in e}
        equal(sorted(set(range(crowd.first + 1, crowd.reference + 1)) - answered), [], "requests without an answer")
        listing = subprocess.run([BIN / "tandemctl", "--config", site.file, "calls"], capture_output=True, text=True, timeout=30)
        equal(listing.stdout.splitlines()[1:], [], "calls at the T-Server")
        errors = sum(e["event"] == "EventError" for e in crowd.client.events)
        print(f"    {crowd.reference - crowd.first} requests, {errors} refused, {len(crowd.client.events)} events", flush=True)
        for phone in crowd.phones.values():
            phone.process.terminate()  # all at once, since each takes its time
        site.connector().stop()
        assert "nothing was left open" in site.log("connector1"), site.log("connector1")[-500:]


harness.main()
