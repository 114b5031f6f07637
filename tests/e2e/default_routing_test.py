#!/usr/bin/env python3
"""Calls nobody routes: no router, a router that is too slow, a destination that doesn't answer (alternate routing)."""
import harness
from calls import dn, equal, steps, talk
from harness import Site, extension, routing_point, test


@test
def without_a_router_the_call_goes_to_default_dn():
    """MMC-159"""
    with Site(tserver={"default-dn": dn("bob")}) as site:
        alice, _ = site.phone("alice", "A"), site.phone("bob", "B")
        desk = site.tlib(dn("bob"))
        mark = desk.mark()
        alice.dial(dn("support"))
        desk.wait("EventEstablished", ThisDN=dn("bob"))
        alice.wait("CALL_ESTABLISHED")
        alice.do("hangup")
        desk.wait("EventReleased", ThisDN=dn("bob"))
        equal(steps(desk, mark), ["EventRinging bob", "EventEstablished bob", "EventReleased bob"])


@test
def a_slow_router_loses_the_call():
    """MMC-160"""
    with Site(tserver={"default-dn": dn("bob"), "router-timeout": 2}) as site:
        alice, _ = site.phone("alice", "A"), site.phone("bob", "B")
        router, desk = site.tlib(dn("support"), name="router"), site.tlib(dn("bob"), name="desk")
        mark = router.mark()
        alice.dial(dn("support"))
        request = router.wait("EventRouteRequest")
        desk.wait("EventEstablished", ThisDN=dn("bob"))
        router.send("RequestRouteCall", ThisDN=dn("support"), ConnID=request["ConnID"], OtherDN=dn("carol"))
        equal(router.wait("EventError")["ErrorName"], "TERR_PARTY_NOT_ON_CALL")
        alice.do("hangup")
        desk.wait("EventReleased", ThisDN=dn("bob"))
        equal(steps(router, mark), ["EventQueued support", "EventRouteRequest support", "EventRouteUsed support", "EventDiverted support",
                                    "EventError support"])


@test
def the_routing_points_own_default_wins():
    """MMC-164"""
    points = [extension("alice"), extension("bob"), extension("carol"), routing_point("support", {"default-dn": dn("carol")})]
    with Site(dns=points, tserver={"default-dn": dn("bob")}) as site:
        alice, _ = site.phone("alice", "A"), site.phone("carol", "C")
        desk = site.tlib(dn("bob"), dn("carol"))
        mark = desk.mark()
        alice.dial(dn("support"))
        desk.wait("EventEstablished", ThisDN=dn("carol"))
        alice.do("hangup")
        desk.wait("EventReleased", ThisDN=dn("carol"))
        equal(steps(desk, mark), ["EventRinging carol", "EventEstablished carol", "EventReleased carol"])


@test
def with_no_default_the_call_waits_for_its_router():
    with Site(tserver={"router-timeout": 1}) as site:
        alice, _ = site.phone("alice", "A"), site.phone("bob", "B")
        router = site.tlib(dn("support"), dn("bob"), name="router")
        mark = router.mark()
        alice.dial(dn("support"))
        request = router.wait("EventRouteRequest")
        talk(3)
        router.send("RequestRouteCall", ThisDN=dn("support"), ConnID=request["ConnID"], OtherDN=dn("bob"))
        router.wait("EventEstablished", ThisDN=dn("bob"))
        alice.do("hangup")
        router.wait("EventReleased", ThisDN=dn("bob"))
        equal(steps(router, mark), ["EventQueued support", "EventRouteRequest support", "EventRinging bob", "EventRouteUsed support",
                                    "EventDiverted support", "EventEstablished bob", "EventReleased bob"])


@test
def the_router_goes_away_with_a_call_waiting():
    """MMC-159: the router is down, the call goes to default-dn at once or when router-timeout is over, not never."""
    with Site(tserver={"default-dn": dn("bob"), "router-timeout": 6}) as site:
        alice, _ = site.phone("alice", "A"), site.phone("bob", "B")
        router, desk = site.tlib(dn("support"), name="router"), site.tlib(dn("bob"), name="desk")
        alice.dial(dn("support"))
        router.wait("EventRouteRequest")
        router.process.kill()
        desk.wait("EventEstablished", ThisDN=dn("bob"))
        alice.do("hangup")
        desk.wait("EventReleased", ThisDN=dn("bob"))


harness.main()
