"""A caller over TCP or TLS that keeps its call when its connection is lost, and takes a new one at the address in its Via (RFC 3261 section
18.2.2): no phone at hand does. It sends no audio."""
import re
import select
import socket
import ssl
import time

import harness

SDP = "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"


class TcpCaller:
    """`ip`: its address, for which the site's certificates are made out if it uses TLS."""

    def __init__(self, site, ip, service="support", connector=1, listens=True, port=5060, tls=False):
        self.ip, self.port, self.service, self.transport = ip, port, service, "tls" if tls else "tcp"
        self.server = socket.create_server((self.ip, port)) if listens else None
        self.socket = socket.create_connection((site.addresses[connector - 1], 5061 if tls else 5060), 10, (self.ip, 0))
        self.to_call = self.to_be_called = None
        if tls:
            certs = site.folder / "certs"
            self.to_call = ssl.create_default_context(cafile=certs / "ca.pem")
            self.to_be_called = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.to_be_called.load_cert_chain(certs / "tserver.pem", certs / "tserver.key")
            self.socket = self.to_call.wrap_socket(self.socket, server_hostname=site.addresses[connector - 1])
        self.held = ""
        self.to = f"<sip:{service}@{harness.DOMAIN}>"
        self.request("INVITE", SDP.format(ip=self.ip))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in (self.socket, self.server):
            if one:
                one.close()

    def request(self, method, body=""):
        number = 2 if method == "BYE" else 1
        branch = "z9hG4bK1" if method in ("INVITE", "CANCEL") else f"z9hG4bK{method}"
        self.socket.sendall((
            f"{method} sip:{self.service}@{harness.DOMAIN} SIP/2.0\r\nVia: SIP/2.0/{self.transport.upper()} {self.ip}:{self.port};branch={branch};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:caller@{self.ip}>;tag=a\r\nTo: {self.to}\r\nCall-ID: over-tcp-{self.ip}\r\nCSeq: {number} {method}\r\n"
            f"Contact: <sip:caller@{self.ip}:{self.port};transport={self.transport}>\r\n"
            + ("Content-Type: application/sdp\r\n" if body else "") + f"Content-Length: {len(body)}\r\n\r\n{body}").encode())

    def lost(self, timeout=20):
        """Waits until its connection is gone."""
        end = time.monotonic() + timeout * harness.SLOW
        while time.monotonic() < end:
            try:
                if not self.socket.recv(4096):
                    break
            except OSError:
                break
        self.held = ""

    def called_back(self, timeout=20):
        """Takes a new connection; False: none came."""
        if not select.select([self.server], [], [], timeout * harness.SLOW)[0]:
            return False
        self.socket, _ = self.server.accept()
        if self.to_be_called:
            self.socket = self.to_be_called.wrap_socket(self.socket, server_side=True)
        return True

    def wait(self, status, timeout=20):
        """The response with this status."""
        end = time.monotonic() + timeout * harness.SLOW
        while True:
            self.socket.settimeout(max(end - time.monotonic(), 0.001))
            head, found, rest = self.held.partition("\r\n\r\n")
            if found:
                length = int((re.search(r"^(?:Content-Length|l): *(\d+)", head, re.M | re.I) or [0, 0])[1])
                if len(rest) >= length:
                    self.held = rest[length:]
                    if head.startswith(f"SIP/2.0 {status} "):
                        self.to = re.search(r"^(?:To|t): *(.*?)\r?$", head, re.M | re.I)[1]
                        return head
                    continue
            more = self.socket.recv(65536)
            assert more, f"the connection ended before a {status}"
            self.held += more.decode(errors="replace")

    def hung_up(self, timeout=0.2):
        """BYE has come, and is answered."""
        self.socket.settimeout(timeout)
        try:
            self.held += self.socket.recv(65536).decode(errors="replace")
        except TimeoutError:
            pass
        bye = self.held.partition("BYE sip:")[2]
        if "\r\n\r\n" not in bye:
            return False
        headers = re.findall(r"^(?:Via|v|From|f|To|t|Call-ID|i|CSeq):.*\r\n", bye, re.M | re.I)
        self.socket.sendall(f"SIP/2.0 200 OK\r\n{''.join(headers)}Content-Length: 0\r\n\r\n".encode())
        return True
