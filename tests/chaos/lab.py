"""Hosts as network namespaces on one bridge, which is in a namespace of its own: nothing of the machine's own network is touched.

    with Lab("ts1", "ts2") as lab:
        lab.wrap("ts1", command)        # a command line that runs there
        lab.lose("ts1", "ts2")          # what ts1 sends to ts2 is lost, and nobody is told
        lab.unplug("ts1")               # both ways, to and from all; the host still sees carrier
        lab.impair("ts1", delay=40, jitter=20, loss=3)  # all it sends and gets is late, some is lost
        lab.heal()

The caller itself is the host "here": run it by `Lab.enter(file)`. Needs root and iproute2.
"""
import os
import pathlib
import subprocess
import sys

from harness import Skipped, need

HERE = pathlib.Path(__file__).resolve().parent
NOBODY = "02:00:00:00:00:01"  # an Ethernet address that nobody has


def ip(*arguments, check=True):
    return subprocess.run(["ip", *map(str, arguments)], capture_output=True, text=True, check=check)


class Lab:
    network = "10.77.0"

    def __init__(self, *hosts):
        self.name = os.environ["TANDEM_LAB"]
        self.hosts = {"here": 10, **{host: 11 + i for i, host in enumerate(hosts)}}
        self.addresses = {host: [self.address(host)] for host in self.hosts}
        self.lost = []
        self.unplugged = []
        self.impaired = {}

    @staticmethod
    def enter(file, arguments):
        """Runs `file` again as the host "here"; returns its exit status, or None if we are there already."""
        if os.environ.get("TANDEM_LAB"):
            return None
        need("ip")
        name = f"tandem-lab-{os.getpid()}"
        made = ip("netns", "add", f"{name}-here", check=False)
        if made.returncode != 0:
            raise Skipped("network namespaces are not permitted: " + made.stderr.strip())
        etc = pathlib.Path("/etc/netns") / f"{name}-here"
        try:
            # Nobody answers there, unless the test serves names, so that looking up a name fails at once.
            etc.mkdir(parents=True)
            (etc / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
            (etc / "hosts").write_text(f"127.0.0.1 localhost {os.uname().nodename}\n")
            return subprocess.run(["ip", "netns", "exec", f"{name}-here", sys.executable, file, *arguments],
                                  env={**os.environ, "TANDEM_LAB": name}, check=False).returncode
        finally:
            for space in ip("netns", "list").stdout.split():
                if space.startswith(name + "-"):
                    ip("netns", "del", space, check=False)
            for one in etc.glob("*"):
                one.unlink()
            etc.rmdir()

    @staticmethod
    def main(file):
        """The whole of a test file's end: runs its tests as the host "here"."""
        import harness
        try:
            status = Lab.enter(file, sys.argv[1:])
        except Skipped as why:
            print(f"SKIPPED: {why}")
            status = 77
        if status is not None:
            sys.exit(status)
        harness.main()

    def space(self, host):
        return f"{self.name}-{host}"

    def address(self, host):
        return f"{self.network}.{self.hosts[host]}"

    def wrap(self, host, command):
        return ["ip", "netns", "exec", self.space(host), *command]

    def port(self, host):
        return f"port{self.hosts[host]}"

    def __enter__(self):
        switch = self.space("switch")
        for space in ip("netns", "list").stdout.split():  # of a test before this one
            if space.startswith(self.name + "-") and space != self.space("here"):
                ip("netns", "del", space)
        ip("netns", "add", switch)
        ip("-n", switch, "link", "add", "br0", "type", "bridge")
        ip("-n", switch, "link", "set", "br0", "up")
        for host, number in self.hosts.items():
            space = self.space(host)
            if host != "here":
                ip("netns", "add", space)
            ip("link", "add", f"port{number}", "netns", switch, "type", "veth", "peer", "name", "eth0", "netns", space)
            ip("-n", switch, "link", "set", f"port{number}", "master", "br0", "up")
            ip("-n", space, "link", "set", "lo", "up")
            ip("-n", space, "address", "add", f"{self.network}.{number}/24", "dev", "eth0")
            ip("-n", space, "link", "set", "eth0", "up")
        return self

    def __exit__(self, *_):
        self.heal()  # namespaces go with enter(), and what is in them with their processes

    def add_address(self, host, number):
        address = f"{self.network}.{number}"
        ip("-n", self.space(host), "address", "add", f"{address}/24", "dev", "eth0")
        self.addresses[host].append(address)
        return address

    def lose(self, sender, receiver):
        for address in self.addresses[receiver]:
            ip("-n", self.space(sender), "neighbour", "replace", address, "lladdr", NOBODY, "nud", "permanent", "dev", "eth0")
            self.lost.append((sender, address))

    def unplug(self, host):
        ip("-n", self.space("switch"), "link", "set", self.port(host), "nomaster")
        self.unplugged.append(host)

    def impair(self, host, delay=0.0, jitter=0.0, loss=0.0):
        """Milliseconds and percent, each way. The host's port is taken from the bridge, and a process carries its frames there and back."""
        switch, port = self.space("switch"), self.port(host)
        far, near = f"far{self.hosts[host]}", f"near{self.hosts[host]}"
        ip("-n", switch, "link", "add", far, "type", "veth", "peer", "name", near)
        ip("-n", switch, "link", "set", far, "master", "br0", "up")
        ip("-n", switch, "link", "set", near, "up")
        command = self.wrap("switch", [sys.executable, HERE / "impair.py", port, near, str(delay), str(jitter), str(loss)])
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        if not process.stdout.readline():
            process.wait()
            raise Skipped("frames can't be carried by hand here")
        ip("-n", switch, "link", "set", port, "nomaster")
        self.impaired[host] = process

    def heal(self):
        for sender, address in self.lost:
            ip("-n", self.space(sender), "neighbour", "del", address, "dev", "eth0")
        for host in [*self.unplugged, *self.impaired]:
            ip("-n", self.space("switch"), "link", "set", self.port(host), "master", "br0")
        for host, process in self.impaired.items():
            process.kill()
            process.wait()
            ip("-n", self.space("switch"), "link", "del", f"far{self.hosts[host]}")
        self.lost, self.unplugged, self.impaired = [], [], {}
