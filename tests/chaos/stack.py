"""A whole installation on hosts of the laboratory: two T-Servers on ts1 and ts2, Connectors of one pool on sc1, sc2 ..., members of etcd on e1,
e2 ..., names by dnsmasq; phones, callers and clients are here.

    with Lab(*hosts_of(connectors=3, members=3)) as lab, Stack(lab, connectors=3, members=3) as site: ...
"""
import pathlib
import subprocess
import time

from harness import DOMAIN, ROOT, Program, Skipped, extension, need, routing_point, until
from pair import Pair

POOL = "pool.tandem.test"
PHONES = ("alice", "bob", "carol", "dave")
AGENTS = tuple(f"agent{number}" for number in range(1, 7))
HOLD = 1.0  # seconds a Connector may be away before another one takes its calls over


def hosts_of(connectors, members):
    return ["ts1", "ts2", *(f"sc{n + 1}" for n in range(connectors)), *(f"e{n + 1}" for n in range(members))]


def host_of(application):
    kind, number = application.split("_")
    return {"TServer": "ts", "Connector": "sc"}[kind] + number


class Stack(Pair):
    """Each application has a certificate of its own, certs/HOST.pem."""

    def __init__(self, lab, connectors=3, members=3, tserver=None, **more):
        need("etcd", "dnsmasq")
        super().__init__(addresses=[lab.address(f"sc{n + 1}") for n in range(connectors)],
                         wrap=lambda application, command: lab.wrap(host_of(application), command),
                         dns=[*(extension(user) for user in (*PHONES, *AGENTS)), routing_point("support")],
                         front_end={"domains": [DOMAIN, POOL]}, music="G",
                         tserver={"takeover-timeout": f"{HOLD:.0f} sec", **(tserver or {})}, **more)
        self.lab = lab
        self.server_address = lab.address("ts1")
        self.more_hosts = [lab.address("ts2")]
        self.members = [f"e{n + 1}" for n in range(members)]
        self.etcd = {}
        self.applications = ["TServer_1", "TServer_2", *(f"Connector_{n + 1}" for n in range(connectors))]
        self.starts = {}

    def environment(self):
        environment = super().environment()
        for name, application in environment["applications"].items():
            host = host_of(name)
            application["host"] = self.lab.address(host)
            application["tls"] = {"certificate": f"certs/{host}.pem", "key": f"certs/{host}.key", "ca": "certs/ca.pem"}
            application["ports"] = {**application["ports"], "http": {"port": 8080, "address": self.lab.address(host)}}
            for section, options in application["options"].items():
                if section.startswith("connector") and "hostname" in options:
                    options |= {"addp-timeout": 2, "addp-remote-timeout": 2, "reconnect-timeout-max": "1 sec"}
        for number in range(1, len(self.addresses) + 1):
            options = environment["applications"][f"Connector_{number}"]["options"]
            options["startup"] = {"persistent-storage-path": str(self.storage(number))}
        return environment

    def storage(self, number):
        return self.folder / f"storage{number}"

    def ha(self, number):
        return {"arbiter": "etcd", "endpoints": ",".join(f"http://{self.lab.address(member)}:2379" for member in self.members)}

    def write(self):
        super().write()
        self.certificates(*self.applications)

    def names(self, application):
        return ",".join([self.lab.address(host_of(application)), DOMAIN, POOL])

    def certificates(self, *applications):
        """Made anew."""
        for application in applications:
            (self.folder / f"certs/{host_of(application)}.pem").unlink(missing_ok=True)
        subprocess.run([ROOT / "deploy/certs", self.folder / "certs", *(f"{host_of(one)}={self.names(one)}" for one in applications)], check=True,
                       stdout=subprocess.DEVNULL)

    def short_certificate(self, application, seconds):
        """In the place of the one it has; ends so many seconds from now. Returns when, by the wall's clock."""
        certs, host = self.folder / "certs", host_of(application)
        names = ",".join(("IP:" if name[0].isdigit() else "DNS:") + name for name in self.names(application).split(","))
        ends = int(time.time() + seconds)
        (certs / "issued").write_text("")
        (certs / "ca.conf").write_text(f"[ca]\ndefault_ca=us\n[us]\ndatabase={certs}/issued\nnew_certs_dir={certs}\nrand_serial=yes\ncertificate={certs}/ca.pem\n"
                                       f"private_key={certs}/ca.key\ndefault_md=sha256\npolicy=any\nx509_extensions=more\n[any]\ncommonName=supplied\n"
                                       f"[more]\nsubjectAltName={names}\nextendedKeyUsage=serverAuth,clientAuth\nkeyUsage=digitalSignature\n")
        subprocess.run(["openssl", "req", "-new", "-key", certs / f"{host}.key", "-subj", f"/CN={self.lab.address(host)}", "-out", certs / "request"],
                       check=True, capture_output=True)
        subprocess.run(["openssl", "ca", "-batch", "-notext", "-config", certs / "ca.conf", "-in", certs / "request", "-out", certs / f"{host}.pem",
                        "-startdate", time.strftime("%y%m%d%H%M%SZ", time.gmtime(time.time() - 3600)), "-enddate",
                        time.strftime("%y%m%d%H%M%SZ", time.gmtime(ends))], check=True, capture_output=True)
        return ends

    # --- programs ---

    def __enter__(self):
        self.serve_names()
        return super().__enter__()

    def serve_names(self):
        lines = ["no-resolv", "no-hosts", "bind-interfaces", "listen-address=127.0.0.1", "local-ttl=0", "local=/test/", "user=root", "log-facility=-",
                 f"naptr-record={POOL},10,10,s,SIP+D2U,,_sip._udp.{POOL}"]
        for number, address in enumerate(self.addresses, 1):
            lines += [f"host-record=sc{number}.{POOL},{address}", f"srv-host=_sip._udp.{POOL},sc{number}.{POOL},5060,10,10", f"host-record={POOL},{address}"]
        (self.folder / "dnsmasq.conf").write_text("\n".join(lines) + "\n")
        dns = Program("dnsmasq", ["dnsmasq", "--no-daemon", "-C", self.folder / "dnsmasq.conf"], self.folder)
        self.stack.callback(dns.stop)
        dns.wait_text("started")

    def start_member(self, member):
        """Starts a member of etcd, with the data that it had."""
        peers = ",".join(f"{one}=http://{self.lab.address(one)}:2380" for one in self.members)
        client, peer = (f"http://{self.lab.address(member)}:{port}" for port in (2379, 2380))
        self.starts[member] = self.starts.get(member, 0) + 1
        command = ["etcd", "--name", member, "--data-dir", self.folder / f"etcd-{member}", "--listen-client-urls", client, "--advertise-client-urls", client,
                   "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", peers]
        self.etcd[member] = Program(f"etcd-{member}.{self.starts[member]}", self.lab.wrap(member, command), self.folder)
        self.stack.callback(self.etcd[member].stop)

    def start_tserver(self):
        for member in self.members:
            self.start_member(member)
        for member in self.members:
            self.etcd[member].wait_text("ready to serve client requests", 30)
        super().start_tserver()
        self.caught_up("TServer_2")

    # --- what is where ---

    def host(self):
        self.hosts += 1
        return self.lab.add_address("here", 80 + self.hosts)

    def client(self, number, *registered, **more):
        address = {1: f"{self.lab.address('ts1')}:7000", 2: f"{self.lab.address('ts2')}:7010"}[number]
        return self.tlib(*registered, server=address, **{"name": f"client{number}.{time.monotonic():.0f}", **more})

    @property
    def both(self):
        return f"{self.lab.address('ts1')}:7000,{self.lab.address('ts2')}:7010"

    def primary(self):
        """The number of the T-Server that acts; 0: none does."""
        return next((int(name[-1]) for name, role in self.roles().items() if role == "primary"), 0)

    def caught_up(self, name):
        until(f"{name} to have caught up", lambda: self.roles().get(name) == "backup", 30)

    def log_of(self, number):
        return self.log("tserver" if number == 1 else "tserver2")

    def leader(self):
        """The member of etcd that leads."""
        for member in self.members:
            done = subprocess.run(["etcdctl", f"--endpoints=http://{self.lab.address(member)}:2379", "--command-timeout=2s", "endpoint", "status", "-w",
                                   "fields"], capture_output=True, text=True, env={"ETCDCTL_API": "3", "PATH": "/usr/bin:/bin"}, check=False)
            fields = dict(line.split(" : ", 1) for line in done.stdout.splitlines() if " : " in line)
            if fields and fields['"MemberID"'] == fields['"Leader"']:
                return member
        return None

    def small_storage(self, number, size):
        """The Connector's storage is a file system of its own, of so many bytes; before the start."""
        folder = self.storage(number)
        folder.mkdir()
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tandem", folder], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise Skipped("file systems can't be mounted: " + made.stderr.strip())
        self.stack.callback(subprocess.run, ["umount", "-l", folder], check=False)

    def fill(self, number):
        """To the last byte."""
        with open(self.storage(number) / "filler", "wb", buffering=0) as file:
            size = 1 << 16
            while size:
                try:
                    file.write(bytes(size))
                except OSError:
                    size //= 2

    def free(self, number):
        pathlib.Path(self.storage(number) / "filler").unlink()


class Links:
    """Waits until both T-Servers (or one of them) are linked with a Connector once more than when this was made."""

    def __init__(self, site, number, only=None):
        self.site, self.number = site, number
        self.before = {one: self.count(one) for one in ((only,) if only else (1, 2))}

    def count(self, server):
        return self.site.log_of(server).count(f"link connector{self.number}: connected to")

    def wait(self):
        for server, before in self.before.items():
            until(f"TServer_{server} to be linked with Connector_{self.number}", lambda one=server, had=before: self.count(one) > had, 30)
