#!/usr/bin/env python3
"""Two T-Servers, three Connectors and three members of etcd on hosts of their own, under load: T-Servers are killed in turn, members of etcd die,
links between T-Servers and to etcd are cut. Phones hear nothing of it, and a client that keeps its session loses nothing. MMC-91, MMC-96."""
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
sys.dont_write_bytecode = True
from harness import test, until  # noqa: E402
from lab import Lab  # noqa: E402
from stack import Stack, hosts_of  # noqa: E402
from trial import Trial  # noqa: E402

SIZE = dict(connectors=3, members=3)
NO_GAP = 0.25  # seconds: a packet that came late on a busy machine
AIM = 3.0  # seconds to a working primary


@test
def tservers_and_their_arbiter():
    with Lab(*hosts_of(**SIZE)) as lab, Stack(lab, **SIZE) as site, Trial(site) as trial:
        def fault(what):
            return trial.fault(what, gap=NO_GAP, answer=AIM + 1)

        def replaced(old, act):
            def taken():
                return site.log_of(3 - old).count("role: primary, ")
            before = taken()
            act()
            until(f"TServer_{3 - old} to be primary", lambda: taken() > before, every=0.02)

        def is_backup(number):
            until(f"TServer_{number} to be backup", lambda: site.roles().get(f"TServer_{number}") == "backup", 30)

        def settled():
            """One is primary and the other its backup, and so it stays: an election of etcd may cost the primary its role a little later."""
            def same():
                before = site.roles()
                time.sleep(1)
                return sorted(before.values()) == ["backup", "primary"] and site.roles() == before
            until("a primary and its backup", same, 30)

        leader = site.leader()
        follower = next(one for one in site.members if one != leader)
        with fault("a member of etcd that follows is killed"):
            site.etcd[follower].kill()
            time.sleep(1.5)
        site.start_member(follower)
        site.etcd[follower].wait_text("ready to serve client requests", 30)
        with fault("the member of etcd that leads is killed") as one:
            site.etcd[leader].kill()
            until("another leader", site.leader, 20)
            one.note(f"another leads after {one.since():.1f} s")
            time.sleep(2)  # a lease
            until("a primary", site.primary, 20)
        site.start_member(leader)
        site.etcd[leader].wait_text("ready to serve client requests", 30)
        settled()

        for _ in range(2):
            old = site.primary()
            with fault("kill -9 of the primary") as one:
                replaced(old, lambda old=old: site.programs[f"TServer_{old}"].kill())
                one.note(f"the other takes the role after {one.since():.2f} s")
                time.sleep(0.5)
            site.start(f"TServer_{old}", "tserver")
            is_backup(old)

        with fault("the T-Servers are cut off from each other"):
            lab.lose("ts1", "ts2")
            lab.lose("ts2", "ts1")
            time.sleep(6)  # longer than the silence that ends their session
            lab.heal()
        settled()

        old = site.primary()
        with fault("the primary is cut off from every member of etcd") as one:
            replaced(old, lambda: [lab.lose(f"ts{old}", member) for member in site.members])
            one.note(f"the other takes the role after {one.since():.2f} s")
            assert "role: backup, the role could not be renewed in time" in site.log_of(old), "it stepped down by itself"
            lab.heal()
            time.sleep(0.5)
        is_backup(old)


Lab.main(__file__)
