"""Load in the background: SIPp callers, a few a second, who find a Connector by its pool's name and go on to the next address where one is
silent or answers 503 (RFC 3263), and SIPp agents. Both answer re-INVITEs and go on with whoever sent the last one."""
import random
import signal
import socket
import struct

from peers import scenarios, sipp
from peers.scenarios import ack, answer, inside, outside, scenario, sdp, send, then
from stack import AGENTS, POOL

ANSWER = send(answer("200 OK", sdp(2), tag=False, contact="sip:load@[local_ip]:[local_port];transport=[transport]"), True)
# Where the other side is now: what is sent from here on goes there.
MOVED = ('<ereg regexp="sip:([^@]*@)?([0-9.]+):([0-9]+)" search_in="hdr" header="Contact:" assign_to="1,2,3,4"/>'
         '<setdest host="[$3]" port="[$4]" protocol="UDP"/>')
VARIABLES = "1,2,3,4"


def label(number):
    return f'  <label id="{number}"/>\n'


def to(field):
    return f'  <nop><action><setdest host="[field{field}]" port="5060" protocol="UDP"/></action></nop>\n'


def answered(number):
    """What comes until the answer, any of which may be lost. Where there is a next address (`number` is the label of what leads there) 503 and
    silence send the caller on."""
    def optional(status, wait, on=""):
        return f'  <recv response="{status}" optional="true" timeout="{wait}"{on}/>\n'
    onward = f' ontimeout="{number + 1}"' if number else ""
    # Not when the INVITE is repeated, after 0.5 and 1.5 s: SIPp would send that to the next address.
    first = 1250 if number else 10000
    refused = [f'  <recv response="503" optional="true" next="{number}" timeout="{wait}"{on}/>\n' if number else ""
               for wait, on in ((first, onward), (20000, ""))]
    return (optional(100, first, onward) + refused[0] + optional(180, first, onward) + optional(183, first, onward) + refused[1] + optional(180, 20000) +
            optional(183, 20000) + scenarios.receive(200, routes=True, timeout=20000))


def talks(begin, end):
    """Until the pause is over, with re-INVITEs answered."""
    return (label(begin) + f'  <recv request="INVITE" timeout="[talk]" ontimeout="{end}"><action>{MOVED}</action></recv>\n' + ANSWER +
            then(scenarios.receive(request="ACK"), begin))


def caller(addresses, talk):
    """Tries each address; 20 is where it talks, 30 where it hangs up."""
    text = ""
    for number in range(addresses):
        cseq, last = number + 1, number + 1 == addresses
        onward = 0 if last else 2 * number + 1
        text += to(number) + send(outside("INVITE", f"{cseq} INVITE", content=sdp()), True) + answered(onward) + then(ack(cseq), 20)
        if not last:
            text += label(onward) + send(outside("ACK", f"{cseq} ACK", "[peer_tag_param]", via="[last_Via:]\nMax-Forwards: 70")) + label(onward + 1)
    hangs_up = (label(30) + send(inside("BYE", "20 BYE"), True) + label(31) +
                '  <recv request="INVITE" optional="true" next="32"/>\n' + then(scenarios.receive(200), 40) +
                label(32) + then(send(answer("481 Call Does Not Exist", tag=False)), 31) + label(40))
    return scenario(text, talks(20, 30).replace("[talk]", str(talk)), hangs_up, variables=VARIABLES)


def agent():
    """Rings, answers, takes re-INVITEs, until BYE comes."""
    return scenario(scenarios.CALLED, scenarios.RINGS, scenarios.ANSWERS, label(20),
                    f'  <recv request="INVITE" optional="true" next="21"><action>{MOVED}</action></recv>\n', scenarios.receive(request="BYE", timeout=600000),
                    then(send(answer("200 OK", tag=False)), 40), label(21), ANSWER, then(scenarios.receive(request="ACK"), 20), label(40),
                    variables="8,9," + VARIABLES)


# --- Who serves the pool ---

def ask(name, kind, server="127.0.0.1"):
    """The data of the records of one kind, as bytes in the whole answer: [(answer, offset, length)]."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.sendto(struct.pack("!6H", random.randrange(65536), 0x100, 1, 0, 0, 0) + labels + struct.pack("!2H", kind, 1), (server, 53))
        reply = s.recv(4096)
    at, found = 12 + len(labels) + 4, []
    for _ in range(struct.unpack_from("!H", reply, 6)[0]):
        at = spelt(reply, at)[1]
        of, _, _, length = struct.unpack_from("!2HIH", reply, at)
        at += 10
        if of == kind:
            found.append((reply, at, length))
        at += length
    return found


def spelt(reply, at):
    """The name there, and where it ends."""
    parts, end = [], None
    while length := reply[at]:
        if length >= 192:
            end = end or at + 2
            at = struct.unpack_from("!H", reply, at)[0] & 0x3fff
            continue
        parts.append(reply[at + 1:at + 1 + length].decode())
        at += 1 + length
    return ".".join(parts), end or at + 1


def servers():
    """Addresses of the pool by SRV, the best first, equal ones in random order (RFC 2782, all weights alike)."""
    records = [(struct.unpack_from("!H", reply, at)[0], random.random(), spelt(reply, at + 6)[0]) for reply, at, _ in ask(f"_sip._udp.{POOL}", 33)]
    return [socket.inet_ntoa(reply[at:at + length]) for _, _, name in sorted(records) for reply, at, length in ask(name, 1)]


# --- What came of it ---

class Call:
    """As the caller saw it; times are those of the wall's clock."""

    def __init__(self):
        self.begun = self.up = self.over = None
        self.tries = 0
        self.end = ""  # "": goes on
        self.both = False  # an address that was left answered after all: SIPp can't keep the two apart

    def saw(self, when, sent, sequence, line):
        method = sequence.split()[1]
        if not sent and method == "INVITE" and int(sequence.split(":")[1].split()[0]) < self.tries:
            self.both = True
        if sent and method == "INVITE" and line.startswith("INVITE"):
            self.begun = self.begun or when
            self.tries = max(self.tries, int(sequence.split(":")[1].split()[0]))
        elif sent and method == "CANCEL" and not self.up:
            self.finish(when, "given up by its caller")  # an answer that crosses it isn't acknowledged by SIPp
        elif not sent and method == "INVITE" and line.startswith("SIP/2.0 200") and not self.end:
            self.up = self.up or when
        elif not sent and line.startswith("BYE"):
            self.finish(when, "the other side hung up")
        elif not sent and method == "BYE":
            self.finish(when, "ended" if line.startswith("SIP/2.0 200") else "BYE answered " + line)
        elif not sent and not self.up and line.startswith("SIP/2.0 ") and line[8] in "456" and not line.startswith("SIP/2.0 503"):
            self.finish(when, "refused with " + line[8:])

    def finish(self, when, how):
        if not self.end:
            self.over, self.end = when, how


class Load:
    """`rate` calls a second, each `talk` milliseconds long. The kept client routes them to the agents."""

    def __init__(self, site, rate=3, talk=4000, agents=AGENTS, find=servers, trace=True, expires=3600):
        """`find`: the addresses of the pool, in the order in which one caller tries them."""
        self.site, self.rate, self.talk, self.users, self.find, self.expires = site, rate, talk, agents, find, expires
        self.trace = ("-trace_shortmsg", "-shortmessage_file", "short") if trace else ()

    def __enter__(self):
        address = self.site.host()
        for number, user in enumerate(self.users):
            sipp.register(self.site, user, connector=number % len(self.site.addresses) + 1, address=address, expires=self.expires)
        self.agents = self.site.sipp(agent(), address=address, calls=10**6, timeout=10**6, more=self.trace, messages=self.trace)
        return self

    def __exit__(self, *_):
        pass  # they end with the site

    def start(self):
        rows = [self.find() for _ in range(50)]
        (self.site.folder / "addresses.csv").write_text("SEQUENTIAL\n" + "".join(";".join(row) + ";\n" for row in rows))
        self.callers = self.site.sipp(caller(len(rows[0]), self.talk), target="127.0.0.1:5060", service="support", calls=10**6, timeout=10**6,
                                      more=("-inf", self.site.folder / "addresses.csv", "-r", str(self.rate), *self.trace), messages=self.trace)

    def end(self):
        """No more calls begin; waits for the last one's end."""
        self.callers.program.process.send_signal(signal.SIGUSR1)
        self.callers.program.wait(60)

    def calls(self):
        found = {}
        for line in self.callers.read("short").splitlines():
            fields = line.split("\t")
            if len(fields) != 7:
                continue  # half a line, so far
            _, _, when, way, call_id, sequence, first = fields
            found.setdefault(call_id, Call()).saw(float(when), way == "S", sequence, first)
        return [call for call in found.values() if call.begun]
