#!/usr/bin/env python3
"""Two T-Servers, a Connector and etcd, each on a host of its own (a network namespace), with two phones in a call: processes are killed and
stopped, links are cut one way and both. All the while a client asks both T-Servers for the same things. Measured and printed: time to a
working primary, gaps in the audio, requests that were refused meanwhile, that got no answer, that both T-Servers carried out. MMC-91, MMC-96.
"""
import pathlib
import signal
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
sys.dont_write_bytecode = True
from calls import closed, dn, equal, routed, until  # noqa: E402
from harness import SLOW, test  # noqa: E402
from lab import Lab  # noqa: E402
from peers import tones  # noqa: E402
from stack import Stack, hosts_of  # noqa: E402

AIM = 3.0  # seconds to a working primary
SIZE = dict(connectors=1, members=1)


class Asker:
    """Asks both T-Servers to attach the same pair to the call, ten times a second."""

    def __init__(self, conn):
        self.conn = conn
        self.clients = {}
        self.number = 1000
        self.asked = []  # (reference, client)
        self.ended = threading.Event()
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def use(self, number, client):
        with self.lock:
            self.clients[number] = client

    def run(self):
        while not self.ended.wait(0.1):
            with self.lock:
                self.number += 1
                for client in self.clients.values():
                    try:
                        client.send("RequestUpdateUserData", ThisDN=dn("bob"), ConnID=self.conn, ReferenceID=self.number,
                                    UserData={"number": str(self.number)})
                        self.asked.append((self.number, client))
                    except (OSError, ValueError):
                        pass  # its T-Server is dead, and told so

    def end(self):
        """{"asked", "carried out", "refused by both", "carried out by both", "unanswered"}: how many."""
        self.ended.set()
        self.thread.join()
        time.sleep(0.5 * SLOW)
        answers = {}
        for client in {client for _, client in self.asked}:
            with client.changed:
                for event in client.events:
                    if event.get("ReferenceID", 0) > 1000:
                        answers.setdefault((event["ReferenceID"], client), []).append(event["event"])
        done, refused, unanswered = {}, set(), 0
        for reference, client in self.asked:
            for event in answers.get((reference, client), ["none"]):
                if event == "none":
                    unanswered += 1
                elif event == "EventError":
                    refused.add(reference)
                else:
                    done[reference] = done.get(reference, 0) + 1
        numbers = {reference for reference, _ in self.asked}
        return {"asked": len(numbers), "carried out": len(done), "carried out twice": sum(times > 1 for times in done.values()),
                "refused by all who answered": len(refused - set(done)), "unanswered": unanswered}


def longest_gap(recording, party):
    """Seconds without the party's tone, from where it is first heard to half a second before the end."""
    pcm, rate = tones.samples(recording)
    size = rate // 20
    heard = [tones.amplitude(pcm[i:i + size], rate, tones.TONES[party]) >= tones.AUDIBLE for i in range(0, len(pcm) - size - rate // 2, size)]
    gap = longest = 0
    for one in heard[heard.index(True):]:
        gap = 0 if one else gap + 1
        longest = max(longest, gap)
    return longest / 20


@test
def every_way_to_lose_a_primary():
    with Lab(*hosts_of(**SIZE)) as lab, Stack(lab, **SIZE) as site:
        alice, bob = site.phone("alice", "A", address=site.host()), site.phone("bob", "B", address=site.host())
        clients = {n: site.client(n, dn("support"), dn("alice"), dn("bob")) for n in (1, 2)}
        conn = routed(site, alice, clients[1])
        asker = Asker(conn)
        for number, client in clients.items():
            asker.use(number, client)
        asker.thread.start()
        time.sleep(1)
        host, log = {1: "ts1", 2: "ts2"}, {1: "tserver", 2: "tserver2"}
        program = {1: lambda: site.programs["TServer_1"], 2: lambda: site.programs["TServer_2"]}

        def replaced(what, old, act, limit=AIM):
            new = 3 - old
            mark, begun = clients[new].mark(), time.monotonic()
            act()
            clients[new].wait("EventLinkConnected", since=mark, ServerRole="ServerRolePrimary")
            took = time.monotonic() - begun
            print(f"    {what}: a working primary after {took * 1000:.0f} ms", flush=True)
            assert took < limit * SLOW, f"{what}: too slow"

        def backup(number):
            until(f"TServer_{number} to be backup", lambda: site.roles() == {f"TServer_{number}": "backup", f"TServer_{3 - number}": "primary"}, 20)

        replaced("kill -9 of the primary", 1, lambda: site.tserver.kill())
        site.start("TServer_1", "tserver")
        clients[1] = site.client(1, dn("support"), dn("alice"), dn("bob"))
        asker.use(1, clients[1])
        backup(1)
        links = site.log("tserver").count("link connector1: connected")
        assert links, "linked"

        replaced("SIGSTOP of the primary", 2, lambda: program[2]().process.send_signal(signal.SIGSTOP))
        program[2]().process.send_signal(signal.SIGCONT)
        backup(2)

        replaced("what the primary sends to etcd is lost", 1, lambda: lab.lose(host[1], "e1"))
        assert "role: backup, the role could not be renewed in time" in site.log(log[1]), "it stepped down by itself"
        lab.heal()
        backup(1)

        replaced("what etcd sends to the primary is lost", 2, lambda: lab.lose("e1", host[2]))
        lab.heal()
        backup(2)

        downs = site.log(log[1]).count("role: backup, ")
        replaced("the primary's host is cut off from everybody", 1, lambda: lab.unplug(host[1]))
        assert site.log(log[1]).count("role: backup, ") > downs, "it stepped down by itself, before"
        lab.heal()
        backup(1)

        gone = time.monotonic()
        lab.unplug("e1")
        until("TServer_2 to step down", lambda: "could not be renewed in time" in site.log(log[2]).rsplit("role: primary", 1)[1], 20)
        lab.heal()
        until("a primary", lambda: sorted(site.roles().values()) == ["backup", "primary"], 20)
        print(f"    etcd is cut off from everybody: nobody is primary, and a primary again {time.monotonic() - gone:.1f} s after the cut", flush=True)

        counts = asker.end()
        print("    requests: " + ", ".join(f"{what} {count}" for what, count in counts.items()), flush=True)
        equal(counts["carried out twice"], 0, "two primaries never act")
        equal([e["type"] for p in (alice, bob) for e in p.events if e["type"] == "CALL_CLOSED"], [], "the call")
        leader = 1 if site.roles()["TServer_1"] == "primary" else 2
        clients[leader].send("RequestReleaseCall", ThisDN=dn("bob"), ConnID=conn)
        clients[leader].wait("EventReleased", ThisDN=dn("alice"), ConnID=conn)
        closed(alice, bob)
        for phone in (alice, bob):
            phone.stop()
        for phone, party in ((alice, "B"), (bob, "A")):
            gap = longest_gap(phone.recordings()[-1], party)
            print(f"    longest gap in what {phone.user} hears: {gap * 1000:.0f} ms of {tones.length(phone.recordings()[-1]):.0f} s", flush=True)
            assert gap <= 0.1, "the audio has a gap"


Lab.main(__file__)
