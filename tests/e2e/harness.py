"""Both programs with real peers around them: a generated environment on loopback addresses of its own, certificates, waiting
for ready lines, tearing down, and logs kept when something fails. Python's standard library only.

    import harness
    from harness import test

    @test
    def alice_reaches_bob():
        with harness.Site() as site: ...

    harness.main()

A test file run alone runs all its tests, or those named on the command line. Exit status 0, 1, or 77 when this machine can't run it.
Every wait has a deadline; deadlines are generous, since they cost time only when something is wrong.
"""
import argparse
import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BIN = pathlib.Path(os.environ.get("TANDEM_BIN", ROOT / "build/bin")).resolve()
SLOW = float(os.environ.get("TANDEM_SLOW", "3"))  # stretches every deadline
DOMAIN = "tandem.test"

sys.path.insert(0, str(HERE))

_tests = []


class Skipped(Exception):
    """This machine can't run the test."""


def test(function):
    _tests.append(function)
    return function


def need(*programs):
    missing = [p for p in programs if not shutil.which(p)]
    if missing:
        raise Skipped("not installed: " + ", ".join(missing))


def until(what, condition, timeout=20.0, every=0.05):
    """Waits until condition() is true and returns its value."""
    end = time.monotonic() + timeout * SLOW
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout * SLOW:.0f} s in vain for {what}")
        time.sleep(every)


def equal(found, wanted, what=""):
    """Asserts whole things and shows both."""
    if found != wanted:
        def show(x):
            return json.dumps(x, indent=1, sort_keys=True, default=str)
        raise AssertionError(f"{what}\n--- found\n{show(found)}\n--- wanted\n{show(wanted)}")


def free_port(address="127.0.0.1", kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as s:
        s.bind((address, 0))
        return s.getsockname()[1]


def media_ports():
    """First of forty UDP ports in a row that nobody on this machine uses, at any address, and what keeps others that ask here from them."""
    for _ in range(200):
        first = 10000 + 40 * random.randrange(225)
        held = []
        reservation = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            reservation.bind(f"\0tandem-media-{first}")
            for port in range(first, first + 40):
                held.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                held[-1].bind(("0.0.0.0", port))
            return first, reservation
        except OSError:
            reservation.close()
        finally:
            for s in held:
                s.close()
    raise AssertionError("no free UDP ports")


def own_network():
    """First three numbers of a loopback network that nobody uses right now."""
    for _ in range(100):
        net = f"127.{random.randint(2, 254)}.{random.randint(0, 254)}"
        try:
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                with socket.socket(socket.AF_INET, kind) as s:
                    s.bind((net + ".1", 5060))
            return net
        except OSError:
            continue
    raise AssertionError("no free loopback network")


def dn(user):
    return f"sip:{user}@{DOMAIN}"


def extension(user, options=None):
    entry = {"number": dn(user), "type": "Extension", "sip": {"password": f"{user}-secret"}}
    return {**entry, "options": {"TServer": options}} if options else entry


def routing_point(user, options=None):
    entry = {"number": dn(user), "type": "Routing Point"}
    return {**entry, "options": {"TServer": options}} if options else entry


class Program:
    """One of ours, or anything else that runs until it is told to end."""

    def __init__(self, name, command, folder, env=None, stdin=subprocess.DEVNULL):
        self.name = name
        self.output = pathlib.Path(folder) / f"{name}.out"
        with open(self.output, "wb") as out:
            self.process = subprocess.Popen([str(c) for c in command], cwd=folder, stdin=stdin, stdout=out, stderr=subprocess.STDOUT,
                                            env=env)

    def text(self):
        return self.output.read_text(errors="replace")

    def wait_text(self, needle, timeout=20.0):
        def there():
            if needle in self.text():
                return True
            if self.process.poll() is not None:
                raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{self.text()[-3000:]}")
            return False
        until(f'"{needle}" from {self.name}', there, timeout)

    def alive(self):
        return self.process.poll() is None

    def wait(self, timeout=20.0):
        """Exit status of a program that ends by itself."""
        try:
            return self.process.wait(timeout * SLOW)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} does not end:\n{self.text()[-3000:]}") from None

    def stop(self, how=signal.SIGTERM, timeout=15.0):
        """True if it ended by itself within the time."""
        if not self.alive():
            return True
        self.process.send_signal(how)
        try:
            self.process.wait(timeout)
            return True
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()

    def memory(self):
        """Resident bytes."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0


class Site:
    """One T-Server and its Connectors, with phones and clients as they are asked for. Everything ends with the `with` block."""

    def __init__(self, connectors=1, dns=None, trunks=(), tserver=None, front_end=None, limits=None, sip=None, connector=None, link=None,
                 media=None, annex=None, addresses=None, wrap=None, music=None, prompts=None, agent_logins=()):
        self.net = own_network()
        self.addresses = addresses or [f"{self.net}.{11 + i}" for i in range(connectors)]
        self.server_address = f"{self.net}.1"
        self.dns = dns if dns is not None else [
            *(extension(user) for user in ("alice", "bob", "carol", "dave", "sam")), routing_point("support")]
        self.trunks = list(trunks)
        self.tserver_options = {"router-timeout": 10, **(tserver or {})}
        self.front_end = {"mode": "embedded", "domains": [DOMAIN], **(front_end or {})}
        self.connector_sections = {"limits": limits or {}, "sip": sip or {}, "connector": {"drain-timeout": 3, **(connector or {})}, "link": link or {}, "media": dict(media or {})}
        self.annex = {name: dict(section) for name, section in (annex or {}).items()}
        self.agent_logins = list(agent_logins)
        self.wrap = wrap or (lambda application, command: command)  # puts a program into a network namespace, say
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tandem-e2e-"))
        self.sounds(music, prompts or {})
        self.stack = contextlib.ExitStack()
        self.programs = {}
        self.hosts = 20
        self.more_hosts = []  # that certificates are made out for
        self.tlib_port, self.link_port = 7000, 9000

    def sounds(self, music, prompts):
        """Music on hold is this party's tone; prompts are two seconds of tones, by name. Other rates than the phones' are meant."""
        from peers import tones
        section = self.annex.setdefault("connector", {})
        if music:
            section["music-on-hold-file-path"] = str(tones.make(self.folder / "music.wav", music, 10, 16000))
        if prompts:
            folder = self.folder / "prompts"
            folder.mkdir()
            section |= {"prompts-path": str(folder), "recordings-path": str(self.folder / "recordings")}
            for name, tone in prompts.items():
                tones.make(folder / f"{name}.wav", tone, 2, 48000)

    # --- environment ---

    def environment(self):
        def tls(name):
            return {"certificate": f"certs/{name}.pem", "key": f"certs/{name}.key", "ca": "certs/ca.pem"}

        def log(name):
            return {"verbose": "debug", "all": str(self.folder / f"{name}.log")}
        options = {"TServer": dict(self.tserver_options), "log": log("tserver")}
        applications = {"TServer_1": {
            "type": "tserver", "host": self.server_address, "ports": {"tlib": {"port": self.tlib_port, "transport": "tls"}}, "switch": "Main",
            "redundancy": "none", "tls": tls("tserver"), "options": options}}
        for number, address in enumerate(self.addresses, 1):
            options["TServer"][f"link-{number}-name"] = f"connector{number}"
            options[f"connector{number}"] = {"hostname": address, "port": self.link_port, "protocol": "tls"}
            sections = {name: section for name, section in self.connector_sections.items() if section}
            applications[f"Connector_{number}"] = {
                "type": "connector", "host": address, "switch": "Main", "tls": tls("connector"),
                "ports": {"link": {"port": self.link_port}, "rtp": {"range": "20000-25999"},
                          "sip": [{"port": 5060, "transport": "udp"}, {"port": 5060, "transport": "tcp"}, {"port": 5061, "transport": "tls"}]},
                "options": {"front-end": self.front_end, "log": log(f"connector{number}"), **sections}}
        main = {"dns": self.dns, **({"trunks": self.trunks} if self.trunks else {}), **({"annex": self.annex} if any(self.annex.values()) else {}),
                **({"agent-logins": self.agent_logins} if self.agent_logins else {})}
        return {"applications": applications, "switches": {"Main": main}}

    def write(self):
        self.file = self.folder / "environment.yaml"
        self.file.write_text(json.dumps(self.environment(), indent=1))  # JSON is YAML
        hosts = ",".join([self.server_address, *self.more_hosts, *self.addresses, "localhost", "127.0.0.1"])
        subprocess.run([ROOT / "deploy/certs", self.folder / "certs", f"tserver={hosts}", f"connector={DOMAIN},{hosts}", f"client={hosts}"],
                       check=True, stdout=subprocess.DEVNULL)

    # --- programs ---

    def __enter__(self):
        try:
            self.write()
            for number in range(1, len(self.addresses) + 1):
                self.start_connector(number)
            self.start_tserver()
            for number in range(1, len(self.addresses) + 1):
                self.linked(number)
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def start(self, application, program, wait=True):
        generation = sum(key.startswith(application + "#") for key in self.programs) + 1
        one = Program(f"{application}.{generation}", self.wrap(application, [BIN / program, "--config", self.file, "--app", application]),
                      self.folder)
        self.programs[f"{application}#{generation}"] = one
        self.programs[application] = one
        if wait:
            one.wait_text("ready")
        return one

    def start_tserver(self):
        return self.start("TServer_1", "tserver")

    def start_connector(self, number=1):
        return self.start(f"Connector_{number}", "connector")

    def linked(self, number=1, times=1):
        """Waits until the T-Server has been linked with this Connector so many times."""
        until(f"link {times} with Connector {number}", lambda: self.log("tserver").count(f"link connector{number}: connected") >= times, 30)

    @property
    def tserver(self):
        return self.programs["TServer_1"]

    def connector(self, number=1):
        return self.programs[f"Connector_{number}"]

    def __exit__(self, kind, error, trace):
        problems = []
        try:
            self.stack.close()
        except Exception as problem:  # noqa: BLE001
            problems.append(f"peers did not end well: {problem}")
        for application, program in reversed([(a, p) for a, p in self.programs.items() if "#" in a]):
            if not program.stop():
                problems.append(f"{application} had to be killed")
            elif program.process.returncode not in (0, -signal.SIGKILL):
                problems.append(f"{application} ended with {program.process.returncode}: {program.text()[-2000:]}")
        if kind or problems or os.environ.get("TANDEM_E2E_KEEP"):
            print(f"    logs: {self.folder}", flush=True)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        if problems and kind is None:
            raise AssertionError("; ".join(problems))

    def use(self, context):
        """Ends with the site."""
        return self.stack.enter_context(context)

    # --- peers ---

    def host(self):
        """A loopback address for one more peer."""
        self.hosts += 1
        return f"{self.net}.{self.hosts}"

    def sip(self, number=1, transport="udp"):
        address = self.addresses[number - 1]
        return f"sip:[{address}]" if ":" in address else f"sip:{address}" + ("" if transport == "udp" else f";transport={transport}")

    def phone(self, user, tone="A", connector=1, transport="udp", answer="auto", address=None, registered=True, outbound=None, seconds=120,
              password=None, port=5060, media=None, **more):
        from peers import tones
        from peers.baresip import Phone
        need("baresip")
        folder = self.folder / f"phone-{user}-{self.hosts}"
        folder.mkdir()
        address = address or self.host()
        control = free_port()
        media, reservation = (media, None) if media else media_ports()
        outbound = outbound or f"{self.sip(connector)};transport={transport}"
        phone = Phone(folder, user, password or f"{user}-secret", outbound, tones.make(folder / "tone.wav", tone, seconds), port, control,
                      media, ip=address, answer=answer, **more)
        phone.reservation = reservation  # for as long as it lives
        self.use(phone)
        if registered:
            phone.wait_registered(20 * SLOW)
        return phone

    def tlib(self, *registered, name="tlib", ready=True, routes=None, **more):
        from peers.tlib import Tlib
        one = self.use(Tlib(BIN / "tlib", self, name, list(registered), routes or {}, **more))
        if ready:
            for number in registered:
                one.wait("EventRegistered", ThisDN=number)
        return one

    def sipp(self, scenario, *arguments, **more):
        from peers.sipp import Sipp
        need("sipp")
        return self.use(Sipp(self, scenario, *arguments, **more))

    def log(self, name):
        """A program's log: tserver, connector1 ..."""
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tests", nargs="*", help="names of tests; all if none")
    parser.add_argument("--list", action="store_true")
    chosen = parser.parse_args()
    if chosen.list:
        print("\n".join(t.__name__ for t in _tests))
        sys.exit(0)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    failed = skipped = 0
    tests = [t for t in _tests if not chosen.tests or t.__name__ in chosen.tests]
    if not tests:
        sys.exit("no such test")
    for one in tests:
        begun = time.monotonic()
        print(f"--- {one.__name__}", flush=True)
        try:
            for program in ("tserver", "connector", "tlib"):
                if not (BIN / program).exists():
                    raise Skipped(f"{BIN / program} is not built")
            one()
            print(f"    passed, {time.monotonic() - begun:.1f} s", flush=True)
        except Skipped as why:
            skipped += 1
            print(f"    SKIPPED: {why}", flush=True)
        except Exception:  # noqa: BLE001
            failed += 1
            traceback.print_exc(file=sys.stdout)
            print(f"    FAILED, {time.monotonic() - begun:.1f} s", flush=True)
    print(f"{len(tests) - failed - skipped} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed else 77 if skipped == len(tests) else 0)
