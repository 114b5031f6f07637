#!/usr/bin/env python3
"""Two T-Servers, three Connectors and etcd on hosts of their own, under load: links of a Connector are cut one way and the other, packets are lost
and late. Calls go on, and a client that keeps its session loses nothing."""
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
sys.dont_write_bytecode = True
from harness import test, until  # noqa: E402
from lab import Lab  # noqa: E402
from stack import Links, Stack, hosts_of  # noqa: E402
from trial import Trial  # noqa: E402

SIZE = dict(connectors=3, members=1)
CUT = 2.0


@test
def links_are_cut_and_packets_lost():
    with Lab(*hosts_of(**SIZE)) as lab, Stack(lab, **SIZE) as site, Trial(site) as trial:
        def cut(what, sender, receiver):
            """The link between the primary and the Connector that carries the call."""
            carries = trial.carrier()
            hosts = {"server": f"ts{site.primary()}", "connector": f"sc{carries}"}
            links = Links(site, carries, only=site.primary())
            with trial.fault(what, gap=2.5) as fault:
                lab.lose(hosts[sender], hosts[receiver])
                until("the takeover", lambda: trial.carrier() != carries, 30)
                fault.note(f"Connector_{trial.carrier()} speaks after {fault.since():.2f} s")
                time.sleep(0.5)
            with trial.fault("  and it comes back", gap=1):
                lab.heal()
                links.wait()
                time.sleep(1)

        cut("what the primary sends to a Connector is lost", "server", "connector")
        cut("what a Connector sends to the primary is lost", "connector", "server")

        for what, sender, receiver in (("what a Connector sends to phones and callers is lost", "carrier", "here"),
                                       ("what phones and callers send to a Connector is lost", "here", "carrier")):
            host = f"sc{trial.carrier()}"
            with trial.fault(f"{what} for {CUT:.0f} s", gap=CUT + 1.5):
                lab.lose(*(host if side == "carrier" else side for side in (sender, receiver)))
                time.sleep(CUT)
                lab.heal()
                time.sleep(0.5)

        with trial.fault("a Connector's packets are 30 +- 15 ms late each way, 3 % are lost", gap=1):
            lab.impair(f"sc{trial.carrier()}", delay=30, jitter=15, loss=3)
            time.sleep(4)
            trial.heard()
            lab.heal()
            time.sleep(0.5)
        with trial.fault("the primary's packets are 30 +- 15 ms late each way, 3 % are lost", gap=0.25):
            lab.impair(f"ts{site.primary()}", delay=30, jitter=15, loss=3)
            time.sleep(4)
            lab.heal()
            time.sleep(0.5)


Lab.main(__file__)
