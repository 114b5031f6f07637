#!/usr/bin/env python3
"""Different minor versions side by side: calls, a takeover, and an upgrade of everything, one program after the other. TANDEM_EARLIER_BIN=folder makes
an earlier build of the earlier ones."""
import os
import pathlib
import signal

import harness
from calls import closed, dn, equal, routed, talk, until
from harness import test
from later import Versions
from pair import Pair, caught_up
from peers import tones

EARLIER = os.environ.get("TANDEM_EARLIER_BIN")
PROGRAMS = ("Connector_1", "Connector_2", "TServer_1", "TServer_2")


class Mixed(Pair):
    """Every connection between the programs, and those of clients, goes by a relay that can make either side a later one."""

    def __init__(self, **more):
        super().__init__(connectors=2, connector={"drain-timeout": 20}, wrap=self.of_its_version, **more)
        self.relay_address = {1: self.host(), 2: self.host()}  # by which the other T-Server, or a client, reaches this one
        self.more_hosts += self.relay_address.values()

    def environment(self):
        environment = super().environment()
        for number in (1, 2):
            tserver = environment["applications"][f"TServer_{number}"]
            tserver["host"] = self.relay_address[number]
            tserver["ports"] = {name: {**port, "address": self.server_address} for name, port in tserver["ports"].items()}
            tserver["options"] = {**tserver["options"], **{f"connector{connector}": {**tserver["options"][f"connector{connector}"], "hostname": self.server_address,
                                                                                     "port": 9100 + number * 10 + connector} for connector in (1, 2)}}
        return environment

    def __enter__(self):
        self.versions = Versions(self.folder / "certs")
        self.stack.enter_context(self.versions)
        return super().__enter__()

    def of_its_version(self, application, command):
        earlier = EARLIER and application not in self.versions.later
        return [pathlib.Path(EARLIER).resolve() / command[0].name, *command[1:]] if earlier else command

    def start_tserver(self):
        for number in (1, 2):
            for connector, address in enumerate(self.addresses, 1):
                self.versions.relay("link", (self.server_address, 9100 + number * 10 + connector), (address, self.link_port), f"TServer_{number}",
                                    f"Connector_{connector}", ("tserver", "connector"))
            for name, port in (("sync", 6995 + number * 10), ("tlib", 6990 + number * 10)):
                self.versions.relay(name, (self.relay_address[number], port), (self.server_address, port), {"sync": f"TServer_{3 - number}", "tlib": "client"}[name],
                                    f"TServer_{number}")
        super().start_tserver()

    def linked_again(self, log, connector, times):
        until(f"{log} to be linked", lambda: self.log(log).count(f"link connector{connector}: connected") >= times, 30)

    def client(self, number, *registered, **more):
        return self.tlib(*registered, server=f"{self.relay_address[number]}:{6990 + number * 10}", **{"name": f"client{number}", **more})

    def replace(self, application, later):
        """The program ends gracefully and starts as a later one, or as an earlier one again."""
        self.programs[application].process.send_signal(signal.SIGTERM)
        equal(self.programs[application].wait(30), 0, f"{application} ends")
        self.versions.later = self.versions.later | {application} if later else self.versions.later - {application}
        links = {log: self.log(log).count(f"link {application.lower().replace('_', '')}: connected") for log in ("tserver", "tserver2")}
        if application.startswith("T"):
            self.start(application, "tserver")
            caught_up(self)
            return
        number = int(application[-1])
        self.start_connector(number)
        for log, before in links.items():
            self.linked_again(log, number, before + 1)


def all_of(site, number, **more):
    return site.client(number, dn("support"), dn("alice"), dn("bob"), **more)


def over(client, *phones):
    mark = client.mark()
    phones[0].do("hangup")
    closed(*phones)
    client.wait("EventReleased", since=mark, ThisDN=dn("bob"))


def a_call_and_a_takeover(later):
    with Mixed() as site:
        # The first start was with equal versions; now `later` are.
        for application in later:
            if application in PROGRAMS:
                site.replace(application, True)
        if "client" in later:
            site.versions.later = site.versions.later | {"client"}
        until("a primary", lambda: sorted(site.roles().values()) == ["backup", "primary"], 20)
        caught_up(site)
        mine = 1 if site.roles()["TServer_1"] == "primary" else 2
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        client = all_of(site, mine)
        conn = routed(site, alice, client, UserData={"customer": "77"})
        known = {"customer": "77"}
        # The role goes over and comes back: what either one was told by the other is what it goes on with.
        for turn, (old, new) in enumerate(((mine, 3 - mine), (3 - mine, mine))):
            caught_up(site)
            log = "tserver" if new == 1 else "tserver2"
            taken = site.log(log).count("taken over: 1 calls")
            client = all_of(site, new, name=f"turn{turn}")
            mark = client.mark()
            site.programs[f"TServer_{old}"].kill()
            client.wait("EventLinkConnected", since=mark, ServerRole="ServerRolePrimary")
            until("its links", lambda: any(line.startswith(f"TServer_{new} ") and "2/2" in line for line in site.ctl("status")[1].splitlines()), 20)
            equal(site.log(log).count("taken over: 1 calls"), taken + 1, "what was taken over")
            known[f"turn{turn}"] = "1"
            client.send("RequestUpdateUserData", ThisDN=dn("bob"), ConnID=conn, UserData={f"turn{turn}": "1"}, ReferenceID=12)
            equal(client.wait("EventAttachedDataChanged", ReferenceID=12)["UserData"], known, "user data")
            talk(1)
            site.start(f"TServer_{old}", "tserver")
        over(client, alice, bob)
        caught_up(site)
        routed(site, alice, client)
        over(client, alice, bob)
        assert site.versions.messages > 20, f"{site.versions.messages} messages were of a later version"
        for log in ("tserver", "tserver2", "connector1"):
            assert "protocol error" not in site.log(log).lower(), f"protocol error in {log}"


@test
def one_of_the_tservers_is_a_later_one():
    a_call_and_a_takeover(("TServer_2",))


@test
def the_connector_and_the_clients_are_later_ones():
    a_call_and_a_takeover(("Connector_1", "client"))


@test
def everything_is_upgraded_one_after_the_other_and_back():
    with Mixed() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        both = ",".join(f"{site.relay_address[number]}:{6990 + number * 10}" for number in (1, 2))
        client = site.tlib(dn("support"), dn("alice"), dn("bob"), name="client", server=both, resume=True)
        caught_up(site)
        conn = routed(site, alice, client, UserData={"customer": "77"})
        # The call is on Connector_1, so that one is the last of each round.
        for later in (True, False):
            for application in ("Connector_2", "TServer_2", "TServer_1"):
                site.replace(application, later)
                talk(0.5)
                data = {("later" if later else "earlier") + application[0] + application[-1]: "1"}
                mark = client.mark()
                client.send("RequestUpdateUserData", ThisDN=dn("bob"), ConnID=conn, UserData=data)
                event = client.wait("EventAttachedDataChanged", since=mark, ThisDN=dn("bob"))
                equal({**event["UserData"], **data, "customer": "77"}, event["UserData"], f"user data after {application}")
        equal([e for e in client.events if e["event"] in ("EventReleased", "EventError")], [], "the call goes on, and every request is carried out")
        over(client, alice, bob)
        for later in (True, False):
            site.replace("Connector_1", later)
            routed(site, alice, client)
            talk(0.5)
            over(client, alice, bob)
        for phone in (alice, bob):
            phone.stop()
        for phone, party in ((alice, "B"), (bob, "A")):
            first_call = phone.recordings()[0]
            share = tones.heard(first_call, 1.0, tones.length(first_call) - 0.5)[party]
            assert share >= 0.98, f"{phone.user} heard {party} in {share:.0%} of the time"


harness.main()
