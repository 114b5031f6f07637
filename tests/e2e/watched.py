"""A site whose programs have a port http."""
import subprocess
import urllib.error
import urllib.request

from harness import BIN, SLOW, Site, equal

PATIENT = {"drain-timeout": 0}  # waits for its calls as long as they last


class Watched(Site):
    """A site whose programs have a port http."""

    def environment(self):
        made = super().environment()
        for name, application in made["applications"].items():
            application["ports"]["http"] = {"port": 8080, "address": application["host"]}
        return made

    def page(self, host, path, method="GET", headers=()):
        request = urllib.request.Request(f"http://{host}:8080{path}", method=method, headers=dict(headers))
        try:
            with urllib.request.urlopen(request, timeout=5 * SLOW) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def metrics(self, host):
        status, text = self.page(host, "/metrics")
        equal(status, 200, "/metrics")
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))}

    def ctl(self, *arguments):
        done = subprocess.run([BIN / "tandemctl", "--config", self.file, *arguments], capture_output=True, text=True, timeout=60 * SLOW)
        return done.returncode, done.stdout + done.stderr
