#!/usr/bin/env python3
"""A routed call over ::1, signalling and media."""
import socket

import harness
from calls import both_hear, closed, dn, routed, talk
from harness import Site, Skipped, test


@test
def a_routed_call_over_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
            s.bind(("::1", 5060))
    except OSError as why:
        raise Skipped(f"::1 port 5060: {why}") from None
    with Site(addresses=["::1"]) as site:
        alice = site.phone("alice", "A", address="::1", port=15060)
        bob = site.phone("bob", "B", address="::1", port=15062)
        client = site.tlib(dn("support"), dn("bob"))
        routed(site, alice, client)
        talk(3)
        alice.do("hangup")
        closed(alice, bob)
        client.wait("EventReleased", ThisDN=dn("bob"))
        both_hear((alice, "B"), (bob, "A"))


harness.main()
