#!/usr/bin/env python3
"""Starts the sample environment in run/, lets one call happen and says what was seen and heard. Called by deploy/run."""
import pathlib
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
RUN = ROOT / "run"
BIN = ROOT / "build/bin"
sys.path.insert(0, str(ROOT / "tests/e2e"))
from peers import tones  # noqa: E402
from peers.baresip import Phone  # noqa: E402

TLS = ["--tls", "--ca", "run/certs/ca.pem", "--cert", "run/certs/client.pem", "--key", "run/certs/client.key"]
SUPPORT, ALICE, BOB = ("sip:%s@tandem.test" % name for name in ("support", "alice", "bob"))


class Stack:
    """The three programs, stopped in the opposite order of their start."""

    def __init__(self):
        self.running = []

    def start(self, program, application):
        output = open(RUN / "logs" / f"{application}.out", "w")
        process = subprocess.Popen([str(BIN / program), "--config", str(RUN / "environment.yaml"), "--app", application], cwd=RUN,
                                   stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        self.running.append((application, process))
        end = time.monotonic() + 20
        while "ready" not in (text := pathlib.Path(output.name).read_text(errors="replace")):
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"{application} did not start:\n{text}")
            time.sleep(0.05)
        print(f"  {text.strip().splitlines()[-1]}")

    def stop(self):
        for _, process in reversed(self.running):
            if process.poll() is None:
                process.send_signal(signal.SIGINT)  # calls are ended
        for application, process in reversed(self.running):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                print(f"{application} does not stop, killed")
                process.kill()
                process.wait()


def one_call():
    """A call from alice to the routing point, routed to bob. True if each heard the other and nobody else."""
    phones = RUN / "phones"
    shutil.rmtree(phones, ignore_errors=True)
    phones.mkdir(parents=True)
    tone = {name: tones.make(phones / f"{name}.wav", party, 60) for name, party in (("alice", "A"), ("bob", "B"))}
    outbound = "sip:127.0.0.1:5060;transport=udp"
    with Phone(phones / "alice", "alice", "alice-secret", outbound, tone["alice"], 5070, 15070, 30000) as alice, \
         Phone(phones / "bob", "bob", "bob-secret", outbound, tone["bob"], 5072, 15072, 30100) as bob:
        alice.wait_registered()
        bob.wait_registered()
        print("two phones are registered: alice plays 440 Hz, bob plays 580 Hz\n")
        router = subprocess.Popen([str(BIN / "tlib"), "--connect", "127.0.0.1:7000", *TLS, "--name", "Router", "--pretty", "--register", ALICE,
                                   "--register", BOB, "--route", f"{SUPPORT}={BOB}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                  cwd=ROOT)
        try:
            registered = 0
            while registered < 3:  # all three first: nothing of the call may be missed
                line = router.stdout.readline()
                if not line:
                    raise SystemExit("the routing client ended early")
                print("  " + line.rstrip())
                registered += "EventRegistered" in line
            print(f"\nalice calls {SUPPORT}; the routing client sends the call to {BOB}\n")
            alice.do("dial", SUPPORT)
            bob.wait("CALL_ESTABLISHED", 20)
            alice.wait("CALL_ESTABLISHED", 20)
            time.sleep(4)
            alice.do("hangup")
            bob.wait("CALL_CLOSED", 10)
            time.sleep(0.5)
        finally:
            events, _ = router.communicate(timeout=15)
            for line in events.splitlines():
                print("  " + line)
    heard = {}
    for phone in (alice, bob):
        recordings = phone.recordings()
        heard[phone.user] = tones.parties_heard(recordings[-1], start=0.5) if recordings else set()
    print()
    for name, wanted, other in (("alice", "B", "bob"), ("bob", "A", "alice")):
        parties = ", ".join(f"{tones.TONES[p]} Hz" for p in sorted(heard[name])) or "nothing"
        print(f"  {name} heard {parties}" + (f": {other}" if heard[name] == {wanted} else f" instead of {tones.TONES[wanted]} Hz"))
    return heard == {"alice": {"B"}, "bob": {"A"}}


def main():
    once = "--once" in sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    stack = Stack()
    good = False
    try:
        print("starting")
        stack.start("connector", "Connector_1")
        stack.start("connector", "Connector_2")
        stack.start("tserver", "TServer_1")
        good = one_call()
        print("\nthe call went through and both sides heard each other" if good else "\nthe call did not go as it should: see run/logs")
        if not once:
            print(f"""
up until Ctrl-C. Register a phone of your own:
  user carol, password carol-secret, domain tandem.test, proxy 127.0.0.1:5060 (UDP or TCP) or 127.0.0.1:5061 (TLS, CA run/certs/ca.pem)
watch events and route calls by hand:
  build/bin/tlib --connect 127.0.0.1:7000 {' '.join(TLS)} --pretty --register {SUPPORT} --register sip:carol@tandem.test
  then type a request:  {{"request":"RequestMakeCall","ThisDN":"sip:carol@tandem.test","OtherDN":"{SUPPORT}"}}
see how things are:
  build/bin/tandemctl --config run/environment.yaml status
logs: run/logs""", flush=True)
            signal.pause()
    except KeyboardInterrupt:
        print("\nstopping")
    finally:
        stack.stop()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
