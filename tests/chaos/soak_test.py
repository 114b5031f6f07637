#!/usr/bin/env python3
"""Everything at once, for a while: routed calls with treatments, holds, transfers and conferences, phones that talk, agents that come and go, TLS
registrations, switchovers, a Connector that is killed now and then. In the end memory, descriptors, ports, registrations and the store are as at
the beginning. TANDEM_SOAK_MINUTES=180 goes on for hours."""
import contextlib
import hashlib
import heapq
import itertools
import os
import pathlib
import random
import re
import socket
import sqlite3
import ssl
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
sys.dont_write_bytecode = True
import harness  # noqa: E402
from harness import BIN, DOMAIN, SLOW, dn, equal, extension, routing_point, test, until  # noqa: E402
from load import Load  # noqa: E402
from pair import Pair  # noqa: E402
from peers.tlib import Tlib  # noqa: E402
from watched import Watched  # noqa: E402

MINUTES = float(os.environ.get("TANDEM_SOAK_MINUTES", "0.4"))
WARM = max(33.0, min(MINUTES * 60 / 4, 600.0))  # seconds until transactions come and go at the same rate, and all has been seen once
AGENTS = [f"agent{number}" for number in range(1, 9)]
SPECIALISTS = [f"special{number}" for number in range(1, 5)]
TLS_USERS = [f"tls{number}" for number in range(1, 5)]
GROWTH = 1.0  # MB that a process may have allocated more when all is over than when it was warm
SPARE = 10.0  # and that its heap may keep of the system without use
CALLS = 3  # a second
EXPIRES = 86400  # seconds for which agents are registered, longer than any soak
RTP_PORTS = range(20000, 26000)  # the harness's


class Soaked(Watched, Pair):
    @property
    def both(self):
        return f"{self.server_address}:7000,{self.server_address}:7010"

    @property
    def servers(self):
        """Where their ports http are."""
        return self.server_address, f"{self.net}.2"

    def environment(self):
        environment = super().environment()
        applications = environment["applications"]
        applications["TServer_2"]["ports"]["http"] = {"port": 8080, "address": self.servers[1]}
        for application in applications.values():
            application["options"]["log"]["verbose"] = "interaction"
        return environment


class Worker(threading.Thread):
    """Does something again and again, until told to end. What goes wrong is counted, and told if it always does."""

    def __init__(self, name, pause, work):
        super().__init__(daemon=True)
        self.what, self.pause, self.work = name, pause, work
        self.ended, self.done, self.failed, self.last = threading.Event(), 0, 0, ""

    def run(self):
        while not self.ended.wait(self.pause):
            try:
                self.work()
                self.done += 1
            except Exception as problem:  # noqa: BLE001
                self.failed += 1
                self.last = f"{type(problem).__name__}: {problem}"[:200]


class Desk(Worker):
    """Routes callers, and does to each call what applications do."""

    def __init__(self, site):
        super().__init__("events handled", 0, self.step)
        self.client = site.tlib(dn("support"), *map(dn, (*AGENTS, *SPECIALISTS)), server=site.both, resume=True, name="desk")
        self.at, self.due, self.count, self.tie = 0, [], itertools.count(), itertools.count()
        self.agents, self.specialists = itertools.cycle(AGENTS), itertools.cycle(SPECIALISTS)
        self.consulted = {}  # ConnID of a consultation -> what completes it
        self.up = set()  # (user, ConnID)
        self.tries = {}  # ConnID of a call that could not be routed -> how often it was routed again
        self.asked = {}

    def send(self, request, who, conn, **more):
        self.asked[request] = self.asked.get(request, 0) + 1
        self.client.send(request, ThisDN=dn(who), ConnID=conn, **more)

    def later(self, seconds, *what, **more):
        heapq.heappush(self.due, (time.monotonic() + seconds, next(self.tie), what, more))

    def step(self):
        with self.client.changed:
            self.client.changed.wait_for(lambda: len(self.client.events) > self.at, 0.05)
            fresh = self.client.events[self.at:]
            self.client.events.clear()
            self.at = 0
        for event in fresh:
            self.heard(event)
        while self.due and self.due[0][0] <= time.monotonic():
            _, _, what, more = heapq.heappop(self.due)
            self.send(*what, **more)

    def heard(self, event):
        kind, conn = event["event"], event.get("ConnID")
        who = (event.get("ThisDN") or "")[4:].split("@")[0]
        if kind == "EventRouteRequest":
            way = next(self.count) % 3
            if way:
                parameters = {"PROMPT": {"1": {"INTERRUPTABLE": 1, "ID": "welcome"}}} if way == 1 else {}
                self.send("RequestApplyTreatment", "support", conn, TreatmentParms=parameters,
                          TreatmentType="TreatmentPlayAnnouncement" if way == 1 else "TreatmentMusic")
            self.later(0.6 if way else 0, "RequestRouteCall", "support", conn, OtherDN=dn(next(self.agents)))
        elif kind == "EventError" and who == "support" and self.tries.get(conn, 0) < 3:
            # Also of a caller who gave up unheard while its Connector was away: it ends once somebody has answered.
            self.tries[conn] = self.tries.get(conn, 0) + 1
            self.later(1, "RequestRouteCall", "support", conn, OtherDN=dn(next(self.agents)))
        elif kind == "EventEstablished" and who in SPECIALISTS and conn in self.consulted:
            request, agent, more = self.consulted.pop(conn)
            self.later(0.4, request, agent, more.pop("ConnID"), **more)
        elif kind == "EventDialing" and conn not in self.consulted and event.get("CallType") == "CallTypeConsult" and who in AGENTS:
            main = event.get("PreviousConnID")
            transfer = next(self.count) % 2
            self.consulted[conn] = ("RequestCompleteTransfer" if transfer else "RequestCompleteConference", who,
                                    {"ConnID": main, "TransferConnID" if transfer else "ConferenceConnID": conn})
            if not transfer:
                self.later(1.2, "RequestReleaseCall", who, main)
            self.later(2, "RequestReleaseCall", who, conn)
        elif kind == "EventEstablished":
            self.up.add((who, conn))
            if who in AGENTS and event.get("CallType") != "CallTypeConsult":
                self.work_on(who, conn)
        elif kind in ("EventReleased", "EventAbandoned", "EventDiverted"):
            self.up.discard((who, conn))
            if who == "support":
                self.tries.pop(conn, None)
            self.consulted.pop(conn, None)

    def work_on(self, who, conn):
        other = dn(next(self.specialists))
        way = next(self.count) % 5
        if way == 0:
            self.later(0.3, "RequestHoldCall", who, conn)
            self.later(0.8, "RequestRetrieveCall", who, conn)
        elif way == 1:
            self.later(0.3, "RequestInitiateTransfer", who, conn, OtherDN=other)
        elif way == 2:
            self.later(0.3, "RequestInitiateConference", who, conn, OtherDN=other)
        elif way == 3:
            self.later(0.5, "RequestSingleStepTransfer", who, conn, OtherDN=other)
        for number in range(3):
            self.later(0.2 * number, "RequestUpdateUserData", who, conn, UserData={"step": str(number), "text": "x" * 100})

    def sweep(self):
        """What nobody hangs up: agents that a conference or consultation left alone."""
        for who, conn in list(self.up):
            self.send("RequestReleaseCall", who, conn)


def registered_over_tls(site):
    """A phone that registers with digest over TLS, and goes: sometimes with a word, sometimes without."""
    user = random.choice(TLS_USERS)
    context = ssl.create_default_context(cafile=site.folder / "certs/ca.pem")
    with socket.create_connection((site.addresses[0], 5061), 5) as plain, context.wrap_socket(plain, server_hostname=DOMAIN) as tls:
        call, answer = os.urandom(8).hex(), ""
        for number, expires in ((1, 10), (2, 10), (3, 0))[:random.choice((2, 3))]:
            proof = ""
            if answer:
                challenge = dict(re.findall(r'(\w+)="?([^",\r]+)"?', re.search(r"(?i)www-authenticate: *digest(.*)", answer)[1]))
                digest = lambda *parts: hashlib.md5(":".join(parts).encode()).hexdigest()  # noqa: E731
                first = digest(user, challenge["realm"], f"{user}-secret")
                second = digest("REGISTER", f"sip:{DOMAIN}")
                quality = "qop" in challenge
                response = digest(first, challenge["nonce"], *((f"{number:08x}", "abc", "auth") if quality else ()), second)
                proof = (f'Authorization: Digest username="{user}",realm="{challenge["realm"]}",nonce="{challenge["nonce"]}",uri="sip:{DOMAIN}",'
                         f'response="{response}"' + (f',qop=auth,nc={number:08x},cnonce="abc"' if quality else "") + "\r\n")
            here = "%s:%d" % tls.getsockname()
            tls.sendall((f"REGISTER sip:{DOMAIN} SIP/2.0\r\nVia: SIP/2.0/TLS {here};branch=z9hG4bK{call}{number}\r\nMax-Forwards: 70\r\nFrom: <{dn(user)}>;tag=1\r\n"
                         f"To: <{dn(user)}>\r\nCall-ID: {call}\r\nCSeq: {number} REGISTER\r\nContact: <sip:{user}@{here};transport=tls>\r\n"
                         f"Expires: {expires}\r\n{proof}Content-Length: 0\r\n\r\n").encode())
            reply = b""
            while b"\r\n\r\n" not in reply:
                more = tls.recv(65536)
                if not more:
                    raise ConnectionError("closed")
                reply += more
            text = reply.decode()
            if number == 1:
                answer = text
            else:
                assert " 200 " in text.split("\r\n")[0] + " ", text.split("\r\n")[0]


def memory(site, programs):
    """MB that each has allocated, and that it has of the system: a heap keeps what its peaks took."""
    hosts = dict(zip(programs, [*site.servers, site.addresses[0]]))
    return {name: (site.metrics(hosts[name])["process_heap_bytes"] / 1e6, program.memory() / 1e6) for name, program in programs.items()}


def descriptors(program):
    """But those of RTP ports: they are bound as the most that are in use need them, and kept for the next calls."""
    process = pathlib.Path(f"/proc/{program.process.pid}")
    media = set()
    for line in [line for name in ("udp", "udp6") for line in (process / "net" / name).read_text().splitlines()[1:]]:
        fields = line.split()
        if int(fields[1].rsplit(":", 1)[1], 16) in RTP_PORTS:
            media.add(f"socket:[{fields[9]}]")
    count = 0
    for one in (process / "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            count += os.readlink(one) not in media
    return count


def rows(site, number):
    """(records of calls, bindings) in the store of a Connector."""
    with sqlite3.connect(f"file:{site.folder}/run/Connector_{number}.calls?mode=ro", uri=True) as store:
        kinds = dict(store.execute("SELECT kind, COUNT(*) FROM record GROUP BY kind").fetchall())
    return kinds.get(1, 0) + kinds.get(2, 0), kinds.get(3, 0)


class Figures:
    """What must be the same before and after, with no call up."""

    def __init__(self, site, programs):
        pages = [site.metrics(address) for address in site.servers]  # who is primary changes
        self.all = {what: sum(value for page in pages for name, value in page.items() if re.fullmatch(rf"tandem_{what}({{.*)?", name))
                    for what in ("clients", "calls", "agents", "timers")}
        self.all |= {f"{name} descriptors": descriptors(program) for name, program in programs.items()}
        self.transactions = 0  # none in the end
        for number, address in enumerate(site.addresses, 1):
            page = site.metrics(address)
            for name in ("conversations", "legs", "media_endpoints", "media_ports_used", "registered_contacts", "invites_unanswered",
                         "invites_unacknowledged"):
                self.all[f"Connector_{number} {name}"] = page[f"tandem_{name}"]
            self.transactions += sum(value for name, value in page.items() if name.startswith("tandem_sip_transactions"))
            self.all[f"Connector_{number} stored calls, bindings"] = rows(site, number)


@test
def everything_at_once():
    users = [*AGENTS, *SPECIALISTS, *TLS_USERS, "alice", "bob"]
    with Soaked(connectors=2, dns=[*(extension(user) for user in users), routing_point("support")], music="G", prompts={"welcome": "D"},
                front_end={"min-expires": 5, "max-expires": EXPIRES}, tserver={"agent-emu-login-on-call": "true"}) as site:
        until("the backup", lambda: "backup" in site.roles().values())
        alice, bob = site.phone("alice", "A", seconds=30), site.phone("bob", "B", seconds=30)
        kept = {"TServer_1": site.programs["TServer_1"], "TServer_2": site.programs["TServer_2"], "Connector_1": site.connector(1)}
        desk = Desk(site)
        desk.start()
        load = site.use(Load(site, CALLS, 4000, [*AGENTS, *SPECIALISTS], lambda: random.sample(site.addresses, 2), trace=False, expires=EXPIRES))
        visits = itertools.count()

        def visit():
            user = AGENTS[next(visits) % len(AGENTS)]
            with Tlib(BIN / "tlib", site, "visitor", [dn(user)], {}, server=site.both, resume=True) as client:
                client.wait("EventRegistered", 5)
                client.send("RequestAgentLogin", ThisDN=dn(user), AgentID=user)
                client.wait("EventAgentLogin", 5)
                client.send("RequestAgentNotReady", ThisDN=dn(user))
                time.sleep(0.5)

        def talk():
            alice.do("dial", dn("bob"))
            time.sleep(3)
            alice.do("hangup")
            for old in [one for phone in (alice, bob) for one in (phone.folder / "recordings").glob("*.wav")][:-8]:
                old.unlink()

        def switch_over():
            status, text = site.ctl("switchover")[:2]
            assert status == 0, text

        def restart():
            site.connector(2).kill()
            site.start_connector(2)

        before = {**Figures(site, kept).all, "transactions": 0}
        load.start()
        begun = time.monotonic()
        workers = [Worker("visits of agents", 1.5, visit), Worker("calls of phones", 0.5, talk), Worker("TLS registrations", 0.3, lambda: registered_over_tls(site)),
                   Worker("switchovers", 14, switch_over), Worker("kills of Connector_2", 17, restart)]
        for worker in workers:
            worker.start()
        time.sleep(WARM)
        warm = memory(site, kept)
        time.sleep(MINUTES * 60)
        for worker in workers:
            worker.ended.set()
        for worker in workers:
            worker.join()
        load.end()
        took = time.monotonic() - begun
        desk.sweep()

        after = {}

        def over():
            figures = Figures(site, kept)
            after.update({**figures.all, "transactions": figures.transactions})
            desk.sweep()
            return after == before
        try:
            until("all to be as before", over, 45, 1)
        except AssertionError:
            equal(after, before, "what is left")
        created = sum(site.metrics(address)["tandem_calls_created_total"] for address in site.servers)
        print(f"    {took:.0f} s: {created:.0f} calls, " + ", ".join(f"{worker.done} {worker.what}" for worker in workers), flush=True)
        print("    requests: " + ", ".join(f"{count} {name[7:]}" for name, count in sorted(desk.asked.items())), flush=True)
        def spare():  # each minute a T-Server gives back what it keeps without use
            return all(now[1] - warm[name][1] < GROWTH + SPARE for name, now in memory(site, kept).items())
        with contextlib.suppress(AssertionError):
            until("memory to be given back", spare, 90, 1)
        end = memory(site, kept)
        print("    MB in use (resident) when warm and at the end: " + ", ".join(
            f"{name} {warm[name][0]:.2f} {end[name][0]:.2f} ({warm[name][1]:.1f} {end[name][1]:.1f})" for name in kept), flush=True)
        for worker in workers:
            assert worker.done > worker.failed, f"{worker.what}: {worker.done}, failed {worker.failed}: {worker.last}"
        for name in kept:
            assert end[name][0] - warm[name][0] < GROWTH, f"{name} grew from {warm[name][0]:.2f} to {end[name][0]:.2f} MB"
            assert end[name][1] - warm[name][1] < GROWTH + SPARE, f"{name} has {end[name][1]:.1f} MB of the system, and had {warm[name][1]:.1f}"


harness.main()
