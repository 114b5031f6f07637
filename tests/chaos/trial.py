"""What stands around every fault: two calls of phones with tones, SIPp calls that come and go, the kept client. Each fault is measured and checked.

    with Trial(site) as trial:
        with trial.fault("kill -9", gap=1.5) as fault:
            ...                     # done, and waited for what it brings
    # at the end everything that was counted is printed and checked
"""
import contextlib
import time

from calls import dn, hear, until
from ear import Ear
from harness import SLOW
from kept import Kept
from load import Load
from stack import POOL

LAST_MOMENT = 0.1  # seconds before a kill: who was connected then may not have been kept yet


class Fault:
    def __init__(self, what):
        self.what, self.begun, self.over, self.notes = what, time.time(), None, []

    def note(self, text):
        self.notes.append(text)

    def since(self):
        return time.time() - self.begun


class Trial:
    pairs = (("alice", "A", "bob", "B"), ("carol", "C", "dave", "D"))

    def __init__(self, site, rate=3, talk=4000):
        self.site, self.rate, self.talk = site, rate, talk
        self.phones, self.faults = {}, []
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        site, use = self.site, self.stack.enter_context
        for caller, tone, called, other in self.pairs:
            for user, sound in ((caller, tone), (called, other)):
                self.phones[user] = site.phone(user, sound, address=site.host(), outbound=f"sip:{POOL};transport=udp", seconds=600,
                                                media=30000 + 100 * len(self.phones))
        self.kept = use(Kept(site, {caller: called for caller, _, called, _ in self.pairs}))
        self.conn = {}
        for caller, _, called, _ in self.pairs:
            self.phones[caller].dial(dn("support"))
            self.conn[caller] = self.kept.client.wait("EventEstablished", ThisDN=dn(called))["ConnID"]
        self.kept.calls = [(called, self.conn[caller]) for caller, _, called, _ in self.pairs]
        self.ear = use(Ear(*self.phones.values()))
        self.heard()
        self.load = use(Load(site, self.rate, self.talk))
        self.load.start()
        until("calls of the load", lambda: sum(bool(call.up) for call in self.load.calls()) >= 3)
        return self

    def __exit__(self, kind, *rest):
        try:
            if kind is None:
                self.end()
        finally:
            self.stack.__exit__(kind, *rest)

    def heard(self, timeout=15):
        """Everybody hears whom they talk to, and nobody else."""
        hear(*((self.phones[who], tone) for caller, a, called, b in self.pairs for who, tone in ((caller, b), (called, a))), timeout=timeout * SLOW)

    def carrier(self, user="alice"):
        """Number of the Connector that carries the phone's call."""
        return self.site.addresses.index(self.ear.speaker(user)) + 1

    @contextlib.contextmanager
    def fault(self, what, gap=None, answer=None):
        """`gap`: seconds without sound that are too many; `answer`: seconds to the answer of a request that are."""
        fault = Fault(what)
        self.faults.append(fault)
        yield fault
        self.heard()
        fault.over = time.time()
        gaps = {user: self.ear.gap(user, fault.begun - 0.1, fault.over) for user in self.phones}
        line = ", ".join(f"{user} {seconds:.2f}" for user, seconds in gaps.items())
        waited = self.kept.longest(fault.begun - 0.1)
        print(f"    {what}: {'; '.join([*fault.notes, f'seconds without sound: {line}', f'longest answer: {waited:.2f} s'])}", flush=True)
        assert answer is None or waited < answer * SLOW, f"{what}: an answer came after {waited:.2f} s"
        ended = {phone.user: [e for e in phone.events if e["type"] == "CALL_CLOSED"] for phone in self.phones.values()}
        assert not any(ended.values()), f"{what}: calls were lost: {ended}"
        lost = self.lost()
        assert not lost, f"{what}: calls of the load were lost: {lost}"
        if gap:
            assert max(gaps.values()) < gap * SLOW, f"{what}: a gap of {max(gaps.values()):.2f} s"

    def lost(self, at_the_end=False):
        """Calls that were up and did not end by their caller's BYE, answered."""
        def last_moment(call):
            return any(0 <= fault.begun - call.up < LAST_MOMENT for fault in self.faults)
        return [vars(call) for call in self.load.calls()
                if call.up and not call.both and call.end != "ended" and (call.end or at_the_end) and not last_moment(call)]

    def end(self):
        self.load.end()
        self.kept.end()
        calls = self.load.calls()
        answered = sum(bool(call.up) for call in calls)
        print(f"    calls of the load: {len(calls)} begun, {answered} answered, {sum(call.tries > 1 for call in calls)} at another address, "
              f"{len(calls) - answered} not", flush=True)
        for fault in self.faults:
            during = [call for call in calls if fault.begun - 2 <= call.begun <= fault.over]
            missed = [call.end or "no answer" for call in during if not call.up]
            print(f"      {fault.what}: {len(during)} begun, {sum(call.tries > 1 for call in during)} at another address, {len(missed)} not answered "
                  f"{sorted(set(missed)) or ''}", flush=True)
        lost = self.lost(at_the_end=True)
        assert not lost, f"calls of the load were lost: {lost}"
        for caller, _, called, _ in self.pairs:
            mark = self.kept.client.mark()
            self.phones[caller].do("hangup")
            self.kept.client.wait("EventReleased", since=mark, ThisDN=dn(called), ConnID=self.conn[caller])
            self.phones[called].wait("CALL_CLOSED", 20 * SLOW)
