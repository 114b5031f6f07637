#!/usr/bin/env python3
"""Time from kill -9 of the primary T-Server to a new primary that has taken up all calls, by arbiter and number of live calls.

Calls are routed ones, set up by SIPp and held. What is measured: kill -9 to EventLinkConnected at a client of the other T-Server, which comes
when the Connector's snapshot is taken up; the arbiter's part is until "role: primary" in its log. The killed one then returns as backup.

  takeover.py                                   lock file, then etcd: 0, 1000, 5000 calls
  takeover.py --arbiter etcd --calls 0 --calls 500 --times 5
Programs of ours run on --server-cpus, all else on --load-cpus.
"""
import argparse
import pathlib
import socket
import subprocess
import threading
import time

from standby_site import CALLS, Site, arguments, bench

AGENTS = 1000


def environment(arbiter, folder, ports):
    dns = "\n".join(f'      - {{number: "sip:a{i}@tandem.test", type: Extension, sip: {{password: "p{i}"}}}}' for i in range(AGENTS))
    ha = f"{{arbiter: lock-file, lock-file: {folder}/pair.lock}}" if arbiter == "lock-file" else \
        f'{{arbiter: etcd, endpoints: "http://127.0.0.1:{ports["etcd"]}"}}'

    def tserver(number):
        return f"""
  TServer_{number}:
    type: tserver
    host: 127.0.0.1
    ports: {{tlib: {{port: {ports[f'tlib{number}']}, transport: tcp}}, ha-sync: {{port: {ports[f'sync{number}']}}}}}
    switch: Main
    redundancy: hot-standby
    backup: TServer_{3 - number}
    tls: {{certificate: certs/tserver1.pem, key: certs/tserver1.key, ca: certs/ca.pem}}
    options:
      TServer: {{link-1-name: connector1, router-timeout: 10}}
      connector1: {{hostname: 127.0.0.1, port: {ports['link']}, protocol: tls}}
      log: {{verbose: standard, all: {folder}/tserver{number}.log}}
      ha: {ha}"""
    return f"""
applications:{tserver(1)}{tserver(2)}
  Connector_1:
    type: connector
    host: 127.0.0.1
    ports:
      link: {{port: {ports['link']}}}
      sip: [{{port: {ports['sip']}, transport: udp}}, {{port: {ports['sip']}, transport: tcp}}]
      rtp: {{range: 10000-31999}}
    switch: Main
    tls: {{certificate: certs/connector1.pem, key: certs/connector1.key, ca: certs/ca.pem}}
    options:
      front-end: {{mode: embedded, domains: [tandem.test]}}
      limits: {{calls-per-second-per-source: 0}}
      media: {{silence-timeout: 0, rtcp-interval: 0}}
      log: {{verbose: standard, all: {folder}/connector.log}}
switches:
  Main:
    dns:
      - {{number: "sip:support@tandem.test", type: Routing Point}}
{dns}
"""


def cpu(process):
    """CPU-seconds of all its threads."""
    total = 0
    for task in pathlib.Path(f"/proc/{process.p.pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


class Client:
    """tlib, with the time at which each event came."""

    def __init__(self, program, port, cpus):
        self.process = subprocess.Popen(["taskset", "-c", ",".join(map(str, cpus)), program, "--connect", f"127.0.0.1:{port}", "--register",
                                         "sip:support@tandem.test"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.lines = []
        self.changed = threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append((time.monotonic(), line))
                self.changed.notify_all()

    def when(self, needle, since=0.0, timeout=60):
        def found():
            return next((at for at, line in self.lines if needle in line and at >= since), None)
        with self.changed:
            if not self.changed.wait_for(lambda: found() is not None, timeout):
                raise SystemExit(f"no {needle}")
            return found()

    def stop(self):
        self.process.kill()
        self.process.wait()


class Stack(Site):
    def __init__(self, args, arbiter):
        self.arbiter = arbiter
        ports = {name: bench.free_port() for name in ("tlib1", "tlib2", "sync1", "sync2", "link", "etcd", "peer")}
        ports |= {name: bench.free_port(socket.SOCK_DGRAM) for name in ("sip", "agent")}
        self.calls = 0
        super().__init__(args, ports, lambda folder: environment(arbiter, folder, ports), "127.0.0.1,tandem.test")

    def log_count(self, number, needle):
        path = self.folder / f"tserver{number}.log"
        return path.read_text(errors="replace").count(needle) if path.exists() else 0

    def wait_for(self, condition, what):
        if not self.until(condition, what):
            raise SystemExit(1)

    def up(self):
        if self.arbiter == "etcd":
            client, peer = (f"http://127.0.0.1:{self.ports[name]}" for name in ("etcd", "peer"))
            self.start("etcd", ["etcd", "--data-dir", self.folder / "etcd", "--listen-client-urls", client, "--advertise-client-urls", client,
                                "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"],
                       ready="ready to serve client requests")
        self.connector = self.program("Connector_1")
        self.servers = {1: self.program("TServer_1")}
        self.wait_for(lambda: self.log_count(1, "role: primary"), "the first primary")
        self.servers[2] = self.program("TServer_2")
        self.wait_for(lambda: self.log_count(2, "link connector1: connected"), "the backup's link")
        self.register(AGENTS, self.ports["agent"], 200)
        self.start("agent", ["sipp", "-sf", CALLS / "agent.xml", "-i", "127.0.0.1", "-p", self.ports["agent"], "-d", 100, "-nostdin", "-key", "rtp_port",
                             43002, "-buff_size", 4194304])
        self.primary = 1

    def raise_to(self, calls):
        """So many live calls in all."""
        more = calls - self.calls
        if more <= 0:
            return
        router = self.start("router", [pathlib.Path(self.args.bin) / "bench_router", "--connect", f"127.0.0.1:{self.ports[f'tlib{self.primary}']}",
                                       "--routing-point", "sip:support@tandem.test", "--agents", f"sip:a{{0..{AGENTS - 1}}}@tandem.test", "--csv",
                                       self.folder / "router.csv"], ready="ready")
        self.start("caller", ["sipp", f"127.0.0.1:{self.ports['sip']}", "-sf", CALLS / "caller.xml", "-s", "support", "-i", "127.0.0.1", "-p",
                              bench.free_port(socket.SOCK_DGRAM), "-r", self.args.rate, "-m", more, "-d", 3_600_000, "-l", more, "-nostdin", "-key",
                              "rtp_port", 43000, "-buff_size", 4194304, "-recv_timeout", 3_700_000])
        time.sleep(more / self.args.rate + 3)
        router.stop()
        self.calls = calls

    def take_over(self):
        """(until the role was taken, until it works, calls the new primary knows, CPU of it and of the Connector), seconds."""
        old, new = self.primary, 3 - self.primary
        client = Client(pathlib.Path(self.args.bin) / "tlib", self.ports[f"tlib{new}"], self.args.load_cpus)
        client.when("EventRegistered")
        roles = self.log_count(new, "role: primary, ")
        time.sleep(0.3)
        used = [cpu(self.servers[new]), cpu(self.connector)]
        killed = time.monotonic()
        self.servers[old].p.kill()
        self.wait_for(lambda: self.log_count(new, "role: primary, ") > roles, "a new primary")
        taken = time.monotonic() - killed
        works = client.when("EventLinkConnected", since=killed) - killed
        used = [cpu(self.servers[new]) - used[0], cpu(self.connector) - used[1]]
        client.stop()
        calls = self.calls_of(f"TServer_{new}")
        self.servers[old].p.wait()
        links = self.log_count(old, "link connector1: connected")
        self.servers[old] = self.program(f"TServer_{old}")
        self.wait_for(lambda: self.log_count(old, "link connector1: connected") > links, "the returned one's link")
        self.primary = new
        return taken, works, calls, used


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments(parser)
    parser.add_argument("--arbiter", action="append", choices=["lock-file", "etcd"])
    parser.add_argument("--calls", type=int, action="append", help="live calls, rising (default 0, 1000, 5000)")
    parser.add_argument("--times", type=int, default=3, help="takeovers at each number")
    parser.add_argument("--rate", type=int, default=200, help="calls set up a second")
    args = parser.parse_args()
    bench.more_descriptors()
    for arbiter in args.arbiter or ["lock-file", "etcd"]:
        stack = Stack(args, arbiter)
        try:
            stack.up()
            for calls in args.calls or [0, 1000, 5000]:
                stack.raise_to(calls)
                for _ in range(args.times):
                    taken, works, known, used = stack.take_over()
                    print(f"{arbiter}, {calls} calls: role taken after {taken * 1000:.0f} ms, works after {works * 1000:.0f} ms, {known} calls taken up, CPU of the new "
                          f"primary {used[0] * 1000:.0f} ms, of the Connector {used[1] * 1000:.0f} ms",
                          flush=True)
        finally:
            stack.down()


if __name__ == "__main__":
    main()
