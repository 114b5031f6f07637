#!/usr/bin/env python3
"""How long calls are without their Connector: it is killed with so many of them up, and started again, or another one of its pool takes them over.

Calls go from phones outside to registered ones; both sides are played here and answer re-INVITEs. Measured is kill -9 to the re-INVITE of each party:
the first, the half, the last; who was sent a BYE, who heard nothing; what the T-Server counts at the end; CPU-seconds of who recovered.

  recovery.py                                   restart, then takeover, with 2000 calls
  recovery.py --how restart --calls 500 --calls 5000
Programs of ours run on --server-cpus, all else on --load-cpus.
"""
import argparse
import selectors
import socket
import statistics
import threading
import time

from standby_site import Site, arguments, bench

SDP = "v=0\r\no=p 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"


def environment(folder, ports, calls, takeover):
    dns = "\n".join(f'      - {{number: "sip:a{i}@tandem.test", type: Extension, sip: {{password: "p{i}"}}}}' for i in range(calls))

    def connector(number):
        return f"""
  Connector_{number}:
    type: connector
    host: 127.0.0.{number}
    ports:
      link: {{port: {ports['link']}}}
      sip: [{{port: {ports['sip']}, transport: udp}}]
      rtp: {{range: 10000-31999}}
    switch: Main
    tls: {{certificate: certs/connector1.pem, key: certs/connector1.key, ca: certs/ca.pem}}
    options:
      front-end: {{mode: embedded, domains: [tandem.test]}}
      limits: {{calls-per-second-per-source: 0}}
      media: {{silence-timeout: 0, rtcp-interval: 0}}
      startup: {{persistent-storage-path: {folder}/calls{number}}}
      log: {{verbose: standard, all: {folder}/connector{number}.log}}"""
    return f"""
applications:
  TServer_1:
    type: tserver
    host: 127.0.0.1
    ports: {{tlib: {{port: {ports['tlib']}, transport: tcp}}}}
    switch: Main
    redundancy: none
    tls: {{certificate: certs/tserver1.pem, key: certs/tserver1.key, ca: certs/ca.pem}}
    options:
      TServer: {{link-1-name: connector1, link-2-name: connector2, takeover-timeout: {takeover} sec}}
      connector1: {{hostname: 127.0.0.1, port: {ports['link']}, protocol: tls}}
      connector2: {{hostname: 127.0.0.2, port: {ports['link']}, protocol: tls}}
      log: {{verbose: standard, all: {folder}/tserver.log}}
{connector(1)}{connector(2)}
switches:
  Main:
    dns:
{dns}
"""


def headers(text):
    """First line, and the headers that an answer repeats."""
    head, _, body = text.partition("\r\n\r\n")
    lines = head.split("\r\n")
    found = {"via": [], "record-route": []}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        name = name.strip().lower()
        name = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact"}.get(name, name)
        if name in ("via", "record-route"):
            found[name].append(value.strip())
        else:
            found[name] = value.strip()
    return lines[0], found, body


class Phones:
    """All phones behind two UDP sockets, one of callers, one of agents, on a thread."""

    def __init__(self, connector):
        self.connector = connector
        self.sockets = {}
        self.selector = selectors.DefaultSelector()
        for name in ("callers", "agents"):
            one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 << 20)
            one.bind(("127.0.0.1", 0))
            self.sockets[name] = one
            self.selector.register(one, selectors.EVENT_READ, name)
        self.up = {}  # (side, Call-ID) of dialogs that are up -> since when
        self.again = {}  # and when each was asked anew since the last clear
        self.byes = set()
        self.refused = 0
        self.lock = threading.Lock()
        threading.Thread(target=self.run, daemon=True).start()

    def port(self, name):
        return self.sockets[name].getsockname()[1]

    def call(self, number):
        body = SDP.format(port=43000)
        port = self.port("callers")
        request = (f"INVITE sip:a{number}@tandem.test SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK-i{number}\r\n"
                   f"From: <sip:c{number}@caller.test>;tag=c{number}\r\nTo: <sip:a{number}@tandem.test>\r\nCall-ID: c{number}@bench\r\nCSeq: 1 INVITE\r\n"
                   f"Contact: <sip:c{number}@127.0.0.1:{port}>\r\nMax-Forwards: 70\r\nContent-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}")
        self.sockets["callers"].sendto(request.encode(), self.connector)

    def run(self):
        while True:
            for key, _ in self.selector.select():
                while True:
                    try:
                        data, source = key.fileobj.recvfrom(65536, socket.MSG_DONTWAIT)
                    except BlockingIOError:
                        break
                    self.received(key.data, data.decode(errors="replace"), source)

    def received(self, side, text, source):
        now = time.monotonic()
        first, head, _ = headers(text)
        send = lambda message: self.sockets[side].sendto(message.encode(), source)  # noqa: E731
        key = (side, head.get("call-id"))
        if first.startswith("SIP/2.0"):
            status = int(first.split()[1])
            if "INVITE" not in head["cseq"] or status < 200:
                return
            number = head["cseq"].split()[0]
            target = head["contact"].strip("<>").split(">")[0] if "contact" in head and status < 300 else f"sip:{self.connector[0]}:{self.connector[1]}"
            branch = head["via"][0].split("branch=")[1].split(";")[0] + ("a" if status < 300 else "")
            send(f"ACK {target} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{self.port(side)};branch={branch}\r\nFrom: {head['from']}\r\nTo: {head['to']}\r\n"
                 f"Call-ID: {head['call-id']}\r\nCSeq: {number} ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n")
            with self.lock:
                if status < 300:
                    self.up.setdefault(key, now)
                else:
                    self.refused += 1
            return
        method = first.split()[0]
        if method == "ACK":
            return
        with self.lock:
            if method == "BYE":
                self.byes.add(key)
                self.up.pop(key, None)
            elif method == "INVITE":
                if "tag=" in head["to"]:
                    self.again.setdefault(key, now)
                else:
                    self.up.setdefault(key, now)
        to = head["to"] if "tag=" in head["to"] else f"{head['to']};tag=a"
        body = SDP.format(port=43002 if side == "agents" else 43000) if method == "INVITE" else ""
        answer = ["SIP/2.0 200 OK", *(f"Via: {via}" for via in head["via"]), *(f"Record-Route: {route}" for route in head["record-route"]),
                  f"From: {head['from']}", f"To: {to}", f"Call-ID: {head['call-id']}", f"CSeq: {head['cseq']}",
                  f"Contact: <sip:phone@127.0.0.1:{self.port(side)}>", *(["Content-Type: application/sdp"] if body else []), f"Content-Length: {len(body)}"]
        send("\r\n".join(answer) + "\r\n\r\n" + body)

    def count(self):
        with self.lock:
            return len(self.up)


class Run(Site):
    def __init__(self, args, calls):
        self.calls = calls
        ports = {name: bench.free_port() for name in ("tlib", "link")} | {"sip": bench.free_port(socket.SOCK_DGRAM)}
        super().__init__(args, ports, lambda folder: environment(folder, ports, calls, args.takeover), "127.0.0.1,127.0.0.2,tandem.test")

    def known(self):
        return self.calls_of("TServer_1")

    def set_up(self):
        self.first, self.second = self.program("Connector_1"), self.program("Connector_2")
        self.program("TServer_1")
        self.until(lambda: (self.folder / "tserver.log").read_text().count(": connected to Connector_") >= 2, "both links", 20)
        self.phones = Phones(("127.0.0.1", self.ports["sip"]))
        self.register(self.calls, self.phones.port("agents"), self.args.rate)
        for number in range(self.calls):
            self.phones.call(number)
            time.sleep(1 / self.args.rate)
        self.until(lambda: self.phones.count() >= 2 * self.calls, "all calls to be up", 10)
        time.sleep(1)

    def recover(self, how):
        with self.phones.lock:
            parties = set(self.phones.up)
            self.phones.again.clear()
        before = self.known()
        used = self.second.cpu()
        killed = time.monotonic()
        self.first.p.kill()
        self.first.p.wait()
        self.live.remove(self.first)
        who = self.second
        if how == "restart":
            who, used = self.program("Connector_1"), 0
            print(f"  ready again after {(time.monotonic() - killed) * 1000:.0f} ms", flush=True)
        self.until(lambda: len(self.phones.again) >= len(parties), "all parties to be asked anew", self.args.takeover + 40)
        used = who.cpu() - used
        time.sleep(2)
        with self.phones.lock:
            times = sorted(at - killed for key, at in self.phones.again.items() if key in parties)
            unheard = len(parties - set(self.phones.again) - self.phones.byes)
            byes = len(parties & self.phones.byes)
        span = "none" if not times else f"{times[0]:.2f} / {statistics.median(times):.2f} / {times[-1]:.2f} s"
        print(f"{how}, {self.calls} calls ({len(parties)} parties up, {self.phones.refused} refused): re-INVITE first / half / last after {span}; BYE {byes}, nothing "
              f"{unheard}; the T-Server knew {before} calls and knows {self.known()}; CPU of the one that recovered {used:.2f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments(parser)
    parser.add_argument("--how", action="append", choices=["restart", "takeover"])
    parser.add_argument("--calls", type=int, action="append", help="live calls (default 2000)")
    parser.add_argument("--rate", type=int, default=100, help="calls set up a second")
    parser.add_argument("--takeover", type=int, default=5, help="TServer/takeover-timeout, seconds")
    args = parser.parse_args()
    bench.more_descriptors()
    for how in args.how or ["restart", "takeover"]:
        for calls in args.calls or [2000]:
            run = Run(args, calls)
            try:
                run.set_up()
                run.recover(how)
            finally:
                run.down()


if __name__ == "__main__":
    main()
