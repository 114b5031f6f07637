#!/usr/bin/env python3
"""SIP that is no SIP, and INVITEs nobody acknowledges: phones go on being served."""
import random
import socket
import threading
import time

import harness
from calls import both_hear, closed, dn, equal, routed, steps, talk, until
from harness import Site, test
from peers import scenarios, sipp

GOOD = """INVITE sip:support@tandem.test SIP/2.0\r
Via: SIP/2.0/UDP {ip}:{port};branch=z9hG4bK{n};rport\r
Max-Forwards: 70\r
From: <sip:x@{ip}>;tag=t{n}\r
To: <sip:support@tandem.test>\r
Call-ID: bad{n}@{ip}\r
CSeq: 1 INVITE\r
Contact: <sip:x@{ip}:{port}>\r
Content-Type: application/sdp\r
Content-Length: {length}\r
\r
{sdp}"""
SDP = "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 10000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"


def invite(ip, port, n, sdp=None, **replace):
    sdp = SDP.format(ip=ip) if sdp is None else sdp
    text = GOOD.format(ip=ip, port=port, n=n, length=len(sdp), sdp=sdp)
    for old, new in replace.get("change", {}).items():
        assert old in text
        text = text.replace(old, new)
    return text.encode("utf-8", "surrogateescape")


def torture(ip, port):
    """The ideas of RFC 4475, and some of our own."""
    n = iter(range(1000, 9999))

    def bad(**change):
        return invite(ip, port, next(n), change={k.replace("__", " "): v for k, v in change.items()})

    def changed(old, new):
        return invite(ip, port, next(n), change={old: new})
    yield b""
    yield b"\r\n\r\n"
    yield b"\0" * 500
    yield bytes(random.Random(1).randbytes(1400))
    yield b"INVITE sip:support@tandem.test SIP/2.0\r\n\r\n"
    yield b"SIP/2.0 200 OK\r\n\r\n"
    yield changed("SIP/2.0\r\nVia", "SIP/7.0\r\nVia")
    yield changed("INVITE sip:support@tandem.test SIP/2.0", "INVITE  sip:support@tandem.test  SIP/2.0")
    yield changed("INVITE sip:support@tandem.test SIP/2.0", "INVITE sip:support@tandem.test; lr SIP/2.0")
    yield changed("INVITE sip:support@tandem.test SIP/2.0", "INVITE <sip:support@tandem.test> SIP/2.0")
    yield changed("INVITE sip:support@tandem.test SIP/2.0", "INVITE sip:sup port@tandem.test SIP/2.0")
    yield changed("INVITE sip:support@tandem.test SIP/2.0", "INVITE sip:%00%ff@tandem.test SIP/2.0")
    yield changed("INVITE sip:support@tandem.test SIP/2.0", "INVITE nobodyKnowsThisScheme:x SIP/2.0")
    yield changed("INVITE sip:support@tandem.test SIP/2.0", "INVITE sip:" + "a" * 5000 + "@tandem.test SIP/2.0")
    yield changed("CSeq: 1 INVITE", "CSeq: 99999999999999999999 INVITE")
    yield changed("CSeq: 1 INVITE", "CSeq: 1 BYE")
    yield changed("CSeq: 1 INVITE", "CSeq: INVITE")
    yield changed("Max-Forwards: 70", "Max-Forwards: 0")
    yield changed("Max-Forwards: 70", "Max-Forwards: -1")
    yield changed("Max-Forwards: 70", "Max-Forwards: 300")
    yield changed("Content-Length: ", "Content-Length: 9")
    yield changed("Content-Length: ", "Content-Length: -")
    yield changed("Call-ID: ", "X: ")
    yield changed("From: <", "From: <<")
    yield changed("From: <sip:x@", "From: \"unclosed <sip:x@")
    yield changed(";tag=t", ";tag=;tag=t")
    yield changed("To: <sip:support@tandem.test>", "To: sip:support@tandem.test\r\nTo: <sip:alice@tandem.test>")
    yield changed("Contact: <sip:x@", "Contact: *\r\nContact: <sip:x@")
    yield changed("Via: SIP/2.0/UDP", "Via: SIP / 2.0 / UDP")
    yield changed("Via: SIP/2.0/UDP", "Via: SIP/2.0/DCCP")
    yield changed("Via: ", "Via: ;;,;,,\r\nVia: ")
    yield changed("\r\nMax-Forwards", "\r\n folded\r\n\t  further\r\nMax-Forwards")
    yield changed("Content-Type: application/sdp", "Content-Type: text/plain")
    yield changed("Content-Type: application/sdp", "Content-Type: application/sdp\r\nContent-Encoding: gzip")
    yield changed("Content-Type: application/sdp", "Require: nothingSupportsThis\r\nContent-Type: application/sdp")
    yield changed("Max-Forwards: 70", "Max-Forwards: 70\r\n" + "".join(f"X-{i}: y\r\n" for i in range(2000)).rstrip())
    yield changed("Max-Forwards: 70", "Max-Forwards: 70\r\nSession-Expires: 0")
    yield changed("Max-Forwards: 70", "Max-Forwards: 70\r\nAuthorization: Digest " + "username=\"" + "a" * 4000)
    for sdp in ("", "v=0", "v=0\r\nm=audio 99999 RTP/AVP 0\r\n", "v=0\r\nm=audio -1 RTP/AVP 0\r\nc=IN IP4 999.1.1.1\r\n", "\0" * 100, "v=0\r\n" * 3000,
                "m=audio 1 RTP/AVP " + " ".join(str(i) for i in range(2000)), "v=0\r\no=- 1 1 IN IP4 x\r\ns=-\r\nc=IN IP6 ::\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\n"):
        yield invite(ip, port, next(n), sdp)
    for method in ("ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "PRACK", "UPDATE", "REFER", "NOTIFY", "MESSAGE", "INFO", "FOO"):
        text = invite(ip, port, next(n)).decode().replace("INVITE", method)
        yield text.encode()
        yield text.replace("To: <sip:support@tandem.test>", "To: <sip:support@tandem.test>;tag=nowhere").encode()


@test
def malformed_messages_leave_the_phones_served():
    with Site() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        client = site.tlib(dn("support"), dn("bob"))
        ip = site.host()
        random_bytes = random.Random(7)
        sent = 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((ip, 5060))
            s.setblocking(False)
            for message in torture(ip, 5060):
                s.sendto(message[:60000], (site.addresses[0], 5060))
                sent += 1
                for _ in range(10):  # the same with bytes changed
                    broken = bytearray(message[:1400])
                    for _ in range(random_bytes.randint(1, 8)):
                        if broken:
                            broken[random_bytes.randrange(len(broken))] = random_bytes.randrange(256)
                    s.sendto(broken, (site.addresses[0], 5060))
                    sent += 1
                    time.sleep(0.002)
        print(f"{sent} datagrams")
        for message in torture(ip, 5061):
            try:
                with socket.create_connection((site.addresses[0], 5060), 5) as s:
                    s.sendall(message.replace(b"/UDP", b"/TCP"))
            except OSError:
                pass
        assert site.connector().alive(), site.connector().text()[-2000:]
        # Calls that were good enough to get through are waiting at the routing point; a new one is served beside them.
        mark = client.mark()
        alice.dial(dn("support"))
        def asked():
            return next((e for e in client.events[mark:] if e["event"] == "EventRouteRequest" and e.get("OtherDN") == dn("alice")), None)
        request = until("alice's route request", asked)
        client.send("RequestRouteCall", ThisDN=dn("support"), ConnID=request["ConnID"], OtherDN=dn("bob"))
        client.wait("EventEstablished", ThisDN=dn("bob"), ConnID=request["ConnID"])
        alice.wait("CALL_ESTABLISHED")
        talk(2)
        alice.do("hangup")
        closed(alice, bob)
        both_hear((alice, "B"), (bob, "A"))


@test
def three_hundred_invites_a_second_never_acknowledged():
    with Site() as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        # Whatever comes is answered by an agent that is never tired, so that it is our 200 that nobody acknowledges.
        tireless = site.sipp(scenarios.agent(), address=sipp.register(site, "carol"), pause=1, calls=1000000, timeout=120)
        client = site.tlib(dn("bob"), name="router", routes={dn("support"): dn("carol")}, ready=False)
        client.wait("EventRegistered", ThisDN=dn("bob"))
        ip = site.host()
        stop = threading.Event()
        sent = [0]

        def flood():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.bind((ip, 5060))
                s.setblocking(False)
                begun = time.monotonic()
                while not stop.is_set():
                    while sent[0] < 300 * (time.monotonic() - begun):
                        sent[0] += 1
                        s.sendto(invite(ip, 5060, sent[0]), (site.addresses[0], 5060))
                    try:
                        while True:
                            s.recv(65536)
                    except BlockingIOError:
                        time.sleep(0.005)
        thread = threading.Thread(target=flood, daemon=True)
        thread.start()
        try:
            talk(15)
            for _ in range(3):
                mark = alice.mark(), client.mark()
                alice.dial(dn("bob"))
                alice.wait("CALL_ESTABLISHED", since=mark[0])
                talk(1)
                alice.do("hangup")
                alice.wait("CALL_CLOSED", since=mark[0])
        finally:
            stop.set()
            thread.join(5)
        print(f"{sent[0]} INVITEs, Connector holds {site.connector().memory() >> 20} MiB")
        assert sent[0] > 2000
        assert "SIP/2.0 200" in tireless.messages()
        assert site.connector().memory() < 600 << 20


harness.main()
