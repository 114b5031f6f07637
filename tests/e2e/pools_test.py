#!/usr/bin/env python3
"""Two application pools, each with a Connector and settings of its own; links to Connectors with and without a certificate."""
import socket
import ssl
import subprocess
import threading

import harness
from calls import dn, equal, hear
from harness import BIN, Site, extension, routing_point, test, until
from peers import tones


class Pools(Site):
    """Connector_1 in the default pool, Connector_2 in pool West, whose folder has other music and another way for waiting callers."""

    def __init__(self):
        super().__init__(connectors=2, music="G")
        west = tones.make(self.folder / "west.wav", "F", 10, 16000)
        self.dns = [extension("alice"), routing_point("support"),
                    {"folder": "West", "annex": {"connector": {"pool-name": "West", "music-on-hold-file-path": str(west)}, "TServer": {"router-timeout": 2, "default-dn": dn("erna")}},
                     "dns": [routing_point("west"), {"folder": "Desks", "dns": [extension("wendy"), extension("erna")]}]}]

    def environment(self):
        environment = super().environment()
        environment["applications"]["TServer_1"]["options"]["connector2"]["pool-name"] = "West"
        return environment

    def dns_states(self):
        return subprocess.run([BIN / "tandemctl", "--config", self.file, "dns"], capture_output=True, text=True, check=True, timeout=60).stdout


@test
def each_pool_has_settings_of_its_own():  # MMC-298, MMC-299, MMC-302, MMC-304
    with Pools() as site:
        alice, wendy = site.phone("alice", "A"), site.phone("wendy", "B", connector=2)
        client = site.tlib(dn("support"), dn("west"), dn("alice"), dn("wendy"), dn("erna"))
        for phone, point, tone in ((alice, "support", "G"), (wendy, "west", "F")):
            phone.dial(dn(point))
            conn = client.wait("EventRouteRequest", ThisDN=dn(point))["ConnID"]
            client.send("RequestApplyTreatment", ThisDN=dn(point), ConnID=conn, TreatmentType="TreatmentMusic")
            client.wait("EventTreatmentApplied", ConnID=conn)
            hear((phone, tone))
        # The default pool's caller waits ten seconds for a router, West's two; then it goes to West's default DN.
        erna = site.phone("erna", "C", connector=2)
        mark = client.mark()
        wendy.do("hangup")
        client.wait("EventAbandoned", since=mark, ThisDN=dn("west"))
        mark = client.mark()
        wendy.dial(dn("west"))
        client.wait("EventEstablished", since=mark, ThisDN=dn("erna"))
        hear((wendy, "C"), (erna, "B"))
        # Without its Connector only West is out of service.
        mark = client.mark()
        wendy.do("hangup")
        client.wait("EventReleased", since=mark, ThisDN=dn("erna"))
        mark = client.mark()
        site.connector(2).kill()
        for who in ("west", "wendy", "erna"):
            client.wait("EventDNOutOfService", since=mark, ThisDN=dn(who))
        states = {line.split()[0]: "out of service" in line for line in site.dns_states().splitlines()[1:]}
        equal(states, {dn("alice"): False, dn("support"): False, dn("west"): True, dn("wendy"): True, dn("erna"): True}, "out of service")
        equal([e["type"] for e in alice.events if e["type"] == "CALL_CLOSED"], [], "alice's call")


class Listener:
    """A port that a link is made to; what certificate was shown there."""

    def __init__(self, site, port):
        self.shown = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(site.folder / "certs/connector.pem", site.folder / "certs/connector.key")
        context.load_verify_locations(site.folder / "certs/ca.pem")
        context.verify_mode = ssl.CERT_OPTIONAL
        self.listener = context.wrap_socket(socket.create_server((site.server_address, port)), server_side=True)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        try:
            while True:
                one, _ = self.listener.accept()
                self.shown.append(one.getpeercert())
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


class TwoWays(Site):
    """Besides the Connector two ports that only look like one."""

    def environment(self):
        environment = super().environment()
        options = environment["applications"]["TServer_1"]["options"]
        for number, (name, certificate) in enumerate((("with", "true"), ("without", "false")), 2):
            options["TServer"][f"link-{number}-name"] = name
            options[name] = {"hostname": self.server_address, "port": 9300 + number, "protocol": "tls", "use-certificate": certificate}
        return environment

    def start_tserver(self):
        self.listeners = [self.use(Listener(self, port)) for port in (9302, 9303)]
        return super().start_tserver()


@test
def a_link_can_leave_out_the_certificate():  # MMC-306
    with TwoWays() as site:
        until("both to be called", lambda: all(one.shown for one in site.listeners))
        shown, left_out = (one.shown[0] for one in site.listeners)
        assert shown, "a certificate is shown"
        assert not left_out, f"no certificate should be shown, but {left_out} is"


harness.main()
