#!/usr/bin/env python3
"""Two Connectors: calls outlive a lost link, a killed Connector takes only its own calls with it."""
import signal

import harness
from calls import both_hear, closed, dn, equal, routed, silent, steps, talk, until
from harness import Site, test


def is_up(phone):
    equal([e["type"] for e in phone.events if e["type"] == "CALL_CLOSED"], [], f"{phone.user}'s call")


@test
def a_call_outlives_the_tserver():
    """The T-Server dies, another start of it finds the call under the same ConnID, the audio never noticed."""
    with Site() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        conn = routed(site, alice, site.tlib(dn("support"), dn("bob")))
        talk(1)
        site.tserver.kill()
        talk(3)
        is_up(alice)
        site.start_tserver()
        again = site.tlib(dn("support"), dn("alice"), dn("bob"), name="again", ready=False)
        for who in ("alice", "bob"):
            equal(again.wait("EventRegistered", ThisDN=dn(who))["Extensions"].get("conn-0"), conn, f"call found at {who}")
        talk(2)
        alice.do("hangup")
        closed(alice, bob)
        for who in ("alice", "bob"):
            again.wait("EventReleased", ThisDN=dn(who), ConnID=conn)
        both_hear((alice, "B"), (bob, "A"), seconds=5)
        silent(alice, bob)


def without_link(site, then):
    """Stops the T-Server until both sides have given the link up, does something, lets it go on."""
    site.tserver.process.send_signal(signal.SIGSTOP)
    try:
        until("the Connector to give the link up", lambda: "link 1 closed" in site.log("connector1"), 40)
        then()
    finally:
        site.tserver.process.send_signal(signal.SIGCONT)


@test
def a_lost_link_comes_back_and_the_call_is_known_again():
    with Site() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        client = site.tlib(dn("support"), dn("bob"))
        conn = routed(site, alice, client)
        mark = client.mark()
        without_link(site, lambda: talk(1))
        is_up(alice)
        client.wait("EventLinkDisconnected", 40, since=mark)
        client.wait("EventLinkConnected", 40, since=mark)
        client.wait("EventDNBackInService", since=mark, ThisDN=dn("bob"))
        alice.do("hangup")
        closed(alice, bob)
        client.wait("EventReleased", since=mark, ThisDN=dn("bob"), ConnID=conn)
        both_hear((alice, "B"), (bob, "A"), seconds=4)


@test
def what_ended_without_a_link_is_told_when_it_is_back():
    with Site() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        client = site.tlib(dn("support"), dn("bob"))
        conn = routed(site, alice, client)
        mark = client.mark()

        def hang_up():
            alice.do("hangup")
            closed(alice, bob)
        without_link(site, hang_up)
        client.wait("EventReleased", 40, since=mark, ThisDN=dn("bob"), ConnID=conn)
        routed(site, alice, client)
        alice.do("hangup")


@test
def a_killed_connector_takes_its_own_calls_only():
    with Site(connectors=2, tserver={"link-loss-timeout": 3}) as site:
        alice, bob = site.phone("alice", "A", connector=1), site.phone("bob", "B", connector=1)
        carol, dave = site.phone("carol", "C", connector=2), site.phone("dave", "D", connector=2)
        client = site.tlib(dn("support"), dn("bob"), dn("dave"))
        first = routed(site, alice, client, "bob")
        second = routed(site, carol, client, "dave")
        mark = client.mark()
        site.connector(1).kill()
        client.wait("EventReleased", 40, since=mark, ThisDN=dn("bob"), ConnID=first)
        # One Connector is left: no link was lost, no DN went out of service.
        equal(steps(client, mark), ["EventReleased bob"])
        # The other's call is up, and new ones come in.
        is_up(carol)
        talk(2)
        carol.do("hangup")
        closed(carol, dave)
        client.wait("EventReleased", ThisDN=dn("dave"), ConnID=second)
        again = carol.mark()
        third = routed(site, carol, client, "bob")  # registered with the Connector that is gone
        carol.do("hangup")
        carol.wait("CALL_CLOSED", since=again)
        client.wait("EventReleased", ThisDN=dn("bob"), ConnID=third)
        # It comes back and serves.
        site.start_connector(1)
        site.linked(1, 2)
        sam = site.phone("sam", "A", connector=1)
        fourth = routed(site, sam, client, "dave")
        sam.do("hangup")
        client.wait("EventReleased", ThisDN=dn("dave"), ConnID=fourth)


@test
def a_phone_is_reached_wherever_it_registered():
    """Over UDP, and over TCP at the address it listens at."""
    with Site(connectors=2) as site:
        alice = site.phone("alice", "A", connector=1)
        bob, carol = site.phone("bob", "B", connector=2), site.phone("carol", "C", connector=2, transport="tcp")
        client = site.tlib(dn("support"), dn("bob"), dn("carol"))
        for who in ("bob", "carol"):
            mark = alice.mark()
            conn = routed(site, alice, client, who)
            talk(2)
            alice.do("hangup")
            alice.wait("CALL_CLOSED", since=mark)
            client.wait("EventReleased", ThisDN=dn(who), ConnID=conn)
        both_hear((alice, "C"), (bob, "A"), (carol, "A"), seconds=1)


@test
def only_without_any_connector_are_dns_out_of_service():
    with Site(connectors=2, tserver={"link-loss-timeout": 3}) as site:
        client = site.tlib(dn("support"), dn("bob"))
        mark = client.mark()
        site.connector(1).kill()
        talk(3)
        equal(steps(client, mark), [])
        site.connector(2).kill()
        client.wait("EventLinkDisconnected", 40, since=mark)
        for who in ("bob", "support"):
            client.wait("EventDNOutOfService", since=mark, ThisDN=dn(who))
        mark = client.mark()
        site.start_connector(2)
        client.wait("EventLinkConnected", 40, since=mark)
        for who in ("bob", "support"):
            client.wait("EventDNBackInService", since=mark, ThisDN=dn(who))


harness.main()
