#!/usr/bin/env python3
"""One DNS name with an address record for each Connector and TTL 0: callers spread. A trunk by its name: NAPTR and SRV say where it is, and
an address that is dead is left for the next (RFC 3263). Runs in a network namespace of its own, where
port 53 and resolv.conf are ours. The system's resolver sorts addresses by nearness (RFC 6724), which on a real network hides the
rotation; on loopback all are equally near, so that the order the server gives is the order in which they are tried."""
import os
import pathlib
import socket
import subprocess
import sys
import time

import harness
from calls import dn, equal
from harness import Program, Site, Skipped, need, test
from peers import scenarios

NAMESPACE = f"tandem-e2e-{os.getpid()}"
POOL = "pool.tandem.test"


def inside(name):
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
        done = subprocess.run(["ip", "netns", "exec", NAMESPACE, sys.executable, __file__, name],
                              env={**os.environ, "TANDEM_DNS_TEST": "1"}, check=False)
        assert done.returncode == 0, "failed in the namespace"
    finally:
        subprocess.run(["ip", "netns", "del", NAMESPACE], check=False)
        for file in etc.glob("*"):
            file.unlink()
        etc.rmdir()
    return False


def serve_names(site, records):
    (site.folder / "dnsmasq.conf").write_text(
        "no-resolv\nno-hosts\nbind-interfaces\nlisten-address=127.0.0.1\nlocal-ttl=0\nlog-queries\nlog-facility=-\nlocal=/test/\nuser=root\n" + records)
    dns = Program("dnsmasq", ["dnsmasq", "--no-daemon", "-C", site.folder / "dnsmasq.conf"], site.folder)
    site.stack.callback(dns.stop)
    dns.wait_text("started")


@test
def callers_spread_over_the_pool():
    if not inside("callers_spread_over_the_pool"):
        return
    with Site(connectors=2, front_end={"domains": [harness.DOMAIN, POOL]}) as site:
        records = "".join(f"host-record={POOL},{address}\n" for address in site.addresses)
        serve_names(site, records)
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


@test
def a_trunk_is_found_by_its_name_and_a_dead_address_is_left():
    if not inside("a_trunk_is_found_by_its_name_and_a_dead_address_is_left"):
        return
    trunks = [{"name": "carrier", "contact": "sip:carrier.test", "prefix": ["+"]}]
    with Site(trunks=trunks, sip={"next-address-timeout": "1 sec"}) as site:
        dead, alive = site.host(), site.host()
        silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # an address that takes everything and never answers
        silent.bind((dead, 5070))
        site.stack.callback(silent.close)
        serve_names(site, f"host-record=edge1.carrier.test,{dead}\nhost-record=edge2.carrier.test,{alive}\n"
                    "naptr-record=carrier.test,10,10,s,SIP+D2U,,udp.carrier.test\nnaptr-record=carrier.test,20,10,s,SIP+D2T,,tcp.carrier.test\n"
                    "srv-host=udp.carrier.test,edge1.carrier.test,5070,10\nsrv-host=udp.carrier.test,edge2.carrier.test,5080,20\n")
        alice = site.phone("alice", "A")
        client = site.tlib(dn("alice"))
        took = []
        gateway = site.sipp(scenarios.agent(), address=alive, port=5080, calls=2)
        for _ in range(2):
            mark = client.mark()
            begun = time.monotonic()
            client.send("RequestMakeCall", ThisDN=dn("alice"), OtherDN="+4420")
            client.wait("EventEstablished", since=mark, ThisDN=dn("alice"))
            took.append(time.monotonic() - begun)
            alice.do("hangup")
            client.wait("EventReleased", since=mark, ThisDN=dn("alice"))
        gateway.finish()
        print("    seconds to the answer:", [round(t, 1) for t in took])
        equal(site.log("connector1").count("no answer from"), 1)  # the second call goes to the living one at once
        assert took[1] < took[0], took


harness.main()
