#!/usr/bin/env python3
"""Clients lose nothing: connections cut at any moment, and the session goes on; a plain client's session ends with its connection. LTB-06."""
import subprocess
import time

import harness
from calls import dn, equal, until
from harness import BIN, Site, Skipped, test
from relay import Relay

REQUESTS = 400


def check_stream(client):
    """Each event once and in order."""
    numbers = [e["StreamNumber"] for e in client.events if "StreamNumber" in e]
    equal(numbers, list(range(1, len(numbers) + 1)), "the numbers of the stream")


@test
def connections_are_cut_at_any_moment():
    with Site(connectors=1) as site:
        watcher = site.tlib(dn("alice"), name="watcher")
        relay = site.use(Relay(site.server_address, (site.server_address, site.tlib_port)))
        client = site.tlib(dn("alice"), name="client", server=relay.address, resume=True)
        relay.rough(True)
        relay.cut_all()
        for number in range(REQUESTS):
            client.send("RequestDistributeUserEvent", CommunicationDN=dn("alice"), UserEvent=7, UserData={"number": number})
            time.sleep(0.01)
        relay.rough(False)
        watcher.wait("EventUserEvent", UserData={"number": REQUESTS - 1}, timeout=20)
        client.wait("EventUserEvent", UserData={"number": REQUESTS - 1}, timeout=20)
        answered = lambda: [e["ReferenceID"] for e in client.events if e["event"] == "EventACK"]  # noqa: E731
        until("all answers", lambda: len(answered()) >= REQUESTS)
        print(f"    {relay.accepted} connections, {relay.cuts} cut", flush=True)
        assert relay.cuts >= 8, "hardly anything was cut"
        numbers = list(range(REQUESTS))
        for who in (watcher, client):  # each request one effect, each event once, in order
            equal([e["UserData"]["number"] for e in who.events if e["event"] == "EventUserEvent"], numbers, f"what {who.name} heard")
        equal(len(answered()), REQUESTS, "answers")
        equal(len(set(answered())), REQUESTS, "requests answered")
        check_stream(client)
        equal([e["event"] for e in client.events if e["event"] in ("EventServerConnected", "EventServerDisconnected", "EventError")],
              ["EventServerConnected"], "what the application knows of it")
        equal([name for name in client.names() if name[0] == "EventRegistered"], [("EventRegistered", "alice")], "registered once")


@test
def a_call_is_made_once():
    with Site() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        relay = site.use(Relay(site.server_address, (site.server_address, site.tlib_port)))
        client = site.tlib(dn("alice"), dn("bob"), name="client", server=relay.address, resume=True)
        client.send("RequestMakeCall", ThisDN=dn("alice"), OtherDN=dn("bob"))
        relay.cut_all()  # with the answer on its way, or the request
        dialing = client.wait("EventDialing")
        client.wait("EventEstablished", ThisDN=dn("bob"), ConnID=dialing["ConnID"])
        relay.cut_all()
        client.send("RequestReleaseCall", ThisDN=dn("alice"), ConnID=dialing["ConnID"])
        client.wait("EventReleased", ThisDN=dn("bob"), ConnID=dialing["ConnID"])
        equal(len([e for e in client.events if e["event"] == "EventDialing"]), 1, "calls made")
        equal([e for e in client.events if e["event"] == "EventError"], [], "errors")
        check_stream(client)
        for phone in (alice, bob):
            phone.stop()


@test
def who_stays_away_too_long_begins_anew_and_a_plain_client_always():
    with Short() as site:
        relay = site.use(Relay(site.server_address, (site.server_address, site.tlib_port)))
        away = site.tlib(dn("alice"), name="away", server=relay.address, resume=True)
        plain = site.tlib(dn("bob"), name="plain", server=relay.address)
        relay.target = (site.server_address, 1)  # nobody answers there
        relay.cut_all()
        plain.wait("EventServerDisconnected")
        away.wait("EventServerDisconnected", ErrorMessage="not resumed within 1000 ms")
        until("the end of the session", lambda: "ended, not resumed within 1000 ms" in site.log("tserver"))
        relay.target = (site.server_address, site.tlib_port)
        for client, number in ((away, "alice"), (plain, "bob")):
            mark = client.mark() - 1
            client.wait("EventRegistered", since=mark, ThisDN=dn(number))
            equal([e["event"] for e in client.events if e["event"].startswith("EventServer")],
                  ["EventServerConnected", "EventServerDisconnected", "EventServerConnected"], client.name)


class Pair(Site):
    """TServer_1, primary at first, and TServer_2."""

    def environment(self):
        environment = super().environment()
        applications = environment["applications"]
        first = applications["TServer_1"]
        first["options"]["ha"] = {"arbiter": "lock-file", "lock-file": str(self.folder / "pair.lock")}
        first.update(redundancy="hot-standby", backup="TServer_2")
        first["ports"]["ha-sync"] = {"port": 7005}
        log = {"verbose": "debug", "all": str(self.folder / "tserver2.log")}
        applications["TServer_2"] = {**first, "backup": "TServer_1", "options": {**first["options"], "log": log},
                                     "ports": {"tlib": {"port": 7010, "transport": "tls"}, "ha-sync": {"port": 7015}}}
        return environment

    def start_tserver(self):
        self.start("TServer_1", "tserver")
        until("TServer_1 to be primary", lambda: "role: primary, " in self.log("tserver"), every=0.005)
        self.start("TServer_2", "tserver")
        until("TServer_2 to be linked", lambda: "link connector1: connected" in self.log("tserver2"), 30)
        if "SYNC" not in self.status():
            raise Skipped("these T-Servers don't tell each other what they know")
        self.caught_up("TServer_2")

    def status(self):
        return subprocess.run([BIN / "tandemctl", "--config", self.file, "status"], capture_output=True, text=True, timeout=60).stdout

    def caught_up(self, name):
        until(f"{name} to have caught up", lambda: any(line.startswith(name) and "backup" in line for line in self.status().splitlines()))

    @property
    def both(self):
        return f"{self.server_address}:7000,{self.server_address}:7010"


def under_load(site, requests, disturb):
    """A client sends requests all the time; at each third disturb(n) happens. Each has one answer and one effect, in order."""
    client = site.tlib(dn("alice"), name="client", server=site.both, resume=True)
    for number in range(requests):
        if number % (requests // 3) == requests // 6:
            disturb(number // (requests // 3))
        client.send("RequestDistributeUserEvent", CommunicationDN=dn("alice"), UserEvent=7, UserData={"number": number})
        time.sleep(0.005)
    client.wait("EventUserEvent", UserData={"number": requests - 1})
    until("all answers", lambda: sum(e["event"] == "EventACK" for e in client.events) >= requests)
    equal([e["UserData"]["number"] for e in client.events if e["event"] == "EventUserEvent"], list(range(requests)), "effects")
    answers = [e["ReferenceID"] for e in client.events if e["event"] == "EventACK"]
    equal((len(answers), len(set(answers))), (requests, requests), "answers")
    equal([e["event"] for e in client.events if e["event"] in ("EventServerConnected", "EventServerDisconnected", "EventError")],
          ["EventServerConnected"], "what the application knows of it")
    check_stream(client)
    return client


@test
def the_primary_is_killed_under_load():
    """The other T-Server goes on with the session: it is killed in turn, and the first one again."""
    with Pair() as site:
        def kill(turn):
            mine, other = (1, 2) if turn % 2 == 0 else (2, 1)
            site.caught_up(f"TServer_{other}")
            log = "tserver" if other == 1 else "tserver2"
            before = site.log(log).count("role: primary, ")
            site.programs[f"TServer_{mine}"].kill()
            until("the other one to be primary", lambda: site.log(log).count("role: primary, ") > before, every=0.005)
            site.start(f"TServer_{mine}", "tserver", wait=False)
        client = under_load(site, 450, kill)
        roles = [e["ServerRole"] for e in client.events if e["event"] == "EventLinkConnected"]
        equal(roles, ["ServerRolePrimary"] * 4, "the link is told at each takeover")


@test
def the_role_is_handed_over_under_load():
    with Pair() as site:
        def switch_over(turn):
            site.caught_up(f"TServer_{2 if turn % 2 == 0 else 1}")
            subprocess.run([BIN / "tandemctl", "--config", site.file, "switchover"], check=True, capture_output=True, timeout=60)
        under_load(site, 450, switch_over)


@test
def the_primary_is_stopped_under_load():
    """Told to stop, it goes when the backup has confirmed all: what was asked of it meanwhile is asked of the other one."""
    with Pair() as site:
        def stop(turn):
            mine, other = (1, 2) if turn % 2 == 0 else (2, 1)
            site.caught_up(f"TServer_{other}")
            equal(site.programs[f"TServer_{mine}"].stop(), True, "it ends by itself")
            site.start(f"TServer_{mine}", "tserver", wait=False)
            assert "did not confirm" not in site.log("tserver") + site.log("tserver2"), "the backup did not confirm"
        under_load(site, 450, stop)


class Short(Site):
    def environment(self):
        environment = super().environment()
        environment["applications"]["TServer_1"]["options"]["clients"] = {"session-keep": 1}
        return environment


harness.main()
