#!/usr/bin/env python3
"""A Virtual Queue: a routing application says which calls are in it, others see them, and none stays in it when the application is gone."""
import harness
from calls import dn, equal
from harness import extension, routing_point, test
from peers import scenarios
from scene import Scene

QUEUE, CALLS_IN_IT = "billing-queue", "InfoStatus"


def scene():
    return Scene(dns=[extension("bob"), extension("carol"), routing_point("support"), {"number": QUEUE, "type": "Virtual Queue"}])


def says(router, event, conn, **more):
    router.send("RequestDistributeEvent", ThisDN=QUEUE, UserEvent=event, ConnID=conn, ReferenceID=77, **more)


def calls_in_it(client, reference):
    client.send("RequestQueryAddress", ThisDN=QUEUE, InfoType="AddressInfoDNStatus", ReferenceID=reference)
    return client.wait("EventAddressInfo", ThisDN=QUEUE, ReferenceID=reference)[CALLS_IN_IT]


@test
def a_call_is_queued_and_routed():  # MMC-65
    with scene() as s:
        wall = s.site.tlib(QUEUE, name="wall")
        router = s.site.tlib(QUEUE, name="router")
        agent = s.agent("bob", scenarios.agent())
        caller = s.caller(scenarios.caller(), pause=500)
        conn = s.client.wait("EventRouteRequest", ThisDN=dn("support"))["ConnID"]
        says(router, 57, conn)
        queued = wall.wait("EventQueued", ThisDN=QUEUE, ConnID=conn)
        equal((queued["ThisQueue"], queued["CallType"]), (QUEUE, "CallTypeInbound"))
        equal(calls_in_it(wall, 5), 1)
        s.route()
        s.client.wait("EventEstablished", ThisDN=dn("bob"))
        says(router, 58, conn, ThirdPartyDN=dn("bob"))
        equal(wall.wait("EventDiverted", ThisDN=QUEUE, ConnID=conn)["ThirdPartyDN"], dn("bob"))
        equal(calls_in_it(wall, 6), 0)
        caller.finish()
        agent.finish()


@test
def the_caller_gives_up():
    with scene() as s:
        wall, router = s.site.tlib(QUEUE, name="wall"), s.site.tlib(QUEUE, name="router")
        caller = s.caller(scenarios.caller_gives_up(), pause=1500)
        conn = s.client.wait("EventRouteRequest", ThisDN=dn("support"))["ConnID"]
        says(router, 57, conn)
        wall.wait("EventQueued", ThisDN=QUEUE, ConnID=conn)
        caller.finish()
        wall.wait("EventAbandoned", ThisDN=QUEUE, ConnID=conn)
        equal(calls_in_it(wall, 5), 0)


if __name__ == "__main__":
    harness.main()
