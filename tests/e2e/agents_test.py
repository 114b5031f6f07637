#!/usr/bin/env python3
"""Emulated agents around real calls: after-call work, no answer, logout with the desktop."""
import harness
from calls import closed, dn, equal, routed, steps
from harness import Site, extension, routing_point, test


def logged_in(site, user="bob", agent="1002", **more):
    desk = site.tlib(dn(user), name="desk")
    desk.send("RequestAgentLogin", ThisDN=dn(user), AgentID=agent, **more)
    desk.wait("EventAgentLogin", ThisDN=dn(user), AgentID=agent)
    desk.wait("EventAgentReady", ThisDN=dn(user))
    return desk


@test
def after_call_work_ends_by_itself():  # MMC-245 to MMC-248
    with Site(agent_logins=[{"code": "1002", "name": "Bob", "options": {"TServer": {"wrap-up-time": 2}}}]) as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        desk, router = logged_in(site), site.tlib(dn("support"), dn("bob"), name="router")
        mark = desk.mark()
        routed(site, alice, router)
        established = desk.wait("EventEstablished", ThisDN=dn("bob"), since=mark)
        equal(established["Extensions"]["WrapUpTime"], 2)
        assert "WrapUpTime" not in desk.wait("EventRinging", since=mark)["Extensions"]
        alice.do("hangup")
        closed(alice, bob)
        working = desk.wait("EventAgentNotReady", since=mark)
        equal((working["AgentWorkMode"], working["Extensions"]["WrapUpTime"]), ("AgentWorkModeAfterCallWork", 2))
        desk.wait("EventAgentReady", since=mark)
        equal(steps(desk, mark), ["EventRinging bob", "EventEstablished bob", "EventAgentNotReady bob", "EventReleased bob", "EventAgentReady bob"])


@test
def an_agent_who_does_not_answer_is_not_ready_any_more():  # MMC-307, MMC-309
    with Site(tserver={"no-answer-timeout": 2, "no-answer-action": "notready"}) as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B", answer="manual")
        carol = site.phone("carol", "C")
        desk, router = logged_in(site), site.tlib(dn("support"), dn("carol"), name="router")
        mark = desk.mark()
        alice.dial(dn("support"))
        conn = router.wait("EventRouteRequest")["ConnID"]
        router.send("RequestRouteCall", ThisDN=dn("support"), ConnID=conn, OtherDN=dn("bob"), ReferenceID=5)
        equal(router.wait("EventError", ReferenceID=5)["ErrorCode"], 232)
        desk.wait("EventAgentNotReady", since=mark)
        equal(sorted(steps(desk, mark)), ["EventAgentNotReady bob", "EventReleased bob", "EventRinging bob"])
        bob.wait("CALL_CLOSED")
        router.send("RequestRouteCall", ThisDN=dn("support"), ConnID=conn, OtherDN=dn("carol"))
        router.wait("EventEstablished", ThisDN=dn("carol"))


@test
def the_desktop_goes_and_its_agent_is_logged_out():  # MMC-242
    with Site() as site:
        desk = logged_in(site)
        watcher = site.tlib(dn("bob"), name="watcher")
        mark = watcher.mark()
        desk.__exit__()
        watcher.wait("EventAgentLogout", ThisDN=dn("bob"), since=mark)


@test
def strict_agent_ids():  # MMC-455
    with Site(tserver={"agent-strict-id": True}, agent_logins=[{"code": "1002", "name": "Bob"}]) as site:
        desk = site.tlib(dn("bob"), name="desk")
        desk.send("RequestAgentLogin", ThisDN=dn("bob"), AgentID="9999", ReferenceID=3)
        equal(desk.wait("EventError", ReferenceID=3)["ErrorCode"], 1703)
        desk.send("RequestAgentLogin", ThisDN=dn("bob"), AgentID="1002", ReferenceID=4)
        desk.wait("EventAgentLogin", ReferenceID=4)


harness.main()
