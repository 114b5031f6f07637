#!/usr/bin/env python3
"""What can go otherwise on the way to an agent, with exact messages by SIPp, over UDP and TCP."""
import harness
from calls import dn, equal, plain, steps
from harness import Site, test
from peers import scenarios, sipp


class Scene:
    """A routing point, SIPp agents and a client that sees everything."""

    def __init__(self, transport="u1", tserver=None, **more):
        self.site, self.transport = Site(tserver=tserver, **more), transport

    def __enter__(self):
        self.site.__enter__()
        self.client = self.site.tlib(dn("support"), dn("bob"), dn("carol"))
        self.mark = self.client.mark()
        return self

    def __exit__(self, *what):
        self.site.__exit__(*what)

    def agent(self, user, scenario, **more):
        address = sipp.register(self.site, user, transport=self.transport)
        return self.site.sipp(scenario, address=address, transport=self.transport, **more)

    def caller(self, scenario, service="support", **more):
        return self.site.sipp(scenario, target=sipp.target(self.site), service=service, transport=self.transport, **more)

    def route(self, to="bob", **more):
        request = self.client.wait("EventRouteRequest", since=self.mark, ThisDN=dn("support"))
        self.client.send("RequestRouteCall", ThisDN=dn("support"), ConnID=request["ConnID"], OtherDN=dn(to), **more)
        return request["ConnID"]

    def steps(self):
        return steps(self.client, self.mark)


def both(function):
    """Runs over UDP and over TCP."""
    def udp():
        function("u1")

    def tcp():
        function("t1")
    for one, name in ((udp, "udp"), (tcp, "tcp")):
        one.__name__ = f"{function.__name__}_{name}"
        test(one)
    return function


@both
def routed_and_hung_up_by_the_caller(transport):
    with Scene(transport) as s:
        agent = s.agent("bob", scenarios.agent())
        caller = s.caller(scenarios.caller(), pause=1000)
        s.route()
        caller.finish()
        agent.finish()
        s.client.wait("EventReleased", ThisDN=dn("bob"))
        equal(s.steps(), ["EventQueued support", "EventRouteRequest support", "EventRinging bob", "EventRouteUsed support", "EventDiverted support",
                          "EventEstablished bob", "EventReleased bob"])


@both
def hung_up_by_the_agent(transport):
    with Scene(transport) as s:
        agent = s.agent("bob", scenarios.agent(hangs_up=True), pause=1000)
        caller = s.caller(scenarios.caller(stays=True))
        s.route()
        caller.finish()
        agent.finish()
        s.client.wait("EventReleased", ThisDN=dn("bob"))


@both
def given_up_at_the_routing_point(transport):
    with Scene(transport) as s:
        s.caller(scenarios.caller_gives_up(), pause=1000).finish()
        s.client.wait("EventAbandoned", ThisDN=dn("support"))
        equal(s.steps(), ["EventQueued support", "EventRouteRequest support", "EventAbandoned support"])


@both
def given_up_while_the_agent_rings(transport):
    with Scene(transport) as s:
        agent = s.agent("bob", scenarios.agent_is_cancelled())
        caller = s.caller(scenarios.caller_gives_up(), pause=3000)
        s.route()
        s.client.wait("EventRinging", ThisDN=dn("bob"))
        caller.finish()
        agent.finish()
        s.client.wait("EventAbandoned", ThisDN=dn("bob"))
        print(s.steps())


@test
def the_agent_is_busy_and_another_takes_the_call():
    with Scene() as s:
        busy = s.agent("bob", scenarios.agent_answers("486 Busy Here"))
        free = s.agent("carol", scenarios.agent())
        caller = s.caller(scenarios.caller(), pause=500)
        s.route("bob")
        busy.finish()
        print(s.steps())
        again = s.client.mark()
        s.route("carol")
        caller.finish()
        free.finish()
        print(s.steps())


@test
def nobody_answers_in_time_and_the_call_goes_on():
    with Scene(tserver={"no-answer-timeout": 2, "default-dn": dn("carol")}) as s:
        silent = s.agent("bob", scenarios.agent_is_cancelled())
        free = s.agent("carol", scenarios.agent())
        caller = s.caller(scenarios.caller(), pause=500)
        s.route("bob")
        silent.finish()
        caller.finish()
        free.finish()
        print(s.steps())


@test
def the_agent_redirects():
    with Scene() as s:
        moved = s.agent("bob", scenarios.agent_answers("302 Moved Temporarily", contact=dn("carol")))
        there = s.agent("carol", scenarios.agent())
        caller = s.caller(scenarios.caller(), pause=500)
        s.route("bob")
        moved.finish()
        caller.finish()
        there.finish()
        print(s.steps())


@test
def a_phone_with_a_wrong_password_is_refused():
    with Scene() as s:
        sipp.register(s.site, "bob", password="guess", status=403)
        caller = s.caller(scenarios.caller_refused(403, digest=True), user="alice", password="guess", source=f"alice@{harness.DOMAIN}")
        caller.finish()
        equal(s.steps(), [])


@test
def a_phone_that_proves_itself_is_known_by_its_dn():
    with Scene() as s:
        agent = s.agent("bob", scenarios.agent())
        caller = s.caller(scenarios.caller(digest=True), user="alice", source=f"alice@{harness.DOMAIN}")
        s.route()
        caller.finish()
        agent.finish()
        equal(s.client.wait("EventRouteRequest")["OtherDN"], dn("alice"))


@test
def strangers_reach_nobody_but_us():
    trunks = [{"name": "pstn", "contact": "sip:127.0.0.3:5080", "prefix": "+"}]
    with Scene(trunks=trunks) as s:
        for number, status in (("+14155550100", 403), ("nobody", 404)):
            s.caller(scenarios.caller_refused(status), service=number).finish()
        equal(s.steps(), [])


@both
def held_and_resumed_by_re_invite(transport):
    with Scene(transport) as s:
        agent = s.agent("bob", scenarios.agent())
        caller = s.caller(scenarios.caller_holds(), pause=700)
        s.route()
        caller.finish()
        agent.finish()
        s.client.wait("EventReleased", ThisDN=dn("bob"))
        print(s.steps())


harness.main()
