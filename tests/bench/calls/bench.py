#!/usr/bin/env python3
"""Complete routed calls through a T-Server and a Connector, driven by SIPp and a routing client.

A caller's INVITE reaches a routing point, bench_router answers each EventRouteRequest with RequestRouteCall, the agent's
phone rings and answers, the call is held and released by the caller. Printed: calls per second, failures, retransmissions,
CPU-seconds per 1000 calls of each process (by the scheduler, over the whole run), latencies by kernel capture times, memory
per live call.

  bench.py --rate 50 --seconds 20                 one run
  bench.py --rate 50 --rate 200 --rate 500        several rates
  bench.py --live 1000                            memory: so many calls held at once
  bench.py --media 1200 --rate 60 --seconds 20    so many calls with RTP both ways (rtpload), CPU over --seconds
  bench.py --backup                               with a second T-Server that is told everything (see ../standby/cost.py)
Both programs run on --server-cpus, SIPp and the routing client on --load-cpus.
"""
import argparse, csv, os, pathlib, re, resource, shutil, signal, socket, struct, subprocess, tempfile, time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
TICK = os.sysconf("SC_CLK_TCK")


def free_port(kind=socket.SOCK_STREAM, address="127.0.0.1"):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind((address, 0))
        return s.getsockname()[1]


def environment(args, directory, ports):
    dns = "\n".join(f'      - {{number: "sip:a{i}@tandem.test", type: Extension, sip: {{password: "p{i}"}}}}'
                    for i in range(args.agents))

    def tserver(number):
        n = "" if number == 1 else number
        sync = f", ha-sync: {{port: {ports[f'sync{number}']}}}" if args.backup else ""
        return f"""
  TServer_{number}:
    type: tserver
    host: 127.0.0.1
    ports: {{tlib: {{port: {ports[f'tlib{n}']}, transport: {args.tlib_transport}}}{sync}}}
    switch: Main
    redundancy: {f"hot-standby, backup: TServer_{3 - number}" if args.backup else "none"}
    tls: {{certificate: certs/tserver1.pem, key: certs/tserver1.key, ca: certs/ca.pem}}
    options:
      TServer: {{link-1-name: connector1, router-timeout: 10}}
      connector1: {{hostname: 127.0.0.1, port: {ports['link']}, protocol: tls}}
      log: {{verbose: {args.log}, all: {directory}/tserver{n}.log}}
      ha: {{lock-file: {directory}/pair.lock}}""".replace(", backup:", "\n    backup:")
    return f"""
applications:{tserver(1)}{tserver(2) if args.backup else ""}
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
      startup: {{persistent-storage-path: {directory + "/calls" if args.store else '""'}}}
      log: {{verbose: {args.log}, all: {directory}/connector.log}}
switches:
  Main:
    dns:
      - {{number: "sip:support@tandem.test", type: Routing Point}}
{dns}
"""


class Process:
    def __init__(self, name, command, cpus, log):
        self.name = name
        self.log = open(log, "w")
        self.p = subprocess.Popen([str(c) for c in command], stdout=self.log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                  preexec_fn=lambda: os.sched_setaffinity(0, cpus))

    def cpu(self):
        """CPU-seconds of all its threads."""
        return sum(int((task / "schedstat").read_text().split()[0]) for task in pathlib.Path(f"/proc/{self.p.pid}/task").iterdir()) / 1e9

    def threads(self):
        """{thread id: (name, CPU-seconds)}"""
        found = {}
        for task in pathlib.Path(f"/proc/{self.p.pid}/task").iterdir():
            name, fields = (task / "stat").read_text().split("(", 1)[1].rsplit(")", 1)
            found[task.name] = (name, sum(map(int, fields.split()[11:13])) / TICK)
        return found

    def rss(self):
        with open(f"/proc/{self.p.pid}/status") as f:
            for line in f:
                if line.startswith("VmRSS"):
                    return int(line.split()[1])
        return 0

    def stop(self, sig=signal.SIGTERM):
        if self.p.poll() is None:
            self.p.send_signal(sig)
            try:
                self.p.wait(10)
            except subprocess.TimeoutExpired:
                self.p.kill()
                self.p.wait()
        self.log.close()


def sent(port):
    """Bytes that whoever listens on this port has sent, TLS and all, by the kernel's count."""
    shown = subprocess.run(["ss", "-tinH", "sport", "=", f":{port}"], capture_output=True, text=True, check=True).stdout
    return sum(int(n) for n in re.findall(r"bytes_sent:(\d+)", shown))


def written(process):
    """Bytes that it gave to files."""
    return int(re.search(r"^write_bytes: (\d+)", pathlib.Path(f"/proc/{process.p.pid}/io").read_text(), re.M)[1])


def wait_ready(log, needle, process, seconds=20):
    end = time.time() + seconds
    while time.time() < end:
        if process.p.poll() is not None:
            raise SystemExit(f"{process.name} ended: {pathlib.Path(log).read_text()[-2000:]}")
        if needle in pathlib.Path(log).read_text(errors="replace"):
            return
        time.sleep(0.05)
    raise SystemExit(f"{process.name} is not ready: {pathlib.Path(log).read_text()[-2000:]}")


def sipp_stats(path):
    with open(path) as f:
        rows = list(csv.reader(f, delimiter=";"))
    if len(rows) < 2:
        return {}
    return dict(zip(rows[0], rows[-1]))


def pcap_times(path, sip_port):
    """From a capture of lo: {caller number: [INVITE to us, INVITE from us, 200 to us, 200 from us]}, first of each."""
    calls = {}
    with open(path, "rb") as f:
        header = f.read(24)
        if len(header) < 24:
            return calls
        nano = struct.unpack("<I", header[:4])[0] == 0xA1B23C4D
        link = struct.unpack("<I", header[20:24])[0]
        skip = 14 if link == 1 else 16
        while True:
            head = f.read(16)
            if len(head) < 16:
                break
            sec, frac, length, _ = struct.unpack("<IIII", head)
            data = f.read(length)
            stamp = sec + frac / (1e9 if nano else 1e6)
            if len(data) < skip + 28 or data[skip] >> 4 != 4:
                continue
            ihl = (data[skip] & 15) * 4
            sport, dport = struct.unpack(">HH", data[skip + ihl:skip + ihl + 4])
            text = data[skip + ihl + 8:]
            inbound = dport == sip_port
            if text.startswith(b"INVITE "):
                slot = 0 if inbound else 1
            elif text.startswith(b"SIP/2.0 200") and b" INVITE\r\n" in text:
                slot = 2 if inbound else 3
            else:
                continue
            at = text.find(b"From:")
            end = text.find(b"@", at)
            start = text.rfind(b":c", at, end)
            if at < 0 or start < 0:
                continue
            number = text[start + 1:end].decode()
            calls.setdefault(number, [None] * 4)
            if calls[number][slot] is None:
                calls[number][slot] = stamp
    return calls


def percentiles(values):
    values = sorted(v for v in values if v is not None)
    if not values:
        return "-"
    pick = lambda q: values[min(len(values) - 1, int(q * len(values)))] * 1000
    return f"{pick(0.5):.2f} / {pick(0.9):.2f} / {pick(0.99):.2f} (n={len(values)})"


def run(args, rate):
    """What was measured: {name: CPU-seconds per 1000 calls}, and bytes per call under "sync", "link", "disk"."""
    directory = tempfile.mkdtemp(prefix="tandem-bench-")
    ports = {"tlib": free_port(), "link": free_port(), "sip": free_port(socket.SOCK_DGRAM),
             "caller": free_port(socket.SOCK_DGRAM), "agent": free_port(socket.SOCK_DGRAM)}
    ports |= {name: free_port() for name in ("tlib2", "sync1", "sync2")}
    os.makedirs(f"{directory}/calls")
    subprocess.run([ROOT / "deploy/certs", f"{directory}/certs", "tserver1=127.0.0.1", "connector1=127.0.0.1,tandem.test"], check=True)
    config = pathlib.Path(directory, "environment.yaml")
    config.write_text(environment(args, directory, ports))
    with open(f"{directory}/users.csv", "w") as f:
        f.write("SEQUENTIAL\n")
        for i in range(args.agents):
            f.write(f"a{i};[authentication username=a{i} password=p{i}];{ports['agent']}\n")
    server, load = set(args.server_cpus), set(args.load_cpus)
    bin_ = pathlib.Path(args.bin)
    live = []
    load_port = 43000  # where callers' RTP is expected; agents' is two above

    def start(name, command, cpus, ready=None):
        log = f"{directory}/{name}.out"
        p = Process(name, command, cpus, log)
        live.append(p)
        if ready:
            wait_ready(log, ready, p)
        return p

    try:
        connector = start("connector", [bin_ / "connector", "--config", config, "--app", "Connector_1"], server, "ready")
        tserver = start("tserver", [bin_ / "tserver", "--config", config, "--app", "TServer_1"], server, "ready")
        programs = [connector, tserver]
        if args.backup:
            wait_ready(f"{directory}/tserver.log", "role: primary", tserver)
            programs.append(start("backup", [bin_ / "tserver", "--config", config, "--app", "TServer_2"], server, "ready"))
            wait_ready(f"{directory}/tserver.log", "has caught up", tserver)
        register = start("register", ["sipp", f"127.0.0.1:{ports['sip']}", "-sf", HERE / "register.xml", "-inf", f"{directory}/users.csv",
                                      "-i", "127.0.0.1", "-m", args.agents, "-r", 200, "-nostdin"], load)
        if register.p.wait(120) != 0:
            raise SystemExit(f"registering failed: {pathlib.Path(directory, 'register.out').read_text()[-1500:]}")
        router = start("router", [bin_ / "bench_router", "--connect", f"127.0.0.1:{ports['tlib']}", "--routing-point", "sip:support@tandem.test",
                                  "--agents", f"sip:a{{0..{args.agents - 1}}}@tandem.test", "--csv", f"{directory}/router.csv"] +
                       (["--tls", "--ca", f"{directory}/certs/ca.pem", "--cert", f"{directory}/certs/tserver1.pem", "--key",
                         f"{directory}/certs/tserver1.key"] if args.tlib_transport == "tls" else []), load, "ready")
        agent = start("agent", ["sipp", "-sf", HERE / "agent.xml", "-i", "127.0.0.1", "-p", ports["agent"], "-d", args.ring, "-nostdin",
                                "-trace_stat", "-stf", f"{directory}/agent.csv", "-fd", 1, "-key", "rtp_port", load_port + 2, "-buff_size", 4194304], load)
        time.sleep(0.5)
        capture = None
        if args.capture:
            capture = start("capture", ["tcpdump", "-i", "lo", "-U", "-B", 65536, "--time-stamp-precision=nano", "-s", 700, "-w",
                                        f"{directory}/lo.pcap", f"udp port {ports['sip']}"], load, "listening on")
        held = args.live or args.media
        calls = held or int(rate * args.seconds)
        hold = 3_600_000 if held else int(args.hold * 1000)
        if args.media:
            rtp = start("rtpload", ["chrt", "-f", 10, ROOT / "build/tests/rtpload", "--listen", load_port, "--seconds", 0], load)
        idle = connector.rss() + tserver.rss()
        programs.append(router)
        before = {p.name: p.cpu() for p in programs}
        bytes_before = [sent(ports["sync1"]), sent(ports["link"]), written(connector)]
        threads_before = connector.threads()
        began = time.time()
        caller = start("caller", ["sipp", f"127.0.0.1:{ports['sip']}", "-sf", HERE / "caller.xml", "-s", "support", "-i", "127.0.0.1",
                                  "-p", ports["caller"], "-r", rate, "-m", calls, "-d", hold, "-l", max(calls, 1), "-nostdin",
                                  "-trace_stat", "-stf", f"{directory}/caller.csv", "-fd", 1, "-key", "rtp_port", load_port, "-buff_size", 4194304,
                                  "-recv_timeout", 30000 + (hold if held else 0)], load)
        if args.live:
            time.sleep(calls / rate + args.ring / 1000 + 5)
            total = connector.rss() + tserver.rss()
            print(f"live calls {calls}: idle {idle} KiB, now {total} KiB (tserver {tserver.rss()}, connector {connector.rss()}), "
                  f"{(total - idle) / calls:.1f} KiB a call")
            return
        if args.media:
            time.sleep(calls / rate + args.ring / 1000 + 4)
            start_cpu, start_time, start_threads = connector.cpu(), time.time(), connector.threads()
            time.sleep(args.seconds)
            used, span = connector.cpu() - start_cpu, time.time() - start_time
            relay = sum(t - start_threads[i][1] for i, (name, t) in connector.threads().items() if name == "media")
            print(f"calls with media {calls}: connector {used / span:.2f} cores, {used * 1000 / span / calls:.2f} CPU-ms a second a call "
                  f"(relay thread {relay * 1000 / span / calls:.2f})")
            rtp.stop(signal.SIGINT)
            print("  " + pathlib.Path(directory, "rtpload.out").read_text().strip().replace("\n", "\n  "))
            return
        caller.p.wait(args.seconds + args.hold + 90)
        took = time.time() - began
        time.sleep(1.0)
        after = {p.name: p.cpu() for p in programs}
        bytes_after = [sent(ports["sync1"]), sent(ports["link"]), written(connector)]
        threads = [(name, used - threads_before.get(task, ("", 0))[1]) for task, (name, used) in connector.threads().items()]
        agent.stop(signal.SIGUSR1)
        if capture:
            capture.stop()
        router.stop()
        stats = sipp_stats(f"{directory}/caller.csv")
        good, failed = int(stats.get("SuccessfulCall(C)", 0)), int(stats.get("FailedCall(C)", 0))
        agent_stats = sipp_stats(f"{directory}/agent.csv")
        resent = int(stats.get("Retransmissions(C)", 0)) + int(agent_stats.get("Retransmissions(C)", 0))
        cpu = {n: after[n] - before[n] for n in before}
        per = {n: cpu[n] * 1000 / max(good, 1) for n in cpu}
        print(f"rate {rate}/s: {good} calls in {took:.1f} s, failed {failed}, retransmissions {resent} ({100 * resent / max(1, 12 * calls):.2f} % of messages)")
        print(f"  CPU-s per 1000 calls: tserver {per['tserver']:.3f}, connector {per['connector']:.3f}, together "
              f"{per['tserver'] + per['connector']:.3f} (routing client {per['router']:.3f})")
        volume = {name: (b - a) / max(good, 1) for name, a, b in zip(("sync", "link", "disk"), bytes_before, bytes_after)}
        print(f"  bytes per call: link {volume['link']:.0f} from the Connector, disk {volume['disk']:.0f}" +
              (f", synchronisation {volume['sync']:.0f}; CPU-s per 1000 calls of the backup {per['backup']:.3f}" if args.backup else ""))
        print("  connector's threads: " + ", ".join(f"{name} {used * 1000 / max(good, 1):.3f}" for name, used in threads))
        if capture:
            wire = pcap_times(f"{directory}/lo.pcap", ports["sip"])
            rows = {}
            with open(f"{directory}/router.csv") as f:
                for row in csv.DictReader(f):
                    rows[row["ANI"].split(":")[-1].split("@")[0]] = row
            stamp = lambda row, key: float(row[key]) if row.get(key) else None
            to_request, to_agent, both, back, setup = [], [], [], [], []
            for number, (invite, agent_invite, ok_in, ok_out) in wire.items():
                row = rows.get(number)
                if row and invite and stamp(row, "RouteRequest"):
                    to_request.append(stamp(row, "RouteRequest") - invite)
                if row and agent_invite and stamp(row, "RouteCall"):
                    to_agent.append(agent_invite - stamp(row, "RouteCall"))
                if invite and agent_invite and ok_in and ok_out:
                    both.append(agent_invite - invite + ok_out - ok_in)
                    back.append(ok_out - ok_in)
                    setup.append(ok_out - invite)
            print("  ms, p50 / p90 / p99:")
            print(f"    INVITE -> EventRouteRequest         {percentiles(to_request)}")
            print(f"    RequestRouteCall -> agent's INVITE  {percentiles(to_agent)}")
            print(f"    agent's 200 -> caller's 200         {percentiles(back)}")
            print(f"    added to set-up, both ways          {percentiles(both)}")
            print(f"    caller's INVITE -> 200 (ring {args.ring} ms) {percentiles(setup)}")
        print(f"  peak memory: tserver {tserver.rss()} KiB, connector {connector.rss()} KiB", flush=True)
        return {**per, **volume, "calls": good, "failed": failed}
    finally:
        for p in reversed(live):
            p.stop()
        if args.keep:
            print("kept:", directory)
        else:
            shutil.rmtree(directory, ignore_errors=True)


def arguments(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=str(ROOT / "build/bin"))
    parser.add_argument("--rate", type=int, action="append", help="calls per second (default 50; may be repeated)")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--hold", type=float, default=5, help="seconds a call lasts")
    parser.add_argument("--ring", type=int, default=100, help="milliseconds an agent's phone rings")
    parser.add_argument("--agents", type=int, default=1000)
    parser.add_argument("--live", type=int, default=0, help="hold so many calls and print memory per call")
    parser.add_argument("--media", type=int, default=0, help="hold so many calls with RTP and print CPU per call")
    parser.add_argument("--tlib-transport", choices=["tcp", "tls"], default="tcp")
    parser.add_argument("--backup", action="store_true", help="a second T-Server is told everything")
    parser.add_argument("--no-store", dest="store", action="store_false", help="the Connector keeps no call data on disk")
    parser.add_argument("--log", default="standard")
    parser.add_argument("--no-capture", dest="capture", action="store_false")
    parser.add_argument("--server-cpus", type=int, nargs="+", default=[1])
    parser.add_argument("--load-cpus", type=int, nargs="+", default=[0])
    parser.add_argument("--keep", action="store_true", help="keep the working folder")
    return parser


def more_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)


def main():
    args = arguments(__doc__).parse_args()
    more_descriptors()
    for rate in args.rate or [50]:
        run(args, rate)


if __name__ == "__main__":
    main()
