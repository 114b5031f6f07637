"""What the benchmarks of a standby share: a folder with certificates and an environment, the programs that run, pinned to CPUs."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
CALLS = HERE.parent / "calls"
sys.path.insert(0, str(CALLS))
import bench  # noqa: E402


class Site:
    def __init__(self, args, ports, environment, hosts):
        """`environment(folder)`: the configuration's text; `hosts`: which names the Connectors' certificate has."""
        self.args, self.ports = args, ports
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tandem-bench-"))
        self.live, self.started = [], 0
        subprocess.run([bench.ROOT / "deploy/certs", self.folder / "certs", "tserver1=127.0.0.1", f"connector1={hosts}"], check=True,
                       stdout=subprocess.DEVNULL)
        self.config = self.folder / "environment.yaml"
        self.config.write_text(environment(self.folder))

    def start(self, name, command, ours=False, ready=None):
        self.started += 1
        log = self.folder / f"{name}.{self.started}.out"
        process = bench.Process(name, command, set(self.args.server_cpus if ours else self.args.load_cpus), log)
        self.live.append(process)
        if ready:
            bench.wait_ready(log, ready, process, 60)
        return process

    def program(self, application):
        name = "connector" if application.startswith("C") else "tserver"
        return self.start(application, [pathlib.Path(self.args.bin) / name, "--config", self.config, "--app", application], True, "ready")

    def register(self, agents, port, rate):
        """So many phones a0, a1 ..., all at one port; waits until they are."""
        with open(self.folder / "users.csv", "w") as f:
            f.write("SEQUENTIAL\n")
            for i in range(agents):
                f.write(f"a{i};[authentication username=a{i} password=p{i}];{port}\n")
        sipp = self.start("register", ["sipp", f"127.0.0.1:{self.ports['sip']}", "-sf", CALLS / "register.xml", "-inf", self.folder / "users.csv", "-i",
                                       "127.0.0.1", "-m", agents, "-r", rate, "-nostdin"])
        sipp.p.wait(60 + agents / rate)

    def calls_of(self, application):
        """How many calls it says it knows; -1: it can't be asked."""
        done = subprocess.run([pathlib.Path(self.args.bin) / "tandemctl", "--config", self.config, "--app", application, "status"], capture_output=True,
                              text=True, check=False)
        lines = done.stdout.splitlines()
        return int(lines[1].split()[lines[0].split().index("CALLS")]) if len(lines) > 1 else -1

    def until(self, condition, what, seconds=60):
        """False: it waited in vain, and said so."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                print(f"  waited {seconds:.0f} s in vain for {what}", flush=True)
                return False
            time.sleep(0.002)
        return True

    def down(self):
        for process in reversed(self.live):
            process.stop(9)
        if self.args.keep:
            print("kept:", self.folder)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)


def arguments(parser):
    parser.add_argument("--bin", default=str(bench.ROOT / "build/bin"))
    parser.add_argument("--server-cpus", type=int, nargs="+", default=[1])
    parser.add_argument("--load-cpus", type=int, nargs="+", default=[0])
    parser.add_argument("--keep", action="store_true", help="keep the working folder")
