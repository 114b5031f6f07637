#!/usr/bin/env python3
"""A Connector dies under calls of phones on TLS, whose connections die with it: they register anew over other ones, and by these the calls go on. MMC-110,
MMC-112; LTB-10 lifted."""
import harness
from calls import closed, dn, hear, routed
from harness import Site, test
from pair import Door
from relay import Relay


def site_of(**more):
    """Phones may register every few seconds."""
    return Site(front_end={"min-expires": 2}, **more)


def on_tls(site, user, tone, **more):
    return site.phone(user, tone, transport="tls", regint=4, **more)


def again(site, number=1, times=2):
    site.connector(number).kill()
    site.start_connector(number)
    site.linked(number, times)


def ends(client, mark, conn, *users):
    for user in users:
        client.wait("EventReleased", ThisDN=dn(user), ConnID=conn, since=mark)


def both_ways(name, caller, called):
    """The call is ended by the caller, then another one by the called phone; each after the Connector's restart."""
    def one():
        with site_of() as site:
            def phone(transport, *of):
                return on_tls(site, *of) if transport == "tls" else site.phone(*of)
            alice, bob = phone(caller, "alice", "A"), phone(called, "bob", "B")
            client = site.tlib(dn("support"), dn("alice"), dn("bob"), name="router")
            for times, who in ((2, alice), (3, bob)):
                conn = routed(site, alice, client)
                hear((alice, "B"), (bob, "A"))
                mark = client.mark()
                again(site, times=times)
                hear((alice, "B"), (bob, "A"))
                marks = [(one, one.mark()) for one in (alice, bob)]
                who.do("hangup")
                ends(client, mark, conn, "alice", "bob")
                for one, since in marks:
                    one.wait("CALL_CLOSED", 20 * harness.SLOW, since)
    one.__name__ = name
    test(one)


both_ways("the_called_phone_is_on_tls", "udp", "tls")
both_ways("the_caller_is_on_tls", "tls", "udp")
both_ways("both_are_on_tls", "tls", "tls")


@test
def the_other_phone_of_the_dn_is_back_first():
    """It knows nothing of the call; that ends only if the right one doesn't come either."""
    with site_of() as site:
        host = site.host()
        way = site.use(Door(host, 5061, (site.addresses[0], 5061)))
        alice, desk = site.phone("alice", "A"), on_tls(site, "bob", "B", outbound=f"sip:{host}:5061;transport=tls")
        on_tls(site, "bob", "C", answer="manual")
        client = site.tlib(dn("support"), dn("alice"), dn("bob"), name="router")
        conn = routed(site, alice, client)
        hear((alice, "B"), (desk, "A"))
        mark = client.mark()
        way.shut()
        again(site)
        harness.until("the other one to be asked", lambda: "the right one is waited for" in site.log("connector1"))
        way.unlock()
        harness.until("the right one to be reached", lambda: "every party taken up was reached or is over" in site.log("connector1"))
        hear((alice, "B"), (desk, "A"))
        alice.do("hangup")
        ends(client, mark, conn, "alice", "bob")
        closed(alice, desk)


@test
def another_connector_takes_over():
    """The way to the pool leads to the other one meanwhile, and phones on TLS register there."""
    with site_of(connectors=2, tserver={"takeover-timeout": "1 sec"}) as site:
        way = site.use(Relay(site.host(), (site.addresses[0], 5061)))
        outbound = f"sip:{way.address};transport=tls"
        alice, bob = on_tls(site, "alice", "A", outbound=outbound), on_tls(site, "bob", "B", outbound=outbound)
        client = site.tlib(dn("support"), dn("alice"), dn("bob"), name="router")
        conn = routed(site, alice, client)
        hear((alice, "B"), (bob, "A"))
        mark = client.mark()
        way.target = (site.addresses[1], 5061)
        site.connector(1).kill()
        harness.until("the takeover", lambda: "takes over" in site.log("tserver"))
        hear((alice, "B"), (bob, "A"))
        harness.until("both to be reached", lambda: "every party taken up was reached or is over" in site.log("connector2"))
        bob.do("hangup")
        ends(client, mark, conn, "alice", "bob")
        closed(alice, bob)
        # The other way round, and back.
        since, seen = client.mark(), (alice.mark(), bob.mark())
        conn = routed(site, alice, client)
        alice.do("hangup")
        ends(client, since, conn, "alice", "bob")
        for phone, mark in zip((alice, bob), seen):
            phone.wait("CALL_CLOSED", 20 * harness.SLOW, mark)


@test
def another_connector_takes_over_and_a_third_has_the_connection():
    """Each phone registers at another of the two that are left: one of them can be reached through the other only."""
    with site_of(connectors=3, tserver={"takeover-timeout": "1 sec"}) as site:
        ways = [site.use(Relay(site.host(), (site.addresses[0], 5061))) for _ in range(2)]
        alice, bob = (on_tls(site, user, tone, outbound=f"sip:{way.address};transport=tls")
                      for user, tone, way in (("alice", "A", ways[0]), ("bob", "B", ways[1])))
        client = site.tlib(dn("support"), dn("alice"), dn("bob"), name="router")
        conn = routed(site, alice, client)
        hear((alice, "B"), (bob, "A"))
        for way, number in zip(ways, (2, 3)):
            way.target = (site.addresses[number - 1], 5061)
        mark = client.mark()
        site.connector(1).kill()
        harness.until("the takeover", lambda: "takes over" in site.log("tserver"))
        hear((alice, "B"), (bob, "A"))
        harness.until("both to be reached", lambda: any("every party taken up was reached or is over" in site.log(f"connector{number}")
                                                        for number in (2, 3)))
        client.send("RequestHoldCall", ThisDN=dn("alice"), ConnID=conn)
        client.wait("EventHeld", ThisDN=dn("alice"), ConnID=conn, since=mark)
        client.send("RequestRetrieveCall", ThisDN=dn("alice"), ConnID=conn)
        hear((alice, "B"), (bob, "A"))
        client.send("RequestReleaseCall", ThisDN=dn("bob"), ConnID=conn)
        ends(client, mark, conn, "alice", "bob")
        closed(alice, bob)
        forwarded = site.log("connector2") + site.log("connector3")
        harness.equal([method for method in ("INVITE", "ACK", "BYE") if f"{method} forwarded to" not in forwarded], [],
                      "went past the one that holds the connection")


@test
def released_while_the_connector_was_away():
    """The phone on TLS has no connection yet when the call has to end: it hears of it once it has registered."""
    with site_of(tserver={"link-loss-timeout": "1"}) as site:
        alice, bob = site.phone("alice", "A"), on_tls(site, "bob", "B")
        client = site.tlib(dn("support"), dn("alice"), dn("bob"), name="router")
        conn = routed(site, alice, client)
        hear((alice, "B"), (bob, "A"))
        mark = client.mark()
        site.connector().kill()
        ends(client, mark, conn, "alice", "bob")
        site.start_connector()
        site.linked(1, 2)
        closed(alice, bob)


harness.main()
