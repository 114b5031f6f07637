#!/usr/bin/env python3
"""Kamailio as registrar and proxy: phones know only it, the Connector knows only it."""
import harness
from calls import both_hear, closed, dn, equal, routed, silent, steps, talk
from harness import Site, test


def site_with_kamailio():
    site = Site()
    proxy = site.host()
    site.front_end = {"mode": "external", "domains": [harness.DOMAIN], "server-address": proxy, "server-port": 5060}
    return site, proxy


@test
def a_routed_call_and_a_made_call_through_kamailio():
    from peers.kamailio import Kamailio
    site, proxy = site_with_kamailio()
    with site:
        kamailio = site.use(Kamailio(site, proxy, site.addresses))
        outbound = f"sip:{proxy};transport=udp"
        alice, bob = site.phone("alice", "A", outbound=outbound), site.phone("bob", "B", outbound=outbound)
        client = site.tlib(dn("support"), dn("alice"), dn("bob"))
        mark = client.mark()
        routed(site, alice, client)
        talk(3)
        alice.do("hangup")
        closed(alice, bob)
        client.wait("EventReleased", ThisDN=dn("bob"))
        equal(steps(client, mark), [
            "EventDialing alice", "EventQueued support", "EventRouteRequest support", "EventRinging bob", "EventRouteUsed support", "EventDiverted support",
            "EventEstablished bob", "EventEstablished alice", "EventReleased alice", "EventReleased bob"])
        again, heard = client.mark(), (alice.mark(), bob.mark())
        client.send("RequestMakeCall", ThisDN=dn("alice"), OtherDN=dn("bob"))
        client.wait("EventEstablished", since=again, ThisDN=dn("bob"))
        alice.wait("CALL_ESTABLISHED", since=heard[0])
        talk(3)
        bob.do("hangup")
        alice.wait("CALL_CLOSED", since=heard[0])
        client.wait("EventReleased", since=again, ThisDN=dn("alice"))
        both_hear((alice, "B"), (bob, "A"))
        silent(alice, bob)
        assert "INVITE" in kamailio.program.text()


@test
def who_comes_past_the_proxy_is_refused():
    from peers import scenarios, sipp
    site, _ = site_with_kamailio()
    with site:
        client = site.tlib(dn("support"))
        mark = client.mark()
        site.sipp(scenarios.caller_refused(403), target=sipp.target(site), service="support").finish()
        equal(steps(client, mark), [])


harness.main()
