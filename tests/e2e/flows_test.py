#!/usr/bin/env python3
"""A phone whose only connection, TCP or TLS, leads to one Connector is called by another one over it (MMC-111 in spirit: any Connector
reaches any phone)."""
import harness
from calls import both_hear, closed, dn, equal, talk
from harness import Site, test
from peers import tones
from peers.linphone import over_tls as linphone


def forwarded(site, number, method):
    return site.log(f"connector{number}").count(f"{method} forwarded to")


@test
def a_phone_on_tcp_is_called_by_the_other_connector():
    with Site(connectors=2) as site:
        alice, bob = site.phone("alice", "A", connector=1), site.phone("bob", "B", connector=2, transport="tcp")
        client = site.tlib(dn("alice"), dn("bob"))
        for who, ends in ((alice, "alice"), (bob, "bob")):
            mark = client.mark()
            alice.dial(dn("bob"))
            client.wait("EventEstablished", since=mark, ThisDN=dn("bob"))
            talk(2)
            who.do("hangup")  # from either side the BYE finds its way
            for user in ("alice", "bob"):
                client.wait("EventReleased", since=mark, ThisDN=dn(user))
            closed(alice, bob)
            assert forwarded(site, 2, "INVITE") >= 1, "not over the connection"
        assert forwarded(site, 2, "BYE") == 2
        both_hear((alice, "B"), (bob, "A"), seconds=2)


@test
def a_phone_on_tls_is_called_by_the_other_connector():
    with Site(connectors=2) as site:
        alice, bob = linphone(site, "alice", "A", auto=True), site.phone("bob", "B", connector=2)
        alice.wait_registered()
        client = site.tlib(dn("alice"), dn("bob"))
        bob.dial(dn("alice"))
        client.wait("EventEstablished", ThisDN=dn("alice"))
        bob.wait("CALL_ESTABLISHED")
        talk(3)
        bob.do("hangup")
        client.wait("EventReleased", ThisDN=dn("alice"))
        alice.stop()
        bob.stop()
        equal(forwarded(site, 1, "INVITE"), 1)
        equal(sorted(tones.heard_last(bob.recordings()[-1], 1.5)), ["A"], "heard by bob")
        equal(sorted(tones.parties_heard(alice.recording)), ["B"], "heard by alice")


@test
def a_phone_whose_connection_is_gone_is_not_waited_for():
    with Site(connectors=2) as site:
        alice, bob = site.phone("alice", "A", connector=1), site.phone("bob", "B", connector=2, transport="tcp")
        client = site.tlib(dn("alice"))
        bob.stop()
        alice.dial(dn("bob"))
        alice.wait("CALL_CLOSED", 10)
        client.wait("EventReleased", ThisDN=dn("alice"))


harness.main()
