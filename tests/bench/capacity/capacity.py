#!/usr/bin/env python3
"""The documented capacity (MMC-376, MMC-377, MMC-379) on one T-Server and one Connector: 2,000 logged-in agents, each with a T-Library session of its
own, 1,200 calls up at once with SIPp phones, 100 user-data updates per call.

  capacity.py                                  the documented figures
  capacity.py --agents 200 --calls 100 --updates 10 --interval 200

Prints how long the steps take, the percentiles of the answers to updates, CPU and memory of both programs. Ends with 1 if a
call, an update or a release is missing.
"""
import argparse, os, pathlib, resource, shutil, subprocess, sys, tempfile, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "calls"))
import bench
import socket


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=str(bench.ROOT / "build/bin"))
    parser.add_argument("--agents", type=int, default=2000)
    parser.add_argument("--calls", type=int, default=1200)
    parser.add_argument("--updates", type=int, default=100)
    parser.add_argument("--interval", type=int, default=1000, help="milliseconds from one update of a call to the next")
    parser.add_argument("--rate", type=int, default=20, help="calls begun a second")
    parser.add_argument("--ring", type=int, default=100)
    parser.add_argument("--tlib-transport", choices=["tcp", "tls"], default="tcp")
    parser.add_argument("--log", default="standard")
    parser.add_argument("--server-cpus", type=int, nargs="+", default=[1])
    parser.add_argument("--load-cpus", type=int, nargs="+", default=[0])
    parser.add_argument("--keep", action="store_true")
    parser.set_defaults(backup=False, store=True)
    args = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    directory = tempfile.mkdtemp(prefix="tandem-capacity-")
    udp = socket.SOCK_DGRAM
    ports = {"tlib": bench.free_port(), "link": bench.free_port(), "sip": bench.free_port(udp),
             "caller": bench.free_port(udp), "agent": bench.free_port(udp)}
    subprocess.run([bench.ROOT / "deploy/certs", f"{directory}/certs", "tserver1=127.0.0.1", "connector1=127.0.0.1,tandem.test"],
                   check=True)
    config = pathlib.Path(directory, "environment.yaml")
    text = bench.environment(args, directory, ports)
    config.write_text(text.replace("router-timeout: 10}", "router-timeout: 10, wrap-up-time: 5}", 1)
                      .replace("      connector1: {hostname", f"      limits: {{clients: {args.agents + 100}}}\n      connector1: {{hostname", 1)
                      # the phones send no sound
                      .replace("      limits: {calls-per-second-per-source: 0}", "      limits: {calls-per-second-per-source: 0}\n      media: {silence-timeout: 0}", 1))
    with open(f"{directory}/users.csv", "w") as f:
        f.write("SEQUENTIAL\n")
        for i in range(args.agents):
            f.write(f"a{i};[authentication username=a{i} password=p{i}];{ports['agent']}\n")
    server, load, live, code = set(args.server_cpus), set(args.load_cpus), [], 1
    bin_ = pathlib.Path(args.bin)

    def start(name, command, cpus, ready=None, seconds=60):
        log = f"{directory}/{name}.out"
        process = bench.Process(name, command, cpus, log)
        live.append(process)
        if ready:
            bench.wait_ready(log, ready, process, seconds)
        return process

    try:
        connector = start("connector", [bin_ / "connector", "--config", config, "--app", "Connector_1"], server, "ready")
        tserver = start("tserver", [bin_ / "tserver", "--config", config, "--app", "TServer_1"], server, "ready")
        register = start("register", ["sipp", f"127.0.0.1:{ports['sip']}", "-sf", bench.HERE / "register.xml", "-inf",
                                      f"{directory}/users.csv", "-i", "127.0.0.1", "-m", args.agents, "-r", 200, "-nostdin"], load)
        if register.p.wait(300) != 0:
            raise SystemExit(f"registering failed: {pathlib.Path(directory, 'register.out').read_text()[-1500:]}")
        start("agent", ["sipp", "-sf", bench.HERE / "agent.xml", "-i", "127.0.0.1", "-p", ports["agent"], "-d", args.ring, "-nostdin",
                        "-key", "rtp_port", 43002, "-buff_size", 4194304], load)
        tls = ["--tls", "--ca", f"{directory}/certs/ca.pem", "--cert", f"{directory}/certs/tserver1.pem", "--key",
               f"{directory}/certs/tserver1.key"] if args.tlib_transport == "tls" else []
        desks = start("desks", [bin_ / "bench_desks", "--connect", f"127.0.0.1:{ports['tlib']}", "--routing-point",
                                "sip:support@tandem.test", "--agents", args.agents, "--calls", args.calls, "--updates", args.updates,
                                "--interval", args.interval] + tls, load, "ready", 300)
        idle = {p.name: p.rss() for p in (tserver, connector)}
        before = {p.name: p.cpu() for p in (tserver, connector)}
        began = time.time()
        start("caller", ["sipp", f"127.0.0.1:{ports['sip']}", "-sf", bench.HERE / "caller.xml", "-s", "support", "-i", "127.0.0.1", "-p",
                         ports["caller"], "-r", args.rate, "-m", args.calls, "-d", 3_600_000, "-l", args.calls, "-nostdin", "-key",
                         "rtp_port", 43000, "-buff_size", 4194304, "-recv_timeout", 3_600_000], load)
        limit = args.calls / args.rate + args.updates * args.interval / 1000 * 3 + 120
        peak = {p.name: p.rss() for p in (tserver, connector)}
        while desks.p.poll() is None and time.time() - began < limit:
            time.sleep(1)
            peak = {p.name: max(peak[p.name], p.rss()) for p in (tserver, connector)}
        took = time.time() - began
        code = desks.p.poll()
        code = 1 if code is None else code
        if desks.p.poll() is None:
            desks.stop()
        print(pathlib.Path(directory, "desks.out").read_text().strip())
        for p in (tserver, connector):
            used = p.cpu() - before[p.name]
            print(f"{p.name}: {used:.1f} CPU-s in {took:.0f} s ({100 * used / took:.0f} % of a core), idle {idle[p.name]} KiB, "
                  f"peak {peak[p.name]} KiB")
    finally:
        for p in reversed(live):
            p.stop()
        if args.keep:
            print("kept:", directory)
        else:
            shutil.rmtree(directory, ignore_errors=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
