#!/usr/bin/env python3
"""Calls with exact messages by SIPp, over UDP and TCP: hung up by either side, given up, held by re-INVITE."""
import harness
from calls import dn, equal, steps
from harness import test
from peers import scenarios
from scene import Scene, both


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
        s.client.wait("EventError", ThisDN=dn("support"))
        equal(s.steps(), ["EventQueued support", "EventRouteRequest support", "EventRinging bob", "EventAbandoned bob", "EventAbandoned support",
                          "EventError support"])


@test
def a_phone_that_proves_itself_is_known_by_its_dn():
    with Scene() as s:
        agent = s.agent("bob", scenarios.agent())
        caller = s.caller(scenarios.caller(digest=True), user="alice", source=f"alice@{harness.DOMAIN}")
        s.route()
        caller.finish()
        agent.finish()
        equal(s.client.wait("EventRouteRequest")["OtherDN"], dn("alice"))


@both
def held_and_resumed_by_re_invite(transport):
    with Scene(transport) as s:
        agent = s.agent("bob", scenarios.agent())
        caller = s.caller(scenarios.caller_holds(), pause=700)
        s.route()
        caller.finish()
        agent.finish()
        s.client.wait("EventReleased", ThisDN=dn("bob"))
        equal(s.steps(), ["EventQueued support", "EventRouteRequest support", "EventRinging bob", "EventRouteUsed support", "EventDiverted support",
                          "EventEstablished bob", "EventReleased bob"])


@test
def requests_outside_a_call():
    """OPTIONS from anybody is answered; BYE for an unknown call is 481."""
    with Scene() as s:
        options = scenarios.scenario(scenarios.send(scenarios.outside("OPTIONS", "1 OPTIONS"), True), scenarios.receive(200))
        s.caller(options).finish()
        bye = scenarios.scenario(scenarios.send(scenarios.outside("BYE", "1 BYE", ";tag=nowhere"), True), scenarios.receive(481))
        s.caller(bye).finish()


@test
def worn_out_and_looping_requests_end_here():
    with Scene() as s:
        own = f"Via: SIP/2.0/UDP {s.site.addresses[0]}:5060;branch=z9hG4bKours\nMax-Forwards"
        for via, status in ((scenarios.VIA.replace("70", "0"), 483), (scenarios.VIA.replace("Max-Forwards", own), 482)):
            invite = scenarios.send(scenarios.outside("INVITE", "1 INVITE", content=scenarios.sdp(), via=via), True)
            s.caller(scenarios.scenario(invite, scenarios.receive(100, optional=True), scenarios.receive(status), scenarios.ack_refusal())).finish()
        equal(s.steps(), [])


def with_trunk():
    """A scene with a trunk for numbers that begin with +, and the address SIPp plays it at."""
    scene = Scene()
    address = scene.site.host()
    scene.site.trunks = [{"name": "pstn", "contact": f"sip:{address}:5060", "prefix": "+"}]
    return scene, address


@test
def a_number_goes_out_by_its_trunk():
    scene, address = with_trunk()
    with scene as s:
        alice = s.site.tlib(dn("alice"), name="alice")
        mark = alice.mark()
        far = s.site.sipp(scenarios.agent(), address=address)
        s.caller(scenarios.caller(digest=True), user="alice", source=f"alice@{harness.DOMAIN}", service="+14155550100", pause=1000).finish()
        far.finish()
        alice.wait("EventReleased", ThisDN=dn("alice"))
        assert "INVITE sip:+14155550100@" in far.messages()
        equal(steps(alice, mark), ["EventDialing alice", "EventNetworkReached alice", "EventEstablished alice", "EventReleased alice"])
        equal(alice.wait("EventEstablished")["CallType"], "CallTypeOutbound")


@test
def a_trunk_brings_a_call_in_but_none_out_again():
    scene, address = with_trunk()
    with scene as s:
        agent = s.agent("bob", scenarios.agent())
        caller = s.caller(scenarios.caller(), address=address, source=f"+4420@{address}", pause=500)
        s.route()
        caller.finish()
        agent.finish()
        request = s.client.wait("EventRouteRequest")
        equal((request["CallType"], request["ANI"]), ("CallTypeInbound", f"sip:+4420@{address}"))
        s.caller(scenarios.caller_refused(403), address=address, source=f"+4420@{address}", service="+14155550100").finish()


harness.main()
