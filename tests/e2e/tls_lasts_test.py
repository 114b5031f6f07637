#!/usr/bin/env python3
"""SIP over TLS that lasts: memory stays flat however many connections come and go, certificates are replaced while calls are up, versions and
ciphers are ours to choose, trunks prove who they are. TANDEM_CONNECTIONS=50000 tries the first for longer."""
import os
import re
import shutil
import socket
import ssl
import subprocess
import time

import harness
from calls import dn, equal, talk, until
from harness import DOMAIN, Site, Skipped, test
from peers.linphone import over_tls as linphone

CONNECTIONS = int(os.environ.get("TANDEM_CONNECTIONS", "2000"))


def need_patched_library():
    if "with patches" not in subprocess.run([harness.BIN / "connector", "--version"], capture_output=True, text=True, check=True).stdout:
        raise Skipped("the distribution's SIP library is linked")


def certificate(site, name, hosts, ca="certs"):
    subprocess.run([harness.ROOT / "deploy/certs", site.folder / ca, f"{name}={hosts}"], check=True)
    return site.folder / ca / f"{name}.pem", site.folder / ca / f"{name}.key"


class Client:
    """A TLS connection to the Connector's port 5061, from an address of its own."""

    def __init__(self, site, source=None, shows=None, context=None, port=5061):
        self.site, self.held = site, b""
        if context is None:
            context = ssl.create_default_context(cafile=site.folder / "certs/ca.pem")
        if shows:
            context.load_cert_chain(*shows)
        plain = socket.create_connection((site.addresses[0], port), 5, source_address=(source, 0) if source else None)
        try:
            self.socket = context.wrap_socket(plain, server_hostname=DOMAIN)
        except BaseException:
            plain.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def more(self):
        got = self.socket.recv(65536)
        if not got:
            raise ConnectionError("closed")
        self.held += got

    def ask(self, method="OPTIONS", user="support", call=None, body=""):
        """Sends a request and returns the status of its final response."""
        here = "%s:%d" % self.socket.getsockname()
        call = call or os.urandom(8).hex()
        self.socket.sendall((
            f"{method} sip:{user}@{DOMAIN} SIP/2.0\r\nVia: SIP/2.0/TLS {here};branch=z9hG4bK{call}\r\nMax-Forwards: 70\r\n"
            f"From: <sip:+4420@carrier.test>;tag=1\r\nTo: <sip:{user}@{DOMAIN}>\r\nCall-ID: {call}\r\nCSeq: 1 {method}\r\n"
            f"Contact: <sip:{here};transport=tls>\r\n" + ("Content-Type: application/sdp\r\n" if body else "") +
            f"Content-Length: {len(body)}\r\n\r\n{body}").encode())
        while True:
            while b"\r\n\r\n" not in self.held:
                self.more()
            head, _, self.held = self.held.partition(b"\r\n\r\n")
            length = int(re.search(rb"(?i)content-length: *(\d+)", head).group(1))
            while len(self.held) < length:
                self.more()
            self.held = self.held[length:]
            status = int(head.split()[1])
            if status >= 200:
                return status


def refused(*arguments, **named):
    """The handshake fails, or, with TLS 1.3, the first thing after it."""
    try:
        with Client(*arguments, **named) as client:
            client.ask()
    except (ssl.SSLError, ConnectionError):
        return
    raise AssertionError("let in")


def resident(process):
    with open(f"/proc/{process.process.pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1))


def descriptors(process):
    return len(os.listdir(f"/proc/{process.process.pid}/fd"))


@test
def memory_stays_flat():
    need_patched_library()
    with Site() as site:
        connector = site.connector()
        context = ssl.create_default_context(cafile=site.folder / "certs/ca.pem")

        def come_and_go(count):
            for number in range(count):
                with Client(site, context=context) as client:
                    if number % 2:
                        equal(client.ask(), 200)
        come_and_go(CONNECTIONS // 4)
        before, open_before = resident(connector), descriptors(connector)
        begun = time.monotonic()
        come_and_go(CONNECTIONS)
        took = time.monotonic() - begun
        until("the last ones closed", lambda: descriptors(connector) <= open_before + 2)
        grown = resident(connector) - before
        print(f"    {CONNECTIONS} connections in {took:.1f} s: {before} kB, {grown:+d} kB")
        assert grown < 3000, grown


@test
def certificate_replaced_while_a_call_is_up():
    need_patched_library()
    with Site() as site:
        alice, bob = linphone(site, "alice", "A"), site.phone("bob", "B")
        alice.wait_registered()
        client = site.tlib(dn("alice"), dn("bob"))
        alice.do("call " + dn("bob"))
        client.wait("EventEstablished", ThisDN=dn("bob"))
        with Client(site) as old:
            first = old.socket.getpeercert()["serialNumber"]
            certs = site.folder / "certs"
            hosts = f"{DOMAIN},{site.addresses[0]}"
            certificate(site, "fresh", hosts)
            for kind in ("key", "pem"):
                shutil.copy(certs / f"fresh.{kind}", certs / f"connector.{kind}")
            site.connector().process.send_signal(harness.signal.SIGHUP)
            until("the new certificate", lambda: "new connections get" in site.log("connector1"))
            with Client(site) as new:
                assert new.socket.getpeercert()["serialNumber"] != first
                equal(new.ask(), 200)
            equal(old.ask(), 200)
            # A key that doesn't fit changes nothing.
            shutil.copy(certs / "client.key", certs / "connector.key")
            site.connector().process.send_signal(harness.signal.SIGHUP)
            until("the refusal", lambda: "SIP over TLS stays as it was: key" in site.log("connector1"))
            with Client(site) as new:
                assert new.socket.getpeercert()["serialNumber"] != first
        talk(1)
        alice.do("terminate")  # over the connection that it has had all the time
        bob.wait("CALL_CLOSED")
        client.wait("EventReleased", ThisDN=dn("bob"))
        equal(site.log("connector1").count("SIP over TLS: new connections get"), 1)


@test
def versions_and_ciphers_are_options():
    need_patched_library()
    with Site() as site:
        def only(version=ssl.TLSVersion.TLSv1_2, ciphers=None):
            context = ssl.create_default_context(cafile=site.folder / "certs/ca.pem")
            context.minimum_version = context.maximum_version = version
            if ciphers:
                context.set_ciphers(ciphers + ":@SECLEVEL=0")
            return context
        with Client(site, context=only()) as client:
            equal(client.ask(), 200)
        refused(site, context=only(ciphers="AES128-SHA"))  # no forward secrecy
        until("a line about it", lambda: re.search(r"TLS with 127\.\S+ refused: no shared cipher", site.log("connector1")))
        site.connector_sections["sip"]["tls-min-version"] = "1.3"
        site.write()
        site.connector().process.send_signal(harness.signal.SIGHUP)
        until("the new configuration", lambda: "new connections get" in site.log("connector1"))
        refused(site, context=only())
        until("a line about it", lambda: re.search(r"TLS with 127\.\S+ refused: unsupported protocol", site.log("connector1")))
        with Client(site, context=only(ssl.TLSVersion.TLSv1_3)) as client:
            equal(client.ask(), 200)


@test
def trunks_prove_themselves_by_certificate():
    need_patched_library()
    site = Site(connectors=1)
    gateway = site.host()
    site.trunks = [{"name": "pstn", "contact": f"sip:{gateway}:5061;transport=tls", "prefix": ["+"], "certificate-names": ["carrier.test"]}]
    with site:
        carrier = certificate(site, "carrier", "carrier.test")
        other = certificate(site, "other", "other.test")
        foreign = certificate(site, "carrier", "carrier.test", ca="foreign")
        client = site.tlib(dn("support"))

        def call(shows, source):
            with Client(site, source=source, shows=shows) as peer:
                return peer.ask("INVITE", body="v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n")
        for shows in (None, other, foreign):
            equal(call(shows, gateway), 403)
        text = site.log("connector1")
        assert "trunk pstn at" in text and "shows other.test" in text and "shows none that is good" in text
        # From wherever it comes, it is the trunk.
        with Client(site, source=site.host(), shows=carrier) as peer:
            peer.socket.settimeout(0.1)
            try:
                peer.ask("INVITE", body="v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n")
            except TimeoutError:
                pass
            request = client.wait("EventRouteRequest", ThisDN=dn("support"))
            equal(request["OtherDN"], "sip:+4420@carrier.test")


@test
def a_port_can_require_certificates():
    need_patched_library()
    with Site(sip={"tls-verify-clients": "required"}) as site:
        refused(site)
        until("a line about it", lambda: re.search(r"TLS with 127\.\S+ refused: peer did not return a certificate", site.log("connector1")))
        refused(site, shows=certificate(site, "phone", "phone.test", ca="foreign"))
        until("a line about that", lambda: re.search(r"TLS with 127\.\S+ refused: (unable|self)", site.log("connector1")), 20)
        with Client(site, shows=certificate(site, "phone", "phone.test")) as client:
            equal(client.ask(), 200)


harness.main()
