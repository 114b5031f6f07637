#!/usr/bin/env python3
"""Clients and link peers that behave badly: each gets its answer, and others notice nothing."""
import signal
import ssl
import subprocess
import time

import harness
from calls import closed, dn, equal, plain, routed, steps, talk, until
from harness import Site, test
from peers import wire


def still_serves(site, client, alice):
    """A routed call goes through as ever."""
    mark = alice.mark()
    conn = routed(site, alice, client)
    alice.do("hangup")
    alice.wait("CALL_CLOSED", since=mark)
    client.wait("EventReleased", ThisDN=dn("bob"), ConnID=conn)




@test
def a_client_that_stops_reading_is_cut_off():
    with Site() as site:
        alice, _ = site.phone("alice", "A"), site.phone("bob", "B")
        good = site.tlib(dn("support"), dn("bob"), name="good")
        deaf = site.tlib(dn("support"), name="deaf")
        deaf.process.send_signal(signal.SIGSTOP)
        try:
            alice.dial(dn("support"))
            conn = good.wait("EventRouteRequest")["ConnID"]
            before = site.tserver.memory()
            blob = "x" * 12000
            # Each change goes to both with the whole of the user data.
            for i in range(4000):
                good.send("RequestUpdateUserData", ThisDN=dn("support"), ConnID=conn, UserData={"blob": blob, "n": i})
                if i % 50 == 0:
                    until("the good client's events", lambda: sum(e["event"] == "EventAttachedDataChanged" for e in good.events) >= i, 30)
            until("the good client's events", lambda: sum(e["event"] == "EventAttachedDataChanged" for e in good.events) == 4000, 60)
            until("the deaf client's end in the log", lambda: "deaf" in site.log("tserver") and "slow" in site.log("tserver").lower(), 30)
            assert site.tserver.memory() - before < 200 << 20, "memory of the T-Server grew without bound"
        finally:
            deaf.process.send_signal(signal.SIGCONT)
        alice.do("hangup")
        good.wait("EventAbandoned", ThisDN=dn("support"))
        still_serves(site, good, alice)


@test
def a_client_that_floods_delays_nobody():
    with Site() as site:
        alice, _ = site.phone("alice", "A"), site.phone("bob", "B")
        good = site.tlib(dn("support"), dn("bob"), name="good")
        flood = site.tlib(name="flood", ready=False)
        lines = b'{"request":"RequestQueryAddress","ThisDN":"sip:bob@tandem.test","InfoType":"AddressInfoDNStatus"}\n' * 1000
        stop = time.monotonic() + 8
        feeder = subprocess.Popen(["sh", "-c", "while :; do cat; done"], stdin=subprocess.DEVNULL)  # keeps a core busy as well
        try:
            import threading

            def feed():
                try:
                    while time.monotonic() < stop:
                        flood.process.stdin.write(lines)
                except (OSError, ValueError):
                    pass
            thread = threading.Thread(target=feed, daemon=True)
            thread.start()
            still_serves(site, good, alice)
            still_serves(site, good, alice)
            thread.join(20)
        finally:
            feeder.kill()
            feeder.wait()
        still_serves(site, good, alice)


@test
def a_frame_of_4_gib_closes_the_session():
    with Site() as site:
        alice, _ = site.phone("alice", "A"), site.phone("bob", "B")
        good = site.tlib(dn("support"), dn("bob"), name="good")
        before = site.tserver.memory()
        for rest in (b"", b"\0" * 100000):
            with wire.connect(site.server_address, site.tlib_port, site.folder / "certs") as s:
                wire.said_and_closed(s, b"\xff\xff\xff\xff" + rest)
        assert site.tserver.memory() - before < 50 << 20
        with wire.connect(site.addresses[0], site.link_port, site.folder / "certs") as s:
            wire.said_and_closed(s, b"\xff\xff\xff\xff")
        still_serves(site, good, alice)


@test
def nonsense_on_either_port_is_closed():
    with Site() as site:
        alice, _ = site.phone("alice", "A"), site.phone("bob", "B")
        good = site.tlib(dn("support"), dn("bob"), name="good")
        for address, port in ((site.server_address, site.tlib_port), (site.addresses[0], site.link_port)):
            for junk in (wire.frame(b"\xff" * 64), wire.frame(b""), b"GET / HTTP/1.0\r\n\r\n"):
                with wire.connect(address, port, site.folder / "certs") as s:
                    wire.said_and_closed(s, junk)
            with wire.connect(address, port, tls=False) as s:  # no TLS at all
                wire.said_and_closed(s, b"hello\r\n\r\n" + b"\0" * 1000)
        still_serves(site, good, alice)


@test
def a_certificate_of_another_authority_opens_nothing():
    with Site() as site:
        alice, _ = site.phone("alice", "A"), site.phone("bob", "B")
        good = site.tlib(dn("support"), dn("bob"), name="good")
        other = site.folder / "other"
        subprocess.run([harness.ROOT / "deploy/certs", other, "stranger=127.0.0.1"], check=True)
        for folder in (other, None):
            try:
                with wire.connect(site.addresses[0], site.link_port, folder, "stranger") as s:
                    # With TLS 1.3 the refusal comes after the handshake looks done to us.
                    equal(wire.said_and_closed(s, wire.frame(b"")), b"", "said to a stranger")
            except (ssl.SSLError, ConnectionError):
                pass
            try:
                with wire.connect(site.server_address, site.tlib_port, folder, "stranger") as s:
                    equal(wire.said_and_closed(s, wire.frame(b"")), b"", "said to a stranger")
            except (ssl.SSLError, ConnectionError):
                pass
        still_serves(site, good, alice)


@test
def a_tserver_of_another_major_version_is_told_so():
    with Site() as site:
        alice, _ = site.phone("alice", "A"), site.phone("bob", "B")
        good = site.tlib(dn("support"), dn("bob"), name="good")
        hello = wire.number(1, 99) + wire.number(2, 0) + wire.data(3, "TServer_9") + wire.number(6, 1)
        with wire.connect(site.addresses[0], site.link_port, site.folder / "certs", "tserver") as s:
            s.sendall(wire.frame(wire.number(1, 1) + wire.number(2, 1) + wire.data(3, hello)))
            s.settimeout(15)
            goodbye = None
            while (message := wire.read_frame(s)) is not None:
                goodbye = wire.fields(message).get(9, [goodbye])[0]
        assert goodbye is not None, "no Goodbye"
        told = wire.fields(goodbye)
        equal(told[1], [1], "reason is WRONG_VERSION")
        print(told[2][0].decode())
        still_serves(site, good, alice)


harness.main()
