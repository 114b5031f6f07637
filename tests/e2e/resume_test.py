#!/usr/bin/env python3
"""Clients lose nothing: connections cut at any moment, and the session goes on; a plain client's session ends with its connection. LTB-06."""
import time

import harness
from calls import dn, equal, until
from harness import Site, test
from relay import Relay

REQUESTS = 500


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


class Short(Site):
    def environment(self):
        environment = super().environment()
        environment["applications"]["TServer_1"]["options"]["clients"] = {"session-keep": 1}
        return environment


harness.main()
