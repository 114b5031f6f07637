#!/usr/bin/env python3
"""Two Connectors: calls outlive a lost link, a killed Connector takes only its own calls with it."""
import signal

import harness
from calls import both_hear, closed, dn, equal, plain, routed, silent, steps, talk, until
from harness import Site, test


@test
def a_call_outlives_the_tserver():
    with Site() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        client = site.tlib(dn("support"), dn("bob"))
        routed(site, alice, client)
        talk(1)
        site.tserver.kill()
        talk(3)
        assert alice.process.poll() is None
        equal([e["type"] for e in alice.events if e["type"] == "CALL_CLOSED"], [], "alice's call")
        site.start_tserver()
        again = site.tlib(dn("support"), dn("bob"), name="again")
        talk(2)
        alice.do("hangup")
        closed(alice, bob)
        both_hear((alice, "B"), (bob, "A"), seconds=5)
        print(*plain(again.events), sep="\n")


@test
def a_lost_link_comes_back_and_the_call_is_known_again():
    with Site() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        client = site.tlib(dn("support"), dn("bob"))
        routed(site, alice, client)
        mark = client.mark()
        # The link's connection is cut by stopping the T-Server until both sides have given it up.
        site.tserver.process.send_signal(signal.SIGSTOP)
        talk(12)
        equal([e["type"] for e in alice.events if e["type"] == "CALL_CLOSED"], [], "alice's call")
        site.tserver.process.send_signal(signal.SIGCONT)
        talk(4)
        alice.do("hangup")
        closed(alice, bob)
        both_hear((alice, "B"), (bob, "A"), seconds=5)
        print(*plain(client.events[mark:]), sep="\n")


@test
def a_killed_connector_takes_its_own_calls_only():
    with Site(connectors=2) as site:
        alice, bob, carol = (site.phone(user, tone, connector=1 + (user == "carol")) for user, tone in (("alice", "A"), ("bob", "B"), ("carol", "C")))
        client = site.tlib(dn("support"), dn("bob"), dn("carol"), dn("alice"))
        routed(site, alice, client)
        mark = client.mark()
        site.connector(1).kill()
        print(*plain(client.events[mark:]), sep="\n")
        talk(5)
        print(*plain(client.events[mark:]), sep="\n")


harness.main()
