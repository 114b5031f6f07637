#!/usr/bin/env python3
"""Certificates on a running installation: one that has ended is refused, with a line in the logs of both sides, and a new one mends it without a
restart of the other side; all are replaced under load without a call or a link lost."""
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
sys.dont_write_bytecode = True
from harness import SLOW, equal, test, until  # noqa: E402
from lab import Lab  # noqa: E402
from stack import Links, Stack, hosts_of  # noqa: E402
from trial import Trial  # noqa: E402

SIZE = dict(connectors=2, members=1)


@test
def certificates_end_and_are_replaced():
    with Lab(*hosts_of(**SIZE)) as lab, Stack(lab, **SIZE) as site, Trial(site) as trial:
        def log(application):
            return {"TServer_1": "tserver", "TServer_2": "tserver2"}.get(application, "connector" + application[-1])

        def says(application, text, since):
            until(f'"{text}" from {application}', lambda: any(text in line for line in site.log(log(application))[since:].splitlines()), 20)

        def read_again(*applications):
            for application in applications:
                site.programs[application].process.send_signal(signal.SIGHUP)

        def lost():
            return {one: site.log(log(one)).count(": lost, ") for one in ("TServer_1", "TServer_2")}

        def ends(application):
            """Gets a certificate that ends soon, and waits for it; links that are up stay."""
            over = site.short_certificate(application, 4 * SLOW)
            read_again(application)
            until("the certificate to be read", lambda: "read again" in site.log(log(application)), 20)
            assert time.time() < over, "this machine is too slow"
            time.sleep(max(over + 1 - time.time(), 0))
            return {one: len(site.log(log(one))) for one in site.applications}

        # The Connector without the call of alice and bob.
        number = 3 - trial.carrier()
        name = f"Connector_{number}"
        backup = f"TServer_{3 - site.primary()}"
        with trial.fault("a Connector's certificate ends, and the backup has to connect to it anew", gap=0.5):
            before = lost()
            marks = ends(name)
            equal(lost(), before, "links that were lost")
            site.programs[backup].kill()
            links = Links(site, number, only=int(backup[-1]))
            site.start(backup, "tserver")
            says(backup, f"link connector{number}: {lab.address(f'sc{number}')}:9000 not reached: its certificate", marks[backup])
            says(backup, "is not accepted: certificate has expired", marks[backup])
            says(name, "refused: it says that our certificate has expired", marks[name])
        with trial.fault("  and it gets a new one", gap=0.5):
            site.certificates(name)
            read_again(name)
            links.wait()
            until("the backup", lambda: site.roles().get(backup) == "backup", 30)

        with trial.fault("the backup's certificate ends, and it has to connect anew", gap=1.5):
            marks = ends(backup)
            links = Links(site, number)
            site.connector(number).kill()
            site.start_connector(number)
            says(name, "is not accepted: certificate has expired", marks[name])
            says(backup, "it says that our certificate has expired", marks[backup])
        with trial.fault("  and it gets a new one", gap=0.5):
            site.certificates(backup)
            read_again(backup)
            links.wait()

        with trial.fault("all certificates are replaced", gap=0.5):
            before = lost()
            site.certificates(*site.applications)
            read_again(*site.applications)
            for one in site.applications:
                until(f"{one} to read again", lambda one=one: "read again" in site.log(log(one)), 20)
            trial.heard()
            equal(lost(), before, "links that were lost")
        with trial.fault("  and count for what connects anew", gap=1.5):
            links = Links(site, number)
            site.connector(number).kill()
            site.start_connector(number)
            links.wait()


Lab.main(__file__)
