#!/usr/bin/env python3
"""The primary T-Server is killed, and the other goes on from what it was told: calls with their data, agents, calls that wait. MMC-91, MMC-97."""
import time

import harness
from calls import closed, dn, equal, routed, talk, until
from harness import test
from pair import Pair, caught_up


def everything(site, number):
    return site.client(number, dn("support"), dn("alice"), dn("bob"), dn("carol"))


@test
def all_is_there_at_the_new_primary():
    with Pair(agent_logins=[{"code": "1003", "name": "Carol"}]) as site:
        alice, bob, carol = site.phone("alice", "A"), site.phone("bob", "B"), site.phone("carol", "C")
        first, second = everything(site, 1), everything(site, 2)
        caught_up(site)
        equal(site.roles(), {"TServer_1": "primary", "TServer_2": "backup"}, "roles")
        # A call with user data, an agent who is not ready for a reason, and a call that waits with music.
        conn = routed(site, alice, first, UserData={"customer": "77", "skill": "billing"})
        first.send("RequestAgentLogin", ThisDN=dn("carol"), AgentID="1003", AgentWorkMode="AgentWorkModeManualIn")
        first.wait("EventAgentLogin", ThisDN=dn("carol"))
        first.send("RequestAgentNotReady", ThisDN=dn("carol"), AgentWorkMode="AgentWorkModeAuxWork", Reasons={"why": "lunch"})
        first.wait("EventAgentNotReady", ThisDN=dn("carol"))
        mark = first.mark()
        carol.dial(dn("support"))
        waits = first.wait("EventRouteRequest", since=mark, ThisDN=dn("support"))["ConnID"]
        first.send("RequestApplyTreatment", ThisDN=dn("support"), ConnID=waits, TreatmentType="TreatmentMusic")
        first.wait("EventTreatmentApplied", since=mark, ConnID=waits)
        talk(0.5)

        mark = second.mark()
        killed = time.monotonic()
        site.tserver.kill()
        second.wait("EventLinkConnected", since=mark, ServerRole="ServerRolePrimary")
        print(f"    taken over with what was known after {(time.monotonic() - killed) * 1000:.0f} ms", flush=True)
        assert "taken over: 2 calls, 1 agents" in site.log("tserver2"), "what was taken over"
        equal([e["type"] for phone in (alice, bob, carol) for e in phone.events if e["type"] == "CALL_CLOSED"], [], "calls closed")
        # User data, the queue it came from, the agent's state.
        second.send("RequestQueryCall", ThisDN=dn("bob"), ConnID=conn, CallInfoType="CallInfoStatusQuery", ReferenceID=11)
        second.wait("EventPartyInfo", ReferenceID=11)
        second.send("RequestUpdateUserData", ThisDN=dn("bob"), ConnID=conn, UserData={"after": "1"}, ReferenceID=12)
        data = second.wait("EventAttachedDataChanged", ReferenceID=12)
        equal(data["UserData"], {"customer": "77", "skill": "billing", "after": "1"}, "user data")
        second.send("RequestAgentLogin", ThisDN=dn("carol"), AgentID="1003", ReferenceID=13)
        second.wait("EventError", ReferenceID=13)  # logged in still
        # The one who waits waits on, and is routed by the new primary.
        mark = second.mark()
        second.send("RequestReleaseCall", ThisDN=dn("bob"), ConnID=conn)
        released = second.wait("EventReleased", since=mark, ThisDN=dn("bob"), ConnID=conn)
        equal(released["ThisQueue"], dn("support"), "where the call came from")
        closed(alice, bob)
        second.send("RequestRouteCall", ThisDN=dn("support"), ConnID=waits, OtherDN=dn("bob"))
        second.wait("EventEstablished", since=mark, ThisDN=dn("bob"), ConnID=waits)
        second.send("RequestReleaseCall", ThisDN=dn("bob"), ConnID=waits)
        second.wait("EventReleased", since=mark, ThisDN=dn("carol"), ConnID=waits)
        # The killed one comes back, joins, and could take over again.
        site.start("TServer_1", "tserver")
        caught_up(site)
        equal(site.roles(), {"TServer_1": "backup", "TServer_2": "primary"}, "roles at the end")


@test
def a_client_that_goes_on_loses_nothing():  # LTB-06
    updates = 300
    with Pair() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        both = f"{site.server_address}:7000,{site.server_address}:7010"
        client = site.tlib(dn("support"), dn("alice"), dn("bob"), name="client", server=both, resume=True)
        caught_up(site)
        conn = routed(site, alice, client)
        for number in range(updates):
            if number == updates // 3:
                site.tserver.kill()
            client.send("RequestUpdateUserData", ThisDN=dn("bob"), ConnID=conn, UserData={"n": number})
            time.sleep(0.01)
        data = lambda: [e["UserData"]["n"] for e in client.events if e["event"] == "EventAttachedDataChanged" and e["ThisDN"] == dn("bob")]  # noqa: E731
        until("the last update", lambda: updates - 1 in data(), 20)
        refused = [e["ErrorMessage"] for e in client.events if e["event"] == "EventError"]
        print(f"    {len(data())} updates took effect, {len(refused)} were refused while no Connector was linked: {sorted(set(refused))}", flush=True)
        equal(data(), sorted(set(data())), "each once and in order")
        equal(len(data()) + len(refused), updates, "each request answered once")
        assert len(refused) < updates // 4, "refused"
        numbers = [e["StreamNumber"] for e in client.events if "StreamNumber" in e]
        equal(numbers, list(range(1, len(numbers) + 1)), "the numbers of the stream")
        client.send("RequestReleaseCall", ThisDN=dn("bob"), ConnID=conn)
        client.wait("EventReleased", ThisDN=dn("alice"), ConnID=conn)
        closed(alice, bob)


harness.main()
