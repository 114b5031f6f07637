#!/usr/bin/env python3
"""Session timers (RFC 4028): too short an interval is refused, a granted one is refreshed by us in time."""
import harness
from calls import dn
from harness import Site, test
from peers import scenarios, sipp


@test
def refused_granted_refreshed():
    with Site(sip={"min-se": 90}, media={"silence-timeout": 300}) as site:
        client = site.tlib(dn("support"), dn("bob"))
        address = sipp.register(site, "bob")
        agent = site.sipp(scenarios.agent(), address=address, timeout=100)
        caller = site.sipp(scenarios.caller_with_timer(), target=sipp.target(site), service="support", timeout=100)
        request = client.wait("EventRouteRequest")
        client.send("RequestRouteCall", ThisDN=dn("support"), ConnID=request["ConnID"], OtherDN=dn("bob"))
        caller.finish(100)
        agent.finish(100)


@test
def a_party_without_media_is_taken_out():
    """Signalling is up, but nothing is heard of the phone any more."""
    with Site(media={"silence-timeout": 5}) as site:
        client = site.tlib(dn("support"), dn("bob"))
        agent = site.sipp(scenarios.agent(), address=sipp.register(site, "bob"))
        caller = site.sipp(scenarios.caller(stays=True), target=sipp.target(site), service="support")
        request = client.wait("EventRouteRequest")
        client.send("RequestRouteCall", ThisDN=dn("support"), ConnID=request["ConnID"], OtherDN=dn("bob"))
        client.wait("EventReleased", 40, ThisDN=dn("bob"))
        caller.finish()
        agent.finish()


harness.main()
