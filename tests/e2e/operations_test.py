#!/usr/bin/env python3
"""What operators do: metrics that tell of a real call, graceful stops, new certificates, configuration read again."""
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import time

import harness
from calls import both_hear, closed, dn, equal, routed, talk, until
from harness import BIN, ROOT, test
from watched import PATIENT, Watched


def gone(*phones):
    for phone in phones:
        phone.kill()


@test
def metrics_match_a_real_call():
    with Watched() as site:
        server, connector = site.server_address, site.addresses[0]
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        client = site.tlib(dn("support"), dn("bob"))
        idle = site.metrics(connector)
        equal((idle["tandem_conversations"], idle["tandem_media_endpoints"]), (0, 0), "before the call")
        equal(idle["tandem_registered_contacts"], 2, "contacts")
        equal(idle['tandem_links{role="primary"}'], 1, "primary T-Servers")
        routed(site, alice, client)
        during, there = site.metrics(server), site.metrics(connector)
        equal(during['tandem_calls{state="connected",type="Internal"}'], 1, "calls")
        equal(during["tandem_calls_created_total"], 1, "calls created")
        point = f'{{dn="{dn("support")}"}}'
        for name, wanted in (("entered_total", 1), ("diverted_total", 1), ("calls", 0), ("routers", 1), ("wait_seconds_count", 1)):
            equal(during[f"tandem_queue_{name}{point}"], wanted, f"tandem_queue_{name}")
        equal(during['tandem_requests_total{request="RequestRouteCall",result="accepted"}'], 1, "route requests")
        equal(during['tandem_events_total{event="EventEstablished"}'], 1, "EventEstablished")
        equal(during['tandem_link_up{link="connector1"}'], 1, "link")
        equal(during['tandem_link_calls{link="connector1"}'], 1, "calls on the link")
        assert 0 < during['tandem_link_round_trip_seconds{link="connector1"}'] < 1
        equal((there["tandem_conversations"], there['tandem_parties{state="connected"}'], there["tandem_media_ports_used"]), (1, 2, 4), "the call")
        equal(there['tandem_sip_responses_total{method="INVITE",direction="in",status="200"}'], 1, "answers of phones")
        for numbers in (during, there):
            left = min(value for name, value in numbers.items() if name.startswith("tandem_certificate_expires_seconds")) - time.time()
            assert 86400 < left < 900 * 86400, f"certificate ends in {left} s"
        client.send("RequestRouteCall", ThisDN=dn("support"), ConnID="0000000000000001", OtherDN=dn("bob"))
        client.wait("EventError")
        equal(site.metrics(server)['tandem_requests_total{request="RequestRouteCall",result="refused"}'], 1, "refused")
        packets = 'tandem_media_packets_total{direction="in"}'
        talk(3)
        heard = site.metrics(connector)[packets] - there[packets]
        assert 100 < heard < 900, f"{heard} packets in some three seconds of two phones"
        alice.do("hangup")
        closed(alice, bob)
        until("the call to be gone", lambda: site.metrics(connector)["tandem_conversations"] == 0)
        equal(site.metrics(connector)["tandem_media_endpoints"], 0, "endpoints after the call")
        equal(site.metrics(connector)['tandem_sip_requests_total{method="BYE",direction="in"}'], 1, "BYE of alice")
        equal(sum(v for n, v in site.metrics(server).items() if n.startswith("tandem_calls{")), 0, "calls after it")
        # What alarms and their chapters are about is there.
        rules = (ROOT / "deploy/monitoring/rules.yml").read_text()
        known = {re.sub(r"(_bucket)?(\{.*)?$", "", name) for name in (*during, *site.metrics(server), *site.metrics(connector))}
        dashboard = (ROOT / "deploy/monitoring/dashboard.json").read_text()
        shown = " ".join(target["expr"] for panel in json.loads(dashboard)["panels"] for target in panel["targets"])
        watched = set(re.sub("_bucket$", "", name) for name in re.findall(r"\btandem_\w+", rules + shown))
        equal({name for name in watched if not name.startswith("tandem_sync_")} - known, set(), "metrics of alarms and of the dashboard that are not there")
        chapters = re.findall(r"^## (Tandem\w+)", (ROOT / "docs/runbook.md").read_text(), re.M)
        for alert, chapter in re.findall(r"alert: (\w+).*?runbook.md#(\w+)", rules, re.S):
            assert chapter in [c.lower() for c in chapters], f"no chapter {chapter} for {alert}"
        equal(site.page(server, "/health"), (200, "ok\n"), "/health")
        equal(site.page(server, "/ready")[0], 200, "/ready")
        equal(json.loads(site.page(connector, "/status")[1])["state"], "ready", "state")


@test
def a_drained_connector_keeps_its_call_takes_no_other_and_ends_with_it():
    """MMC-86, MMC-271, MMC-274, MMC-275: graceful stop of one of several Connectors."""
    with Watched(connectors=2, connector=PATIENT) as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        carol, dave = site.phone("carol", "C", connector=2), site.phone("dave", "D", connector=2)
        client = site.tlib(dn("support"), *(dn(user) for user in ("alice", "bob", "carol", "dave")))
        routed(site, alice, client)
        talk(1)
        equal(site.ctl("--app", "Connector_1", "drain")[0], 0, "tandemctl drain")
        host = site.addresses[0]
        until("the T-Server to know", lambda: site.metrics(site.server_address)['tandem_link_draining{link="connector1"}'] == 1)
        equal(json.loads(site.page(host, "/status")[1])["state"], "suspending", "state")
        equal(site.page(host, "/ready")[0], 503, "/ready")
        status, text = site.ctl("status")
        assert status == 0 and "suspending" in text, text
        # A new caller is sent elsewhere, the other Connector serves everybody.
        sam = site.phone("sam", "E", registered=False)
        sam.dial(dn("support"))
        sam.wait("CALL_CLOSED")
        routed(site, carol, client, agent="dave")
        talk(2)
        equal([e["type"] for e in alice.events if e["type"] == "CALL_CLOSED"], [], "alice's call")
        assert site.connector(1).alive(), "it ended before its call"
        alice.do("hangup")
        closed(alice)
        equal(site.connector(1).wait(15), 0, "exit status")
        client.wait("EventReleased", since=0, ThisDN=dn("bob"))
        both_hear((alice, "B"), (bob, "A"), seconds=2)
        gone(sam)


@test
def an_only_connector_frees_each_dn_when_it_falls_idle():
    """MMC-273: graceful stop of the only Connector."""
    with Watched(connector=PATIENT) as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        client = site.tlib(dn("support"), dn("alice"), dn("bob"), dn("carol"))
        routed(site, alice, client)
        mark = client.mark()
        site.connector().process.send_signal(signal.SIGTERM)
        for idle in ("carol", "support"):
            client.wait("EventDNOutOfService", since=mark, ThisDN=dn(idle))
        equal([e["ThisDN"] for e in client.events[mark:] if e["event"] == "EventDNOutOfService" and e["ThisDN"] != dn("carol")],
              [dn("support")], "DNs that were idle")
        talk(1)
        assert site.connector().alive()
        alice.do("hangup")
        closed(alice, bob)
        client.wait("EventReleased", since=mark, ThisDN=dn("bob"))
        client.wait("EventDNOutOfService", since=mark, ThisDN=dn("bob"))
        equal(site.connector().wait(15), 0, "exit status")
        gone(alice, bob)


@test
def told_again_it_ends_its_calls_by_bye():
    with Watched(connector=PATIENT) as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B")
        routed(site, alice, site.tlib(dn("support"), dn("bob")))
        site.connector().process.send_signal(signal.SIGTERM)
        until("it to drain", lambda: "drains: takes no new calls, 1 calls are left" in site.log("connector1"))
        equal(site.ctl("--app", "Connector_1", "stop", "--force")[0], 0, "tandemctl stop --force")
        closed(alice, bob)
        equal(site.connector().wait(15), 0, "exit status")
        gone(alice, bob)


@test
def a_tserver_waits_for_the_call_that_rings():
    with Watched(tserver={"stop-timeout": 30}) as site:
        alice, bob = site.phone("alice", "A"), site.phone("bob", "B", answer="manual")
        client = site.tlib(dn("support"), dn("bob"))
        mark = client.mark()
        alice.dial(dn("support"))
        request = client.wait("EventRouteRequest", since=mark)
        client.send("RequestRouteCall", ThisDN=dn("support"), ConnID=request["ConnID"], OtherDN=dn("bob"))
        client.wait("EventRinging", since=mark)
        site.tserver.process.send_signal(signal.SIGTERM)
        until("it to wait", lambda: json.loads(site.page(site.server_address, "/status")[1])["state"] == "suspending")
        time.sleep(0.5)
        assert site.tserver.alive()
        bob.do("accept")
        client.wait("EventEstablished", since=mark)
        equal(site.tserver.wait(15), 0, "exit status")
        talk(1)
        equal([e["type"] for e in alice.events if e["type"] == "CALL_CLOSED"], [], "alice's call")
        alice.do("hangup")
        closed(alice, bob)


def serial(site, address, port):
    """Serial number of the certificate that is shown there to a new connection."""
    context = ssl.create_default_context(cafile=site.folder / "certs/ca.pem")
    context.check_hostname = False
    context.load_cert_chain(site.folder / "certs/client.pem", site.folder / "certs/client.key")
    with socket.create_connection((address, port), 10) as raw, context.wrap_socket(raw) as tls:
        der = tls.getpeercert(binary_form=True)
    return subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-serial"], input=der, capture_output=True, check=True).stdout


def renew(site, *names):
    hosts = ",".join([site.server_address, *site.addresses, "localhost", "127.0.0.1"])
    for name in names:
        (site.folder / f"certs/{name}.pem").unlink()
    subprocess.run([ROOT / "deploy/certs", site.folder / "certs", *(f"{name}=tandem.test,{hosts}" for name in names)], check=True)


@test
def new_certificates_count_for_new_connections_and_no_old_one_drops():
    with Watched() as site:
        client = site.tlib(dn("support"), dn("alice"))
        ports = (("T-Library", site.server_address, site.tlib_port, site.tserver, "tserver"),
                 ("link", site.addresses[0], site.link_port, site.connector(), "connector1"))
        for what, address, port, program, log in ports:
            before = serial(site, address, port)
            renew(site, "tserver" if log == "tserver" else "connector")
            equal(serial(site, address, port), before, f"{what}: nothing changes by itself")
            program.process.send_signal(signal.SIGHUP)
            until(f"{what}: the new certificate", lambda: serial(site, address, port) != before)
            # A pair that does not belong together is refused, what is in force stays.
            now = serial(site, address, port)
            key = site.folder / f"certs/{'tserver' if log == 'tserver' else 'connector'}.key"
            good = key.read_bytes()
            key.write_bytes((site.folder / "certs/client.key").read_bytes())
            program.process.send_signal(signal.SIGHUP)
            until(f"{what}: the refusal", lambda: "files in force stay" in site.log(log))
            equal(serial(site, address, port), now, f"{what}: a wrong pair changes nothing")
            key.write_bytes(good)
        equal(site.log("tserver").count("link connector1: connected"), 1, "the link was never lost")
        client.send("RequestQueryAddress", ThisDN=dn("alice"), InfoType="AddressInfoDNStatus")
        client.wait("EventAddressInfo")


@test
def a_wrong_file_changes_nothing_and_a_right_one_what_it_says():
    with Watched() as site:
        good = site.file.read_text()
        site.file.write_text(good.replace('"router-timeout": 10', '"router-timeout": "ten"'))
        for program, log in ((site.tserver, "tserver"), (site.connector(), "connector1")):
            program.process.send_signal(signal.SIGHUP)
            until("the mistake to be told", lambda: 'router-timeout is "ten"' in site.log(log))
        assert "the settings in force stay" in site.log("tserver")
        site.file.write_text(good.replace('"router-timeout": 10', '"router-timeout": 12'))
        site.tserver.process.send_signal(signal.SIGHUP)
        until("the difference to be told", lambda: "TServer/router-timeout changed from 10 to 12, takes effect immediately" in site.log("tserver"))


@test
def the_service_manager_hears_of_it():
    for program, application in (("tserver", "TServer_1"), ("connector", "Connector_1")):
        with Watched() as site:
            name = site.folder / "notify"
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
                manager.bind(str(name))
                manager.settimeout(20 * harness.SLOW)
                site.programs[application].stop(signal.SIGINT)
                with open(site.folder / "again.out", "wb") as out:
                    process = subprocess.Popen([BIN / program, "--config", site.file, "--app", application], cwd=site.folder, stdout=out,
                                               stderr=subprocess.STDOUT, env={**os.environ, "NOTIFY_SOCKET": str(name), "WATCHDOG_USEC": "2000000"})
                try:
                    words = []

                    def heard(word):
                        while not any(word in one for one in words):
                            words.append(manager.recv(4096).decode())
                    heard("READY=1")
                    heard("WATCHDOG=1")
                    process.send_signal(signal.SIGHUP)
                    heard("RELOADING=1")
                    words.clear()
                    heard("READY=1")
                    process.send_signal(signal.SIGTERM)
                    heard("STOPPING=1")
                    equal(process.wait(15 * harness.SLOW), 0, "exit status")
                finally:
                    process.kill()
                    process.wait()


if __name__ == "__main__":
    harness.main()
