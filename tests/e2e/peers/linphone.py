"""linphonec (Debian's linphone-cli), driven over its standard input. It verifies TLS certificates and wants the name of the URI in
them, so it is given a hosts file of its own in a mount namespace."""
import os
import pathlib
import re
import subprocess
import threading
import time

import harness
from peers import tones

RC = """[sip]
sip_port={port}
sip_tcp_port={port}
sip_tls_port={tls_port}
default_proxy=0
guess_hostname=1
use_ipv6=0
media_encryption=none
root_ca={ca}
verify_server_certs=1
verify_server_cn=1
[net]
mtu=1300
dns_srv_enabled=0
[rtp]
audio_rtp_port={rtp}
[sound]
echocancellation=0
[video]
enabled=0
capture=0
display=0
[auth_info_0]
username={user}
passwd={password}
realm={domain}
domain={domain}
[proxy_0]
reg_proxy=<{proxy}>
reg_route=<{proxy};lr>
reg_identity="{user}" <sip:{user}@{domain}>
reg_expires=300
reg_sendregister=1
publish=0
{codecs}"""
CODECS = (("opus", 48000), ("speex", 32000), ("speex", 16000), ("speex", 8000), ("PCMU", 8000), ("PCMA", 8000), ("GSM", 8000), ("G722", 8000))


class Linphone:
    def __init__(self, folder, user, password, proxy, tone, hosts, ca, auto=False, domain=harness.DOMAIN):
        self.folder, self.user, self.tone, self.hosts, self.auto = pathlib.Path(folder), user, tone, hosts, auto
        (self.folder / ".local/share/linphone").mkdir(parents=True)  # without it linphonec crashes
        codecs = "".join(f"[audio_codec_{i}]\nmime={mime}\nrate={rate}\nchannels=1\nenabled={int(mime in ('PCMU', 'PCMA'))}\n"
                         for i, (mime, rate) in enumerate(CODECS))
        (self.folder / "rc").write_text(RC.format(port=harness.free_port(), tls_port=harness.free_port(), rtp=harness.free_port() & ~1, ca=ca, user=user,
                                                  password=password, domain=domain, proxy=proxy, codecs=codecs))
        self.recording = self.folder / "heard.wav"
        self.output, self.at, self.changed = "", 0, threading.Condition()

    def __enter__(self):
        hosts = self.folder / "hosts"
        hosts.write_text("".join(f"{address} {name}\n" for name, address in {"localhost": "127.0.0.1", **self.hosts}.items()))
        inside = f"mount --bind {hosts} /etc/hosts && exec linphonec -c {self.folder}/rc -l {self.folder}/log -d 5{' -a' if self.auto else ''}"
        env = {k: v for k, v in os.environ.items() if not k.startswith("XDG_")}
        self.process = subprocess.Popen(["unshare", "--mount", "sh", "-c", inside], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, env={**env, "HOME": str(self.folder)})
        threading.Thread(target=self._read, daemon=True).start()
        self.do("soundcard use files")
        self.do(f"play {self.tone}")
        self.do(f"record {self.recording}")
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            try:
                self.do("quit")
                self.process.wait(5)
            except (OSError, subprocess.TimeoutExpired):
                self.process.kill()
                self.process.wait()

    stop = __exit__

    def log_text(self):
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def _read(self):
        while data := os.read(self.process.stdout.fileno(), 65536):
            with self.changed:
                self.output += data.decode("utf-8", "replace")
                self.changed.notify_all()

    def do(self, line):
        self.process.stdin.write((line + "\n").encode())
        self.process.stdin.flush()

    def expect(self, pattern, timeout=20.0):
        """Waits for output after what was matched last."""
        with self.changed:
            found = None

            def seen():
                nonlocal found
                found = re.compile(pattern).search(self.output, self.at)
                return found is not None
            if not self.changed.wait_for(seen, timeout * harness.SLOW):
                raise AssertionError(f"{self.user}: no /{pattern}/ in {self.output[self.at:][-800:]}")
            self.at = found.end()
            return found

    def registered(self):
        self.do("status register")
        return self.expect(r"registered=-?\d+|registered, identity").group(0).startswith("registered,")

    def wait_registered(self, timeout=20.0):
        harness.until(f"registration of {self.user}", lambda: self.registered() or time.sleep(0.2), timeout)


def over_tls(site, user, tone, auto=False, ca=None, seconds=60):
    """A linphone registered over TLS, which it verifies."""
    harness.need("linphonec", "unshare")
    if subprocess.run(["unshare", "--mount", "mount", "--bind", "/etc/hosts", "/etc/hosts"], stderr=subprocess.DEVNULL).returncode != 0:
        raise harness.Skipped("mount namespaces are not permitted")
    folder = site.folder / f"linphone-{user}"
    folder.mkdir()
    return site.use(Linphone(folder, user, f"{user}-secret", f"sip:{harness.DOMAIN}:5061;transport=tls", tones.make(folder / "tone.wav", tone, seconds),
                             {harness.DOMAIN: site.addresses[0]}, ca or site.folder / "certs/ca.pem", auto))
