"""A client that is told of everything and keeps its session at whatever T-Server is primary: it routes the load, asks for something ten times a
second, and counts. Nothing may be lost and nothing doubled."""
import itertools
import threading
import time

from harness import dn, equal, until
from legality import complaints
from stack import AGENTS, PHONES

BESIDES = {"EventServerConnected", "EventServerDisconnected"}  # made by the client library


class Kept:
    def __init__(self, site, partners):
        """`partners`: who of the phones is routed to whom; all other callers go to the agents in turn."""
        self.client = site.tlib(dn("support"), *map(dn, (*PHONES, *AGENTS)), server=site.both, resume=True, name="kept")
        self.partners = {dn(caller): dn(called) for caller, called in partners.items()}
        self.agents = itertools.cycle(map(dn, AGENTS))
        self.references = itertools.count(1_000_000)
        self.asked = {}  # reference -> request
        self.times = {}  # reference -> when
        self.updates = []  # numbers that were attached
        self.calls = []  # (DN, ConnID) whose user data are updated in turn
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self.route, self.update)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()

    def ask(self, request, **attributes):
        with self.lock:
            reference = next(self.references)
            self.asked[reference], self.times[reference] = request, time.time()
            self.client.send(request, ReferenceID=reference, **attributes)
        return reference

    def route(self):
        at = 0
        while not self.ended.is_set():
            with self.client.changed:
                self.client.changed.wait_for(lambda: len(self.client.events) > at, 0.2)
                fresh, at = self.client.events[at:], len(self.client.events)
            for event in fresh:
                if event["event"] == "EventRouteRequest":
                    self.ask("RequestRouteCall", ThisDN=event["ThisDN"], ConnID=event["ConnID"],
                             OtherDN=self.partners.get(event.get("OtherDN")) or next(self.agents))

    def update(self):
        for number in itertools.count():
            if self.ended.wait(0.1):
                return
            if self.calls:
                who, conn = self.calls[number % len(self.calls)]
                self.updates.append(self.ask("RequestUpdateUserData", ThisDN=dn(who), ConnID=conn, UserData={"number": str(number)}))

    def answers(self):
        """reference -> events that have it."""
        found = {}
        with self.client.changed:
            for event in self.client.events:
                if event.get("ReferenceID", 0) >= 1_000_000:
                    found.setdefault(event["ReferenceID"], []).append(event)
        return found

    def longest(self, since):
        """The longest time to the answer of an update that was asked for from then on, in seconds; by the T-Server's clock, which is ours."""
        answers, now = self.answers(), time.time()
        return max((answers[one][0]["TimeinSecs"] + answers[one][0]["TimeinuSecs"] / 1e6 if one in answers else now) - self.times[one]
                   for one in list(self.updates) if self.times[one] >= since)

    def end(self):
        """No more requests; what was asked, answered and said, and whether every bit of it is as it should be."""
        self.__exit__()
        until("every answer", lambda: not set(self.asked) - set(self.answers()), 40)
        time.sleep(0.5)
        answers = self.answers()
        with self.client.changed:
            events = list(self.client.events)
        doubled = sorted(reference for reference, found in answers.items() if len(found) > 1)
        refused = [f'{self.asked[reference]}: {found[0].get("ErrorMessage", found[0].get("ErrorCode"))}'
                   for reference, found in answers.items() if found[0]["event"] == "EventError"]
        effects = [e["ReferenceID"] for e in events if e["event"] == "EventAttachedDataChanged" and e.get("ReferenceID") in self.asked]
        print(f"    the kept client: {len(self.asked)} requests, {len(refused)} refused, {len(doubled)} answered twice; {len(events)} events", flush=True)
        for why in sorted(set(refused)):
            print(f"      refused {refused.count(why)}: {why}", flush=True)
        equal(doubled, [], "answered twice")
        equal([why for why in refused if why.startswith("RequestUpdateUserData")], [], "updates refused")
        equal(effects, self.updates, "updates, once each and in order")
        equal([e["event"] for e in events if e["event"] in BESIDES], ["EventServerConnected"], "what the application knows of it")
        equal(complaints(events)[0], [], "the stream")
