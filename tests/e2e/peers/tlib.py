"""A T-Library client: our own `tlib` program, one JSON object a line in and out."""
import json
import subprocess
import threading
import time

import harness


class Tlib:
    def __init__(self, program, site, name, registered, routes, server=None, tls=True, certificate="client", linger=None, resume=False):
        self.name = name
        self.command = [str(program), "--connect", server or f"{site.server_address}:{site.tlib_port}", "--name", name]
        if tls:
            certs = site.folder / "certs"
            self.command += ["--tls", "--ca", str(certs / "ca.pem"), "--cert", str(certs / f"{certificate}.pem"), "--key",
                             str(certs / f"{certificate}.key")]
        for number in registered:
            self.command += ["--register", number]
        for point, destination in routes.items():
            self.command += ["--route", f"{point}={destination}"]
        if not resume:
            self.command.append("--no-resume")
        if linger is not None:
            self.command += ["--linger", str(linger)]
        self.folder = site.folder
        self.events = []
        self.changed = threading.Condition()
        self.ended = False

    def __enter__(self):
        self.errors = open(self.folder / f"{self.name}.err", "ab")
        self.record = open(self.folder / f"{self.name}.events", "a", encoding="utf-8")
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            try:
                self.process.stdin.close()
            except OSError:
                pass
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.errors.close()

    def _read(self):
        for line in self.process.stdout:
            try:
                event = json.loads(line)
            except ValueError:
                event = {"event": "not JSON", "line": line.decode("utf-8", "replace")}
            self.record.write(f"{time.time():.3f} {json.dumps(event)}\n")
            self.record.flush()
            with self.changed:
                self.events.append(event)
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()
        self.record.close()

    def send(self, request, **attributes):
        self.process.stdin.write((json.dumps({"request": request, **attributes}) + "\n").encode())
        self.process.stdin.flush()

    def mark(self):
        with self.changed:
            return len(self.events)

    def wait(self, event, timeout=20.0, since=0, **attributes):
        """First such event from index `since` on, all the given attributes equal."""
        def found():
            return next((e for e in self.events[since:] if e.get("event") == event and all(e.get(k) == v for k, v in attributes.items())), None)
        with self.changed:
            self.changed.wait_for(lambda: found() is not None or self.ended, timeout * harness.SLOW)
            one = found()
            if one is None:
                seen = [(e.get("event"), e.get("ThisDN")) for e in self.events[since:]]
                raise AssertionError(f"{self.name}: no {event} {attributes or ''}{' (ended)' if self.ended else ''}; seen {seen}")
            return one

    def names(self, since=0, **attributes):
        """[(event, ThisDN's user)] in order."""
        with self.changed:
            return [(e.get("event"), user(e.get("ThisDN"))) for e in self.events[since:] if all(e.get(k) == v for k, v in attributes.items())]


def user(number):
    return number[4:].split("@")[0] if number and number.startswith("sip:") else number
