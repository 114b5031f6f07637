#!/usr/bin/env python3
"""Calls nobody routes: no router, a router that is too slow, a destination that doesn't answer (MMC: alternate routing)."""
import harness
from calls import closed, dn, equal, plain, steps, talk
from harness import Site, extension, routing_point, test


@test
def without_a_router_the_call_goes_to_default_dn():
    with Site(tserver={"default-dn": dn("bob")}) as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        desk = site.tlib(dn("bob"))
        alice.do("dial", dn("support"))
        desk.wait("EventEstablished", ThisDN=dn("bob"))
        alice.wait("CALL_ESTABLISHED")
        alice.do("hangup")
        desk.wait("EventReleased", ThisDN=dn("bob"))
        print(*plain(desk.events), sep="\n")


@test
def a_slow_router_loses_the_call():
    with Site(tserver={"default-dn": dn("bob"), "router-timeout": 2}) as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        router = site.tlib(dn("support"), name="router")
        desk = site.tlib(dn("bob"), name="desk")
        alice.do("dial", dn("support"))
        request = router.wait("EventRouteRequest")
        desk.wait("EventEstablished", ThisDN=dn("bob"))
        router.send("RequestRouteCall", ThisDN=dn("support"), ConnID=request["ConnID"], OtherDN=dn("carol"))
        print(router.wait("EventError"))
        alice.do("hangup")
        desk.wait("EventReleased", ThisDN=dn("bob"))
        print(*plain(router.events), sep="\n")


@test
def the_routing_points_own_default_wins():
    points = [extension("alice"), extension("bob"), extension("carol"), routing_point("support", {"default-dn": dn("carol")})]
    with Site(dns=points, tserver={"default-dn": dn("bob")}) as site:
        alice, carol = site.phone("alice", "A"), site.phone("carol", "C")
        desk = site.tlib(dn("bob"), dn("carol"))
        alice.do("dial", dn("support"))
        desk.wait("EventEstablished", ThisDN=dn("carol"))
        alice.do("hangup")
        desk.wait("EventReleased", ThisDN=dn("carol"))


@test
def with_no_default_the_call_is_refused():
    with Site(tserver={"router-timeout": 2}) as site:
        alice = site.phone("alice", "A")
        router = site.tlib(dn("support"), name="router")
        alice.do("dial", dn("support"))
        router.wait("EventRouteRequest")
        print(alice.wait("CALL_CLOSED"))
        print(*plain(router.events), sep="\n")


harness.main()
