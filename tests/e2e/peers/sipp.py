"""SIPp (Debian's sip-tester) with scenarios of our own. It has no TLS."""
import csv

import harness
from peers import scenarios


class Sipp:
    """Runs a scenario (text) against `target`, or waits for requests (`target=None`). `pause` in milliseconds; `source`: who calls."""

    def __init__(self, site, scenario, target=None, calls=1, pause=500, address=None, port=5060, transport="u1", keys=None, user=None, password=None,
                 service=None, source=None, timeout=50, more=(), messages=True):
        self.address = address or site.host()
        self.port = port
        site.sipps = getattr(site, "sipps", 0) + 1
        self.name = f"sipp-{site.sipps}"
        self.folder = site.folder / self.name
        self.folder.mkdir()
        (self.folder / "scenario.xml").write_text(scenario)
        command = ["sipp"]  # its media port lies above those of phones, which take theirs at every address
        if target:
            command.append(target)
        command += ["-sf", str(self.folder / "scenario.xml"), "-i", self.address, "-p", str(port), "-t", transport, "-nostdin", "-m", str(calls),
                    "-timeout", f"{int(timeout * harness.SLOW)}s", "-timeout_error",
                    *(["-trace_err", "-error_file", str(self.folder / "errors"), "-trace_msg", "-message_file", str(self.folder / "messages")]
                      if messages else []), "-trace_stat", "-stf", str(self.folder / "stat.csv"), "-fd", "1",
                    "-key", "domain", harness.DOMAIN, "-mi", self.address, "-mp", "19000", "-d", str(pause),
                    "-key", "from", source or f"caller@{self.address}"]
        for key, value in (keys or {}).items():
            command += ["-key", key, str(value)]
        if user:
            command += ["-au", user, "-ap", password or f"{user}-secret"]
        command += ["-s", service or user or "agent", *(str(a) for a in more)]
        self.command = command
        self.program = None

    def __enter__(self):
        self.program = harness.Program("sipp", self.command, self.folder)
        return self

    def __exit__(self, *_):
        if self.program.alive():
            self.program.stop(timeout=3)

    def finish(self, timeout=55.0):
        """Waits for its end and asserts that every call went as the scenario says."""
        status = self.program.wait(timeout)
        if status != 0:
            raise AssertionError(f"{self.name} ended with {status}: {self.read('errors')[-3000:]}\n{self.program.text()[-1500:]}")
        return self

    def read(self, name):
        path = self.folder / name
        return path.read_text(errors="replace") if path.exists() else ""

    def messages(self):
        return self.read("messages")

    def statistics(self):
        with open(self.folder / "stat.csv", encoding="utf-8") as file:
            rows = list(csv.reader(file, delimiter=";"))
        return dict(zip(rows[0], rows[-1]))


def register(site, user, connector=1, address=None, transport="u1", port=5060, expires=300, password=None, status=200):
    """Registers a SIPp phone and returns the address it then has to listen on."""
    one = site.sipp(scenarios.register(status), target=target(site, connector), user=user, password=password, address=address, transport=transport,
                    port=port, keys={"expires": expires})
    one.finish()
    return one.address


def target(site, connector=1, port=5060):
    address = site.addresses[connector - 1]
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
