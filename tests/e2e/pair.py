"""A hot standby pair of T-Servers, with the lock file or etcd as arbiter."""
import socket
import subprocess
import threading

from calls import until
from harness import BIN, Program, Site, dn, need
from peers import tones


class Pair(Site):
    """TServer_1, primary at first, and TServer_2."""

    def ha(self, number):
        """Section ha of one of them."""
        return {"arbiter": "lock-file", "lock-file": str(self.folder / "pair.lock")}

    def environment(self):
        environment = super().environment()
        applications = environment["applications"]
        first = applications["TServer_1"]
        first["options"]["ha"] = self.ha(1)
        first.update(redundancy="hot-standby", backup="TServer_2")
        first["ports"]["ha-sync"] = {"port": 7005}
        log = {"verbose": "debug", "all": str(self.folder / "tserver2.log")}
        applications["TServer_2"] = {**first, "backup": "TServer_1", "options": {**first["options"], "log": log, "ha": self.ha(2)},
                                     "ports": {"tlib": {"port": 7010, "transport": "tls"}, "ha-sync": {"port": 7015}}}
        return environment

    def start_tserver(self):
        self.start("TServer_1", "tserver")
        self.role("tserver", "primary")
        self.start("TServer_2", "tserver")
        until("TServer_2 to be linked", lambda: "link connector1: connected" in self.log("tserver2"), 30)
        until("TServer_2 to have caught up", lambda: "caught up with the primary" in self.log("tserver2"), 30)

    def role(self, log, role, times=1, timeout=20):
        until(f"{log} to be {role}", lambda: self.log(log).count(f"role: {role}, ") >= times, timeout, 0.005)

    def client(self, number, *registered, **more):
        port = {1: 7000, 2: 7010}[number]
        return self.tlib(*registered, server=f"{self.server_address}:{port}", **{"name": f"client{number}", **more})

    def ctl(self, *arguments):
        done = subprocess.run([BIN / "tandemctl", "--config", self.file, *arguments], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def roles(self):
        lines = [line.split() for line in self.ctl("status")[1].splitlines()]
        return {words[0]: words[2] for words in lines if len(words) > 2 and words[0].startswith("TServer_")}


def caught_up(site):
    def there():
        lines = [line.split() for line in site.ctl("status")[1].splitlines()[1:]]
        return len(lines) == 2 and all(line[4].startswith("caught-up:") for line in lines)
    until("the backup to have caught up", there, 20)


class Door:
    """A TCP port before another one. Shut, it keeps connections and passes nothing on, as a network does that loses all packets."""

    def __init__(self, address, port, to):
        self.to = to
        self.open = threading.Event()
        self.open.set()
        self.listener = socket.create_server((address, port))
        self.sockets = [self.listener]
        self.ended = False
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while not self.ended:
            try:
                inside, _ = self.listener.accept()
                self.open.wait()
                outside = socket.create_connection(self.to, 5)
                outside.settimeout(None)
            except OSError:
                if self.ended:
                    return
                inside.close()
                continue
            self.sockets += [inside, outside]
            for one, other in ((inside, outside), (outside, inside)):
                threading.Thread(target=self.carry, args=(one, other), daemon=True).start()

    def carry(self, one, other):
        try:
            while data := one.recv(65536):
                self.open.wait()
                other.sendall(data)
        except OSError:
            pass
        for side in (one, other):
            try:
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def shut(self):
        self.open.clear()

    def unlock(self):
        self.open.set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ended = True
        self.open.set()
        for one in self.sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()


class EtcdPair(Pair):
    """Each T-Server reaches etcd by a door of its own."""

    def __init__(self, *arguments, tls=False, **more):
        super().__init__(*arguments, **more)
        need("etcd")
        self.tls = tls
        self.doors = {}
        self.etcds = 0
        self.etcd_address = self.server_address

    def ha(self, number):
        return {"arbiter": "etcd", "endpoints": f"{'https' if self.tls else 'http'}://{self.server_address}:{23800 + number}"}

    def start_etcd(self):
        scheme = "https" if self.tls else "http"
        client, peer = f"{scheme}://{self.etcd_address}:2379", f"http://{self.etcd_address}:2380"
        certs = self.folder / "certs"
        tls = ["--cert-file", certs / "connector.pem", "--key-file", certs / "connector.key", "--trusted-ca-file", certs / "ca.pem",
               "--client-cert-auth"] if self.tls else []
        self.etcds += 1
        self.etcd = Program(f"etcd.{self.etcds}", self.wrap_etcd(["etcd", "--data-dir", self.folder / "etcd", "--listen-client-urls", client,
                                                          "--advertise-client-urls", client, "--listen-peer-urls", peer,
                                                          "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}", *tls]),
                            self.folder)
        self.stack.callback(self.etcd.stop)
        self.etcd.wait_text("ready to serve client requests")

    def start_tserver(self):
        self.start_etcd()
        self.make_doors()
        super().start_tserver()

    def wrap_etcd(self, command):
        return command

    def make_doors(self):
        for number in (1, 2):
            self.doors[number] = self.use(Door(self.server_address, 23800 + number, (self.etcd_address, 2379)))


def all_three(site, number):
    return site.client(number, dn("support"), dn("alice"), dn("bob"))


def no_gap(*phones_and_parties):
    """Every tenth of a second from the first that was heard on, but for the very end."""
    for phone, party in phones_and_parties:
        recording = phone.recordings()[-1]
        share = tones.heard(recording, 1.0, tones.length(recording) - 0.5)[party]
        assert share >= 0.98, f"{phone.user} heard {party} in {share:.0%} of the time"
