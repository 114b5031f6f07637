#!/usr/bin/env python3
"""Two T-Servers, one primary: it is killed, it hangs, it gives its role up, and nobody on the phone notices. MMC-91, MMC-92, MMC-96, MMC-97."""
import signal
import time

import harness
from calls import closed, dn, equal, routed, silent, talk, until
from harness import SLOW, test
from pair import Door, Pair, all_three, caught_up, no_gap
from peers import tones

AIM = 0.3  # seconds without a primary after one was killed


@test
def the_primary_is_killed():
    with Pair() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        first, second = all_three(site, 1), all_three(site, 2)
        conn = routed(site, alice, first)
        equal(site.roles(), {"TServer_1": "primary", "TServer_2": "backup"}, "roles")
        equal([e for e in second.names() if e[0] not in ("EventServerConnected", "EventLinkConnected", "EventRegistered")], [], "the backup tells nobody")
        second.send("RequestReleaseCall", ThisDN=dn("bob"), ConnID=conn)
        equal(second.wait("EventError")["ErrorCode"], 258, "the backup refuses")
        talk(2)
        mark = second.mark()
        killed = time.monotonic()
        site.tserver.kill()
        second.wait("EventLinkDisconnected", since=mark)
        equal(second.wait("EventLinkConnected", since=mark)["ServerRole"], "ServerRolePrimary", "role told at the takeover")
        took = time.monotonic() - killed  # until it works: the Connector's calls are taken up
        print(f"    a killed primary was replaced in {took * 1000:.0f} ms (aim {AIM * 1000:.0f} ms)", flush=True)
        assert took < AIM * SLOW * 3, "too slow"  # far below the lease, after which a hanging one is replaced
        talk(2)
        equal([e["type"] for e in alice.events if e["type"] == "CALL_CLOSED"], [], "alice's call")
        second.send("RequestReleaseCall", ThisDN=dn("bob"), ConnID=conn)
        for who in ("alice", "bob"):
            second.wait("EventReleased", since=mark, ThisDN=dn(who), ConnID=conn)
        closed(alice, bob)
        # New calls; and the old primary comes back as backup.
        site.start("TServer_1", "tserver")
        another = routed(site, alice, second)
        assert another != conn
        until("TServer_1 to be back", lambda: site.roles() == {"TServer_1": "backup", "TServer_2": "primary"}, 20)
        again = site.client(1, dn("support"), dn("alice"), dn("bob"), name="again")
        equal(again.names()[1][0], "EventLinkConnected", "the returned one is linked")
        since = alice.mark()
        alice.do("hangup")
        alice.wait("CALL_CLOSED", since=since)
        second.wait("EventReleased", since=mark, ThisDN=dn("bob"), ConnID=another)
        first_calls = [phone.recordings()[0] for phone in (alice, bob)]
        for phone in (alice, bob):
            phone.stop()
        for recording, party in zip(first_calls, "BA"):
            share = tones.heard(recording, 1.0, tones.length(recording) - 0.5)[party]
            assert share >= 0.98, f"{party} was heard in {share:.0%} of the time"
        silent(alice, bob)


@test
def the_primary_hangs_and_wakes_up():
    """Two primaries never act: the one that slept steps down before it does anything."""
    with Pair() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        first, second = all_three(site, 1), all_three(site, 2)
        conn = routed(site, alice, first)
        mark = first.mark()
        hung = time.monotonic()
        site.tserver.process.send_signal(signal.SIGSTOP)
        try:
            # Lies in its socket when it wakes up.
            first.send("RequestReleaseCall", ThisDN=dn("bob"), ConnID=conn)
            second.wait("EventLinkDisconnected", ServerRole="ServerRolePrimary")
            print(f"    a hanging primary was replaced in {(time.monotonic() - hung) * 1000:.0f} ms", flush=True)
            second.wait("EventLinkConnected", ServerRole="ServerRolePrimary")
            talk(1)
        finally:
            site.tserver.process.send_signal(signal.SIGCONT)
        equal(first.wait("EventError", since=mark)["ErrorCode"], 258, "what was asked of it meanwhile")
        until("TServer_1 to have stepped down", lambda: "role: backup, " in site.log("tserver"))
        until("the roles", lambda: site.roles() == {"TServer_1": "backup", "TServer_2": "primary"}, 30)
        talk(1)
        equal([e["type"] for e in alice.events if e["type"] == "CALL_CLOSED"], [], "alice's call")
        taken = site.log("connector1").split("TServer_2", 1)[1].split("is primary now", 1)[1]
        equal([line for line in taken.splitlines() if "TServer_1" in line and ": command " in line], [], "commands of the old primary")
        second.send("RequestReleaseCall", ThisDN=dn("bob"), ConnID=conn)
        second.wait("EventReleased", ThisDN=dn("bob"), ConnID=conn)
        closed(alice, bob)
        for phone in (alice, bob):
            phone.stop()
        no_gap((alice, "B"), (bob, "A"))


@test
def an_operator_switches_over_and_back():
    with Pair() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        first, second = all_three(site, 1), all_three(site, 2)
        conn = routed(site, alice, first)
        talk(1)
        caught_up(site)
        mark = second.mark()
        code, out, err = site.ctl("switchover")
        equal((code, out, err), (0, "TServer_1 gives its role up, TServer_2 takes it\n", ""), "tandemctl switchover")
        site.role("tserver2", "primary")
        equal(first.wait("EventLinkDisconnected")["ServerRole"], "ServerRoleBackup", "what the clients of the old one hear")
        second.wait("EventLinkConnected", since=mark, ServerRole="ServerRolePrimary")
        until("the roles", lambda: site.roles() == {"TServer_1": "backup", "TServer_2": "primary"}, 20)
        talk(1)
        mark = first.mark()
        caught_up(site)
        equal(site.ctl("--app", "TServer_1", "switchover")[0], 0, "and back")
        site.role("tserver", "primary", times=2)
        first.wait("EventLinkConnected", since=mark, ServerRole="ServerRolePrimary")
        talk(1)
        first.send("RequestReleaseCall", ThisDN=dn("alice"), ConnID=conn)
        first.wait("EventReleased", ThisDN=dn("bob"), ConnID=conn)
        closed(alice, bob)
        site.programs["TServer_2"].stop()
        code, out, err = site.ctl("switchover")
        equal((code, out, err), (1, "", "tandemctl: TServer_1 stays primary: no backup T-Server answers\n"), "nobody to switch over to")
        talk(1)
        # By force it does, and takes it again since nobody else wants it.
        code, out, err = site.ctl("switchover", "--force")
        equal((code, out, err), (0, "TServer_1 gives its role up, no backup T-Server answers\n", ""), "switchover by force")
        site.role("tserver", "primary", times=3)
        for phone in (alice, bob):
            phone.stop()
        no_gap((alice, "B"), (bob, "A"))


@test
def the_role_is_kept_while_the_backup_does_not_know_all():
    with Pair() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        first = all_three(site, 1)
        conn = routed(site, alice, first)
        caught_up(site)
        backup = site.programs["TServer_2"]
        backup.process.send_signal(signal.SIGSTOP)
        try:
            # What is asked meanwhile is answered afterwards, by who is primary still.
            first.send("RequestSwitchover", ReferenceID=1)
            first.send("RequestUpdateUserData", ThisDN=dn("bob"), ConnID=conn, UserData={"n": 1}, ReferenceID=2)
            equal(first.wait("EventError", ReferenceID=1)["ErrorMessage"], "the backup did not confirm in time that it knows all", "the answer")
            first.wait("EventAttachedDataChanged", ReferenceID=2)
            until("the backup to be given up", lambda: "synchronisation: the backup TServer_2 is gone" in site.log("tserver"), 20)
            first.send("RequestSwitchover", ReferenceID=3)
            equal(first.wait("EventError", ReferenceID=3)["ErrorMessage"], "the backup is not connected", "the answer")
        finally:
            backup.process.send_signal(signal.SIGCONT)
        caught_up(site)
        equal(site.roles(), {"TServer_1": "primary", "TServer_2": "backup"}, "roles")
        second = all_three(site, 2)
        mark = second.mark()
        first.send("RequestSwitchover", ReferenceID=4)
        first.wait("EventACK", ReferenceID=4)
        second.wait("EventLinkConnected", since=mark, ServerRole="ServerRolePrimary")
        second.send("RequestUpdateUserData", ThisDN=dn("bob"), ConnID=conn, UserData={"m": 2}, ReferenceID=5)
        equal(second.wait("EventAttachedDataChanged", ReferenceID=5)["UserData"], {"n": 1, "m": 2}, "user data")
        alice.do("hangup")
        closed(alice, bob)


class BlindPair(Pair):
    """TServer_1 reaches the Connector by a door, TServer_2 without."""

    def ha(self, number):
        return {**super().ha(number), "no-connector-timeout": 2}

    def environment(self):
        environment = super().environment()
        options = environment["applications"]["TServer_1"]["options"]
        options["connector1"] = {**options["connector1"], "hostname": self.server_address, "port": 9100, "addp-timeout": 2}
        return environment

    def start_tserver(self):
        self.door = self.use(Door(self.server_address, 9100, (self.addresses[0], self.link_port)))
        super().start_tserver()


@test
def a_primary_that_reaches_no_connector_gives_its_role_up():
    with BlindPair() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        first, second = all_three(site, 1), all_three(site, 2)
        conn = routed(site, alice, first, UserData={"customer": "77"})
        caught_up(site)
        mark = second.mark()
        site.door.shut()
        second.wait("EventLinkConnected", since=mark, ServerRole="ServerRolePrimary", timeout=60)
        assert "role: backup, no Connector is reached, the backup reaches 1; " in site.log("tserver"), "why"
        assert "taken over: 1 calls" in site.log("tserver2"), "what was taken over"
        talk(1)
        site.door.unlock()
        until("TServer_1 to be linked", lambda: "1/1" in site.ctl("status")[1].splitlines()[1], 30)
        caught_up(site)
        second.send("RequestUpdateUserData", ThisDN=dn("bob"), ConnID=conn, UserData={"m": 2}, ReferenceID=5)
        equal(second.wait("EventAttachedDataChanged", ReferenceID=5)["UserData"], {"customer": "77", "m": 2}, "user data")
        talk(6)  # longer than the role would have to rest
        equal(site.roles(), {"TServer_1": "backup", "TServer_2": "primary"}, "the role stays")
        alice.do("hangup")
        closed(alice, bob)


harness.main()
