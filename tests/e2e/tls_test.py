#!/usr/bin/env python3
"""SIP over TLS: a phone that verifies our certificate registers and calls; SIPp through socat; what isn't trusted is refused."""
import subprocess

import harness
from calls import both_hear, dn, equal, plain, routed, steps, talk, until
from harness import DOMAIN, Program, Site, need, test
from peers import scenarios, sipp, tones
from peers.linphone import over_tls as linphone


@test
def linphone_registers_and_calls_over_tls():
    with Site() as site:
        alice, bob = linphone(site, "alice", "A"), site.phone("bob", "B")
        alice.wait_registered()
        client = site.tlib(dn("support"), dn("bob"))
        alice.do("call " + dn("support"))
        request = client.wait("EventRouteRequest", ThisDN=dn("support"))
        equal(request["OtherDN"], dn("alice"))
        client.send("RequestRouteCall", ThisDN=dn("support"), ConnID=request["ConnID"], OtherDN=dn("bob"))
        client.wait("EventEstablished", ThisDN=dn("bob"))
        alice.expect("Media streams established|answered")
        talk(3)
        alice.do("terminate")
        bob.wait("CALL_CLOSED")
        client.wait("EventReleased", ThisDN=dn("bob"))
        alice.stop()
        bob.stop()
        equal(sorted(tones.heard_last(bob.recordings()[-1], 1.5)), ["A"], "heard by bob")
        equal(sorted(tones.parties_heard(alice.recording)), ["B"], "heard by alice")


@test
def linphone_is_called_over_its_connection():
    with Site() as site:
        alice, bob = linphone(site, "alice", "A", auto=True), site.phone("bob", "B")
        alice.wait_registered()
        client = site.tlib(dn("alice"), dn("bob"))
        bob.dial(dn("alice"))
        client.wait("EventEstablished", ThisDN=dn("alice"))
        bob.wait("CALL_ESTABLISHED")
        talk(3)
        bob.do("hangup")
        client.wait("EventReleased", ThisDN=dn("alice"))
        alice.stop()
        bob.stop()
        equal(sorted(tones.heard_last(bob.recordings()[-1], 1.5)), ["A"], "heard by bob")
        equal(sorted(tones.parties_heard(alice.recording)), ["B"], "heard by alice")


@test
def a_phone_that_does_not_trust_us_stays_away():
    with Site() as site:
        other = site.folder / "other"
        subprocess.run([harness.ROOT / "deploy/certs", other, "x=127.0.0.1"], check=True)
        alice = linphone(site, "alice", "A", ca=other / "ca.pem")
        until("a failed attempt", lambda: "certificate" in alice.log_text().lower(), 20)
        for _ in range(3):
            assert not alice.registered()


@test
def sipp_calls_through_socat():
    need("socat")
    with Site() as site:
        client = site.tlib(dn("support"), dn("bob"))
        tunnel = site.host()
        site.programs["socat"] = Program("socat", [
            "socat", f"TCP-LISTEN:5060,bind={tunnel},fork,reuseaddr",
            f"OPENSSL:{site.addresses[0]}:5061,cafile={site.folder}/certs/ca.pem,commonname={DOMAIN}"], site.folder)
        site.stack.callback(site.programs["socat"].kill)
        harness.until("socat", lambda: listening(tunnel))
        agent = site.sipp(scenarios.agent(), address=sipp.register(site, "bob"))
        text = scenarios.caller().replace("SIP/2.0/[transport]", "SIP/2.0/TLS").replace("transport=[transport]", "transport=tls")
        caller = site.sipp(text, target=f"{tunnel}:5060", transport="t1", service="support")
        request = client.wait("EventRouteRequest")
        client.send("RequestRouteCall", ThisDN=dn("support"), ConnID=request["ConnID"], OtherDN=dn("bob"))
        caller.finish()
        agent.finish()
        client.wait("EventReleased", ThisDN=dn("bob"))


def listening(address):
    import socket
    try:
        socket.create_connection((address, 5060), 1).close()
        return True
    except OSError:
        return False


harness.main()
