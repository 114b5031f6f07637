#!/usr/bin/env python3
"""Three Connectors, two T-Servers and etcd on hosts of their own, under load: one Connector after the other is killed, stopped, or has no room on
its disk. Phones in a call go on talking; how long they don't hear each other is measured at their network cards. MMC-110, MMC-112; LTB-10 lifted."""
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
sys.dont_write_bytecode = True
from harness import test, until  # noqa: E402
from lab import Lab  # noqa: E402
from stack import HOLD, Links, Stack, hosts_of  # noqa: E402
from trial import Trial  # noqa: E402

SIZE = dict(connectors=3, members=3)


@test
def connectors_are_killed_and_stopped():
    with Lab(*hosts_of(**SIZE)) as lab:
        site = Stack(lab, **SIZE)
        for number in range(1, 4):
            site.small_storage(number, "16m")
        with site, Trial(site) as trial:
            def back(number):
                links = Links(site, number)
                site.start_connector(number)
                links.wait()

            with trial.fault("kill -9 of a Connector, started again at once", gap=1.5):
                carries = trial.carrier()
                site.connector(carries).kill()
                back(carries)

            with trial.fault("kill -9 of a Connector, taken over by another", gap=HOLD + 1.5) as fault:
                carries = trial.carrier()
                site.connector(carries).kill()
                until("the takeover", lambda: trial.carrier() != carries)
                fault.note(f"Connector_{trial.carrier()} speaks after {fault.since():.2f} s")
            with trial.fault("it comes back", gap=0.5):
                back(carries)
                time.sleep(1)

            with trial.fault("SIGSTOP of a Connector for a second", gap=2.5):
                carries = trial.carrier()
                site.connector(carries).process.send_signal(signal.SIGSTOP)
                time.sleep(1)
                site.connector(carries).process.send_signal(signal.SIGCONT)
                time.sleep(1)

            with trial.fault("SIGSTOP of a Connector, taken over by another, SIGCONT", gap=HOLD + 5) as fault:
                carries = trial.carrier()
                links = Links(site, carries)
                site.connector(carries).process.send_signal(signal.SIGSTOP)
                until("the takeover", lambda: trial.carrier() != carries, 30)
                fault.note(f"Connector_{trial.carrier()} speaks after {fault.since():.2f} s")
                time.sleep(1)
                site.connector(carries).process.send_signal(signal.SIGCONT)
                links.wait()
                time.sleep(1)

            carries = trial.carrier()

            def says(text, since):
                until(f'"{text}" from Connector_{carries}', lambda: text in site.log(f"connector{carries}")[since:], 20)
            with trial.fault("a Connector's disk is full", gap=0.5):
                mark = len(site.log(f"connector{carries}"))
                site.fill(carries)
                says("can't be written: ", mark)
                time.sleep(3)  # calls come and go
                assert "can be written again" not in site.log(f"connector{carries}")[mark:], "the disk was full"
            with trial.fault("  it is killed while the disk is full, and started again", gap=HOLD + 1.5):
                def said(text):
                    return sum(site.log_of(number).count(text) for number in (1, 2))
                back_to, away, mark = said("are given back to"), said("away for too long"), len(site.log(f"connector{carries}"))
                killed = time.monotonic()
                site.connector(carries).kill()
                back(carries)
                took = time.monotonic() - killed
                until("calls given back", lambda: said("are given back to") > back_to or said("away for too long") > away)
                # Another one has them only if the host took so long to start it.
                assert said("are given back to") > back_to or took > HOLD, f"not given back after {took:.2f} s"
                says("can't be written: ", mark)
                time.sleep(5)  # calls of the load that were up end
            with trial.fault("  there is room again, and it is killed", gap=HOLD + 1.5):
                site.free(carries)
                says("can be written again", mark)
                site.connector(carries).kill()
                back(carries)


Lab.main(__file__)
