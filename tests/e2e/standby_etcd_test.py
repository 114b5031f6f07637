#!/usr/bin/env python3
"""Two T-Servers and a real etcd: the primary dies, is cut off from etcd, gives its role up; etcd goes and comes back. MMC-91, MMC-96, MMC-97."""
import signal
import time

import harness
from calls import closed, dn, equal, routed, talk, until
from harness import SLOW, test
from pair import EtcdPair, all_three, caught_up, no_gap

AIM = 3  # seconds without a primary after one was killed


def epoch_of(site, application):
    line = [line for line in site.ctl("status")[1].splitlines() if line.startswith(application)][0]
    return int(line.split()[3])


def over(site, who, conn, *phones):
    who.send("RequestReleaseCall", ThisDN=dn("bob"), ConnID=conn)
    who.wait("EventReleased", ThisDN=dn("alice"), ConnID=conn)
    closed(*phones)


@test
def the_primary_is_killed_and_comes_back():
    with EtcdPair(tls=True) as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        first, second = all_three(site, 1), all_three(site, 2)
        conn = routed(site, alice, first)
        epoch = epoch_of(site, "TServer_1")
        assert abs(epoch / 1000 - time.time()) < 60 * SLOW, f"epoch {epoch} is not about now"
        mark = second.mark()
        killed = time.monotonic()
        site.tserver.kill()
        second.wait("EventLinkConnected", since=mark, ServerRole="ServerRolePrimary")
        took = time.monotonic() - killed
        print(f"    a killed primary was replaced in {took * 1000:.0f} ms (aim {AIM * 1000} ms)", flush=True)
        assert took < AIM * SLOW, "too slow"
        assert epoch_of(site, "TServer_2") > epoch, "epochs rise"
        site.start("TServer_1", "tserver")
        until("TServer_1 to be back", lambda: site.roles() == {"TServer_1": "backup", "TServer_2": "primary"}, 20)
        talk(1)
        # Asked to stop, it gives the role back, which takes no lease.
        again = all_three(site, 1)
        mark = again.mark()
        stopped = time.monotonic()
        site.programs["TServer_2"].process.send_signal(signal.SIGTERM)
        again.wait("EventLinkConnected", since=mark, ServerRole="ServerRolePrimary")
        took = time.monotonic() - stopped
        print(f"    a stopped primary was replaced in {took * 1000:.0f} ms", flush=True)
        assert took < 1.2 * SLOW, "too slow: the lease was waited for"
        over(site, again, conn, alice, bob)
        for phone in (alice, bob):
            phone.stop()
        no_gap((alice, "B"), (bob, "A"))


@test
def a_primary_cut_off_from_etcd_steps_down_first():
    with EtcdPair() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        first, second = all_three(site, 1), all_three(site, 2)
        conn = routed(site, alice, first)
        site.doors[1].shut()  # briefly, which nobody notices
        time.sleep(0.6)
        site.doors[1].unlock()
        time.sleep(1.5)
        equal(site.log("tserver").count("role: backup"), 0, "a short absence")
        cut = time.monotonic()
        site.doors[1].shut()
        first.wait("EventLinkDisconnected", ServerRole="ServerRoleBackup")
        down = time.monotonic() - cut
        first.send("RequestReleaseCall", ThisDN=dn("bob"), ConnID=conn)
        equal(first.wait("EventError")["ErrorCode"], 258, "it acts no more")
        second.wait("EventLinkConnected", ServerRole="ServerRolePrimary")
        print(f"    cut off, it stepped down after {down:.1f} s, the other took the role after {time.monotonic() - cut:.1f} s", flush=True)
        log = site.log("tserver")
        assert "role: backup, the role could not be renewed in time" in log, "why it stepped down"
        site.doors[1].unlock()
        until("the roles", lambda: site.roles() == {"TServer_1": "backup", "TServer_2": "primary"}, 20)
        talk(1)
        over(site, second, conn, alice, bob)
        for phone in (alice, bob):
            phone.stop()
        no_gap((alice, "B"), (bob, "A"))


@test
def etcd_is_killed_and_started():
    """While it is away nobody is primary, and calls go on."""
    with EtcdPair() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        first, second = all_three(site, 1), all_three(site, 2)
        conn = routed(site, alice, first)
        mark = first.mark()
        site.etcd.kill()
        first.wait("EventLinkDisconnected", since=mark, ServerRole="ServerRoleBackup")
        assert "primary" not in site.roles().values(), site.roles()  # joining: a backup without a primary to follow
        talk(1)
        site.start_etcd()
        until("a primary", lambda: sorted(site.roles().values()) == ["backup", "primary"], 20)
        leader = first if site.roles()["TServer_1"] == "primary" else second
        until("its calls", lambda: [e for e in leader.names() if e[0] == "EventLinkConnected"][1:], 20)
        over(site, leader, conn, alice, bob)
        for phone in (alice, bob):
            phone.stop()
        no_gap((alice, "B"), (bob, "A"))


@test
def who_is_killed_and_started_at_once_lets_the_other_go_first():
    """It knows nothing, and could be the first to ask when the lease is over."""
    with EtcdPair() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        first, second = all_three(site, 1), all_three(site, 2)
        conn = routed(site, alice, first)
        caught_up(site)
        for killed, other, watching, log in ((1, 2, second, "tserver2"), (2, 1, None, "tserver")):
            watching = watching or all_three(site, 1)
            mark = watching.mark()
            site.programs[f"TServer_{killed}"].kill()
            site.start(f"TServer_{killed}", "tserver")
            watching.wait("EventLinkConnected", since=mark, ServerRole="ServerRolePrimary")
            equal(site.log(log).count("taken over: 1 calls"), 1, "taken over by who knew it")
            caught_up(site)
            equal(site.roles(), {f"TServer_{other}": "primary", f"TServer_{killed}": "backup"}, "roles")
        over(site, watching, conn, alice, bob)


@test
def an_operator_switches_over():
    with EtcdPair() as site:
        first, second = all_three(site, 1), all_three(site, 2)
        mark = second.mark()
        caught_up(site)
        equal(site.ctl("switchover"), (0, "TServer_1 gives its role up, TServer_2 takes it\n", ""), "tandemctl switchover")
        second.wait("EventLinkConnected", since=mark, ServerRole="ServerRolePrimary")
        until("the roles", lambda: site.roles() == {"TServer_1": "backup", "TServer_2": "primary"}, 20)


harness.main()
