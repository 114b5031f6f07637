#!/usr/bin/env python3
"""deploy/hosts with folders for hosts: certificates, installation, start, status, and an upgrade one after the other under a call."""
import os
import subprocess
import threading

import harness
from calls import both_hear, closed, dn, equal, routed, talk, until
from harness import BIN, ROOT, SLOW, test
from watched import PATIENT, Watched

STUBS = ROOT / "tests/e2e/stubs"


class Hosts(Watched):
    """The same site, put up by deploy/hosts."""

    def environment(self):
        made = super().environment()
        for name, application in made["applications"].items():
            application["tls"] = {"certificate": f"certs/{name}.pem", "key": f"certs/{name}.key", "ca": "certs/ca.pem"}
        return made

    def __enter__(self):
        try:
            self.write()
            lines = [f"Connector_{n} connector conn{n} {harness.DOMAIN},{address}" for n, address in enumerate(self.addresses, 1)]
            servers = [name for name in self.environment()["applications"] if name.startswith("TServer")]
            lines += [f"{name} tserver ts{name[-1]} {self.server_address}" for name in servers]
            self.inventory = self.folder / "inventory"
            self.inventory.write_text("# application kind host names\n\n" + "\n".join(lines) + "\n")
            for command in ("certs", "install"):
                self.hosts_do(command)
            self.hosts_do("start", "TServer_1")  # the primary of a pair
            self.hosts_do("start")
            for number in range(1, len(self.addresses) + 1):
                self.linked(number)
        except BaseException:
            self.__exit__(*__import__("sys").exc_info())
            raise
        return self

    def __exit__(self, *what):
        try:
            self.stack.close()
            self.hosts_do("force-stop", check=False)
        finally:
            super().__exit__(*what)

    def hosts_do(self, command, *applications, check=True):
        done = subprocess.run([ROOT / "deploy/hosts", self.inventory, self.file, command, *applications], capture_output=True, text=True,
                              timeout=120 * SLOW, env={**os.environ, "TANDEM_SSH": str(STUBS / "ssh"), "TANDEM_RSYNC": str(STUBS / "rsync"),
                                                       "TANDEM_BIN": str(BIN), "TANDEM_ROOTS": str(self.folder / "hosts")})
        if check and done.returncode != 0:
            raise AssertionError(f"deploy/hosts {command}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.returncode, done.stdout + done.stderr


@test
def every_host_gets_its_own_and_is_shown():
    with Hosts() as site:
        for host, application, other in (("conn1", "Connector_1", "TServer_1"), ("ts1", "TServer_1", "Connector_1")):
            etc = site.folder / "hosts" / host / "etc/tandem"
            equal(sorted(f.name for f in (etc / "certs").iterdir()), sorted([f"{application}.key", f"{application}.pem", "ca.pem"]), host)
            equal((etc / "environment.yaml").stat().st_mode & 0o777, 0o640, "mode of the file with passwords")
        status, text = site.hosts_do("status")
        equal(status, 0, text)
        assert "TServer_1 ts1 active TServer_1 ready: tlib" in text and "Connector_1 conn1 active Connector_1 ready" in text, text
        site.hosts_do("stop", "Connector_1")
        status, text = site.hosts_do("status", check=False)
        assert status == 1 and "Connector_1 conn1 inactive" in text, text


@test
def a_wrong_inventory_is_told():
    with Hosts() as site:
        for line, complaint in (("Connector_9 connector", "expected APPLICATION tserver|connector DESTINATION NAMES"),
                                ("Connector_1 router conn1 a", "expected APPLICATION tserver|connector DESTINATION NAMES"),
                                ("TServer_1 tserver ts1 a", "TServer_1 is there twice")):
            good = site.inventory.read_text()
            site.inventory.write_text(good + line + "\n")
            status, text = site.hosts_do("status", check=False)
            assert status == 1 and complaint in text, text
            site.inventory.write_text(good)
        status, text = site.hosts_do("status", "Connector_7", check=False)
        assert status == 1 and "no line for Connector_7" in text, text


class Paired(Hosts):
    """With two T-Servers."""

    def environment(self):
        made = super().environment()
        first = made["applications"]["TServer_1"]
        first["options"]["ha"] = {"arbiter": "lock-file", "lock-file": str(self.folder / "pair.lock")}
        first.update(redundancy="hot-standby", backup="TServer_2")
        log = {**first["options"]["log"], "all": str(self.folder / "tserver2.log")}
        ports = {"tlib": {"port": 7010, "transport": "tls"}, "http": {**first["ports"]["http"], "port": 8081}, "ha-sync": {"port": 7015}}
        first["ports"]["ha-sync"] = {"port": 7005}
        tls = {"certificate": "certs/TServer_2.pem", "key": "certs/TServer_2.key", "ca": "certs/ca.pem"}
        made["applications"]["TServer_2"] = {**first, "backup": "TServer_1", "options": {**first["options"], "log": log}, "ports": ports, "tls": tls}
        return made

    def role(self, log, role, times):
        until(f"{log} to be {role}", lambda: self.log(log).count(f"role: {role}, ") >= times)


@test
def a_rolling_upgrade_loses_no_call():
    """MMC-86: T-Servers first, under a call that nobody notices it; each Connector's calls end by themselves before it is replaced."""
    with Paired(connectors=2, connector=PATIENT) as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        connid = routed(site, alice, site.tlib(dn("support"), dn("bob")))
        site.hosts_do("upgrade", "TServer_2", "TServer_1")
        site.role("tserver2", "primary", 1)
        assert "taken over: 1 calls" in site.log("tserver2"), "it had not caught up before the other one was stopped"
        after = site.tlib(dn("support"), dn("bob"), name="after", server=f"{site.server_address}:7010")
        upgrade = threading.Thread(target=lambda: results.append(site.hosts_do("upgrade", "Connector_1", "Connector_2", check=False)))
        results = []
        upgrade.start()
        until("Connector 1 to drain", lambda: "drains: takes no new calls" in site.log("connector1"))
        talk(2)
        equal([e["type"] for e in alice.events if e["type"] == "CALL_CLOSED"], [], "alice's call")
        assert not results, results
        alice.do("hangup")
        closed(alice, bob)
        equal(after.wait("EventReleased", ThisDN=dn("bob"))["ConnID"], connid, "the call's ConnID")
        upgrade.join(120 * SLOW)
        equal(results and results[0][0], 0, results)
        both_hear((alice, "B"), (bob, "A"), seconds=2)
        status, text = site.hosts_do("status")
        equal(status, 0, text)


if __name__ == "__main__":
    harness.main()
