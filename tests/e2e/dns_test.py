#!/usr/bin/env python3
"""One DNS name with an address record for each Connector and TTL 0: callers spread. Runs in a network namespace of its own, where
port 53 and resolv.conf are ours. The system's resolver sorts addresses by nearness (RFC 6724), which on a real network hides the
rotation; on loopback all are equally near, so that the order the server gives is the order in which they are tried."""
import os
import pathlib
import subprocess
import sys

import harness
from calls import dn, equal
from harness import Program, Site, Skipped, need, test
from peers import scenarios

NAMESPACE = f"tandem-e2e-{os.getpid()}"
POOL = "pool.tandem.test"


def inside():
    """Starts this very test again in a fresh namespace; True if we are in it already."""
    if os.environ.get("TANDEM_DNS_TEST"):
        return True
    need("ip", "dnsmasq")
    made = subprocess.run(["ip", "netns", "add", NAMESPACE], capture_output=True, text=True)
    if made.returncode != 0:
        raise Skipped("network namespaces are not permitted: " + made.stderr.strip())
    etc = pathlib.Path("/etc/netns") / NAMESPACE
    try:
        etc.mkdir(parents=True)
        (etc / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:2\n")
        (etc / "hosts").write_text(f"127.0.0.1 localhost {os.uname().nodename}\n")
        subprocess.run(["ip", "-n", NAMESPACE, "link", "set", "lo", "up"], check=True)
        done = subprocess.run(["ip", "netns", "exec", NAMESPACE, sys.executable, __file__, "callers_spread_over_the_pool"],
                              env={**os.environ, "TANDEM_DNS_TEST": "1"}, check=False)
        assert done.returncode == 0, "failed in the namespace"
    finally:
        subprocess.run(["ip", "netns", "del", NAMESPACE], check=False)
        for file in etc.glob("*"):
            file.unlink()
        etc.rmdir()
    return False


@test
def callers_spread_over_the_pool():
    if not inside():
        return
    with Site(connectors=2, front_end={"domains": [harness.DOMAIN, POOL]}) as site:
        records = "".join(f"host-record={POOL},{address}\n" for address in site.addresses)
        (site.folder / "dnsmasq.conf").write_text(
            "no-resolv\nno-hosts\nbind-interfaces\nlisten-address=127.0.0.1\nlocal-ttl=0\nlog-queries\nlog-facility=-\nlocal=/test/\nuser=root\n" + records)
        dns = Program("dnsmasq", ["dnsmasq", "--no-daemon", "-C", site.folder / "dnsmasq.conf"], site.folder)
        site.stack.callback(dns.stop)
        dns.wait_text("started")
        outbound = f"sip:{POOL};transport=udp"  # a phone that does its own DNS
        site.phone("bob", "B", outbound=outbound)
        client = site.tlib(dn("support"), dn("bob"))
        for _ in range(10):  # each caller asks for itself
            mark = client.mark()
            caller = site.sipp(scenarios.caller(), target=f"{POOL}:5060", service="support", pause=200)
            request = client.wait("EventRouteRequest", since=mark, ThisDN=dn("support"))
            client.send("RequestRouteCall", ThisDN=dn("support"), ConnID=request["ConnID"], OtherDN=dn("bob"))
            caller.finish()
            client.wait("EventReleased", since=mark, ThisDN=dn("bob"))
        took = [site.log(f"connector{number}").count(" offered: ") for number in (1, 2)]
        print("    calls taken:", took)
        equal(sum(took), 10)
        assert min(took) >= 2, took


harness.main()
