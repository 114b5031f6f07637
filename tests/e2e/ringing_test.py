#!/usr/bin/env python3
"""A Connector is killed while a phone rings or a caller waits: as far as SIP allows nobody hears of it. MMC-110, MMC-112; LTB-10 lifted."""
import contextlib
import signal
import time

import harness
from calls import closed, dn, equal, hear, steps
from harness import Site, test, until
from peers.tcp_caller import TcpCaller


class Watched(Site):
    """A Connector that hangs is missed soon."""

    def environment(self):
        environment = super().environment()
        options = environment["applications"]["TServer_1"]["options"]
        for number in range(1, len(self.addresses) + 1):
            options[f"connector{number}"] |= {"addp-timeout": 1}
        return environment


class Ringing:
    """Alice waits on a routing point, and bob's phone rings for her."""

    def __init__(self, caller="udp", callee="udp", killed=1, kind=Site, **site):
        self.site, self.caller, self.callee, self.killed = kind(**site), caller, callee, killed

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            site = stack.enter_context(self.site)
            self.alice = site.phone("alice", "A", transport=self.caller)
            self.bob = site.phone("bob", "B", transport=self.callee, answer="manual")
            self.client = site.tlib(dn("support"), dn("bob"), name="router")
            self.alice.dial(dn("support"))
            self.call = self.client.wait("EventRouteRequest")["ConnID"]
            self.client.send("RequestRouteCall", ThisDN=dn("support"), ConnID=self.call, OtherDN=dn("bob"))
            self.client.wait("EventRinging", ThisDN=dn("bob"), ConnID=self.call)
            self.bob.wait("CALL_INCOMING")
            self.alice.wait("CALL_PROGRESS")
            time.sleep(0.3)  # records are written some milliseconds later
            self.mark = self.client.mark()
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *what):
        self.stack.__exit__(*what)

    def kill(self):
        self.site.connector(self.killed).kill()

    def start(self, times=2):
        self.site.start_connector(self.killed)
        self.site.linked(self.killed, times)

    def told(self):
        """What the client heard of calls."""
        return [s for s in steps(self.client, self.mark) if not s.endswith(" None") and not s.startswith("EventDN")]

    def tells(self, *wanted):
        """That, and no more. They come one after the other."""
        with contextlib.suppress(AssertionError):
            until("events", lambda: len(self.told()) >= len(wanted), 5)
        equal(self.told(), list(wanted), "events")

    def answered(self):
        """As if nothing had happened: both talk in the same call, and end it."""
        self.client.wait("EventEstablished", ThisDN=dn("bob"), ConnID=self.call, since=self.mark)
        self.alice.wait("CALL_ESTABLISHED")
        hear((self.alice, "B"), (self.bob, "A"))
        self.tells("EventRouteUsed support", "EventDiverted support", "EventEstablished bob")
        self.alice.do("hangup")
        closed(self.alice, self.bob)
        self.client.wait("EventReleased", ThisDN=dn("bob"), ConnID=self.call, since=self.mark)

    def given_up(self, mark):
        """Alice is gone, and bob's phone stops."""
        self.bob.wait("CALL_CLOSED", since=mark)
        self.client.wait("EventAbandoned", ThisDN=dn("bob"), ConnID=self.call, since=self.mark)
        self.tells("EventAbandoned bob", "EventAbandoned support", "EventError support")


def over(*transports):
    def each(function):
        for transport in transports:
            def one(transport=transport):
                function(transport)
            one.__name__ = f"{function.__name__}_over_{transport}"
            test(one)
        return function
    return each


@over("udp", "tcp", "tls")
def the_phone_answers_after_the_restart(transport):
    with Ringing(callee=transport) as ring:
        ring.kill()
        ring.start()
        equal(ring.told(), [], "events")
        ring.bob.do("accept")
        ring.answered()


@over("udp", "tcp")
def the_phone_answers_while_the_connector_is_away(transport):
    with Ringing(callee=transport) as ring:
        ring.kill()
        ring.bob.do("accept")
        ring.start()
        ring.answered()


@over("udp", "tcp")
def the_caller_gives_up_after_the_restart(transport):
    with Ringing(callee=transport) as ring:
        ring.kill()
        ring.start()
        ring.alice.do("hangup")
        closed(ring.bob)
        ring.client.wait("EventAbandoned", ThisDN=dn("bob"), ConnID=ring.call, since=ring.mark)
        ring.tells("EventAbandoned bob", "EventAbandoned support", "EventError support")


@test
def the_phone_refuses_after_the_restart():
    """The call waits on for another instruction."""
    with Ringing() as ring:
        carol = ring.site.phone("carol", "C")
        ring.kill()
        ring.start()
        ring.bob.do("hangup")
        ring.client.wait("EventReleased", ThisDN=dn("bob"), since=ring.mark, ConnID=ring.call)
        ring.tells("EventError support", "EventReleased bob")
        ring.client.send("RequestRouteCall", ThisDN=dn("support"), ConnID=ring.call, OtherDN=dn("carol"))
        ring.alice.wait("CALL_ESTABLISHED")
        hear((ring.alice, "C"), (carol, "A"))


@test
def nobody_answers_after_the_restart():
    """The T-Server's time limit runs on, and the phone is told to stop."""
    with Ringing(tserver={"no-answer-timeout": 8}) as ring:
        ring.kill()
        ring.start()
        closed(ring.bob)
        ring.client.wait("EventReleased", since=ring.mark, ThisDN=dn("bob"), ConnID=ring.call)
        ring.tells("EventError support", "EventReleased bob")


@test
def the_caller_gives_up_at_the_connector_that_lost_him():
    """His CANCEL goes where his INVITE went. Another Connector took him over since."""
    with Ringing(connectors=2, tserver={"takeover-timeout": "1 sec"}) as ring:
        mark = ring.bob.mark()
        ring.kill()
        ring.bob.wait("CALL_INCOMING", since=mark)
        ring.start()
        mark = ring.bob.mark()
        ring.alice.do("hangup")
        ring.given_up(mark)


@test
def the_caller_gives_up_while_the_connector_that_lost_him_is_away():
    """It hears his CANCEL, which he repeats, as it starts, before it hears that his call is another one's."""
    with Ringing(connectors=2, tserver={"takeover-timeout": "1 sec"}) as ring:
        mark = ring.bob.mark()
        ring.kill()
        ring.bob.wait("CALL_INCOMING", since=mark)
        mark = ring.bob.mark()
        ring.alice.do("hangup")
        time.sleep(0.5)
        ring.start()
        ring.given_up(mark)


@contextlib.contextmanager
def hung():
    """The Connector hung until another one had taken its calls over, and has heard that they aren't its own any more."""
    with Ringing(kind=Watched, connectors=2, tserver={"takeover-timeout": "1 sec"}) as ring:
        mark = ring.bob.mark()
        process = ring.site.connector(1).process
        process.send_signal(signal.SIGSTOP)
        try:
            ring.bob.wait("CALL_INCOMING", since=mark)
        finally:
            process.send_signal(signal.SIGCONT)
        until("that it lets them be", lambda: "disowned" in ring.site.log("connector1"))
        yield ring


@test
def the_callers_of_a_connector_that_hung_wait_on_at_another():
    with hung() as ring:
        time.sleep(0.5)
        equal(ring.told(), [], "events")
        ring.bob.do("accept")
        ring.answered()


@test
def the_caller_of_a_connector_that_hung_gives_up():
    with hung() as ring:
        mark = ring.bob.mark()
        ring.alice.do("hangup")
        ring.given_up(mark)


@test
def another_connector_rings_the_phone_anew():
    """Answers to the old INVITE go to whoever is no more: that one is cancelled, the phone called once more."""
    with Ringing(connectors=2, tserver={"takeover-timeout": "1 sec"}) as ring:
        mark = ring.bob.mark()
        ring.kill()
        harness.until("the takeover", lambda: "takes over" in ring.site.log("tserver"))
        ring.bob.wait("CALL_CLOSED", since=mark)
        ring.bob.wait("CALL_INCOMING", since=mark)
        equal(ring.told(), [], "events")
        ring.start()
        time.sleep(1)
        equal(ring.told(), [], "events")
        ring.bob.do("accept")
        ring.answered()


@test
def a_caller_waits_on_at_another_connector():
    """Its INVITE is answered by the other one, and the first lets it be when it returns."""
    with Site(connectors=2, tserver={"takeover-timeout": "1 sec"}) as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B", connector=2)
        client = site.tlib(dn("support"), dn("bob"), name="router")
        alice.dial(dn("support"))
        conn = client.wait("EventRouteRequest")["ConnID"]
        time.sleep(0.3)
        site.connector(1).kill()
        harness.until("the takeover", lambda: "taken over by" in site.log("tserver"))
        time.sleep(4)  # too late to own anything
        site.start_connector(1)
        site.linked(1, 2)
        time.sleep(1)
        client.send("RequestRouteCall", ThisDN=dn("support"), ConnID=conn, OtherDN=dn("bob"))
        client.wait("EventEstablished", ThisDN=dn("bob"), ConnID=conn)
        alice.wait("CALL_ESTABLISHED")
        hear((alice, "B"), (bob, "A"))
        alice.do("hangup")
        closed(alice, bob)


class Waiting:
    """A caller over TCP or TLS who hears that it rings, and the client with its call."""

    def __init__(self, transport, listens=True, **more):
        self.site, self.transport, self.listens = Site(**more), transport, listens
        self.ip = self.site.host()
        self.site.more_hosts.append(self.ip)

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            site = stack.enter_context(self.site)
            self.client = site.tlib(dn("support"), dn("bob"), name="router")
            self.caller = site.use(TcpCaller(site, self.ip, tls=self.transport == "tls", listens=self.listens))
            self.call = self.client.wait("EventRouteRequest")["ConnID"]
            self.caller.wait(183)
            time.sleep(0.3)
            self.mark = self.client.mark()
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *what):
        self.stack.__exit__(*what)

    def kill(self):
        self.site.connector(1).kill()
        self.caller.lost()

    def answered(self):
        """By bob."""
        self.client.send("RequestRouteCall", ThisDN=dn("support"), ConnID=self.call, OtherDN=dn("bob"))
        self.caller.wait(200)
        self.caller.request("ACK")
        self.client.wait("EventEstablished", ThisDN=dn("bob"), ConnID=self.call, since=self.mark)

    def hangs_up(self, phone):
        phone.do("hangup")
        self.client.wait("EventReleased", ThisDN=dn("bob"), ConnID=self.call, since=self.mark)
        harness.until("BYE at the caller", self.caller.hung_up)


@over("tcp", "tls")
def a_caller_is_answered_over_a_new_connection(transport):
    with Waiting(transport) as wait:
        bob = wait.site.phone("bob", "B")
        wait.kill()
        wait.site.start_connector()
        assert wait.caller.called_back(), "nobody came back to the caller"
        wait.site.linked(1, 2)
        wait.answered()
        wait.hangs_up(bob)


@over("tcp", "tls")
def a_caller_waits_on_at_another_connector(transport):
    with Waiting(transport, connectors=2, tserver={"takeover-timeout": "1 sec"}) as wait:
        bob = wait.site.phone("bob", "B", connector=2)
        wait.kill()
        assert wait.caller.called_back(), "nobody came back to the caller"
        harness.until("the takeover", lambda: "taken over by" in wait.site.log("tserver"))
        wait.answered()
        wait.hangs_up(bob)


@over("tcp", "tls")
def a_caller_that_cant_be_reached_ends_at_once(transport):
    with Waiting(transport, listens=False, tserver={"router-timeout": 60}) as wait:
        wait.kill()
        wait.site.start_connector()
        wait.site.linked(1, 2)
        back = time.monotonic()
        ended = wait.client.wait("EventAbandoned", ThisDN=dn("support"), ConnID=wait.call, since=wait.mark)
        equal(ended.get("CallState"), "CallStateSystemError", "CallState")
        assert time.monotonic() - back < 5 * harness.SLOW


harness.main()
