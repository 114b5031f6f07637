"""A headless baresip phone (Debian's baresip-core): plays a tone, records what it hears, is driven over its control port."""
import json
import os
import pathlib
import re
import socket
import subprocess
import threading
import time

CONFIG = """\
poll_method epoll
sip_listen {ip}:{port}
{certificates}
net_interface {interface}
call_local_timeout 120
call_max_calls 16
audio_source aufile,{tone}
audio_player aubridge,sink
audio_alert aubridge,alert
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
audio_buffer 20-160
audio_telev_pt 101
rtp_ports {rtp}-{rtp_end}
rtcp_mux no
jitter_buffer_delay 2-10
rtp_timeout 0
module_path /usr/lib/baresip/modules
{modules}
module_tmp uuid.so
module_tmp account.so
module_app contact.so
module_app menu.so
module ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
snd_path {folder}/recordings
ringback_disabled yes
menu_bell no
"""


class Phone:
    """`outbound`: where it sends everything, e.g. "sip:127.0.0.1:5060;transport=udp". `answer`: "auto" or "manual"."""

    def __init__(self, folder, user, password, outbound, tone, port, control, rtp, domain="tandem.test", ip="127.0.0.1",
                 answer="auto", codecs=("g711",), ca=None, register=True, regint=300):
        self.folder = pathlib.Path(folder)
        self.user, self.domain, self.ip = user, domain, ip
        self.events, self.replies, self.tokens = [], {}, 0
        self.changed = threading.Condition()
        self.control = control
        self.media = range(rtp, rtp + 40)
        (self.folder / "recordings").mkdir(parents=True, exist_ok=True)
        modules = [*codecs, "aufile", "aubridge", "sndfile"]
        (self.folder / "config").write_text(CONFIG.format(
            ip=f"[{ip}]" if ":" in ip else ip, interface=ip, port=port, tone=tone, rtp=rtp, rtp_end=rtp + 39, control=control, folder=self.folder,
            certificates=f"sip_cafile {ca}" if ca else "", modules="\n".join(f"module {m}.so" for m in modules)))
        transport = re.search(r"transport=(\w+)", outbound)
        (self.folder / "accounts").write_text(
            f"<sip:{user}@{domain}{';transport=' + transport[1] if transport else ''}>;auth_pass={password};regint={regint if register else 0}"
            f";outbound=\"{outbound}\";answermode={answer}\n")
        (self.folder / "contacts").write_text("")

    def __enter__(self):
        self.log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(["baresip", "-f", str(self.folder), "-s"], stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=subprocess.STDOUT)
        end = time.monotonic() + 40
        while True:
            try:
                self.socket = socket.create_connection(("127.0.0.1", self.control), 2)
                break
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    self.__exit__()
                    raise RuntimeError(f"baresip of {self.user} does not start: {self.log_text()[-1500:]}")
                time.sleep(0.05)
        self.socket.settimeout(None)
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if getattr(self, "socket", None):
            self.socket.close()
        self.log.close()

    def _read(self):
        buffer = b""
        while True:
            try:
                data = self.socket.recv(65536)
            except OSError:
                return
            if not data:
                return
            buffer += data
            while (head := re.match(rb"(\d+):", buffer)) and len(buffer) > head.end() + int(head[1]):
                end = head.end() + int(head[1])
                message = json.loads(buffer[head.end():end].decode("utf-8", "replace"))
                buffer = buffer[end + 1:]
                with self.changed:
                    if message.get("event"):
                        self.events.append(message)
                    else:
                        self.replies[message.get("token")] = message
                    self.changed.notify_all()

    def do(self, command, parameter=None, timeout=30):
        """One baresip command: dial, accept, hangup, hold, resume, transfer, sndcode ..."""
        with self.changed:
            self.tokens += 1
            token = f"t{self.tokens}"
        message = json.dumps({"command": command, "token": token, **({"params": parameter} if parameter else {})}).encode()
        self.socket.sendall(b"%d:%s," % (len(message), message))
        with self.changed:
            if not self.changed.wait_for(lambda: token in self.replies, timeout):
                raise TimeoutError(f"{self.user}: no reply to {command}")
            return self.replies.pop(token)

    def dial(self, address, attempts=5):
        """Calls; somebody else's load test may hold its media ports for a moment."""
        while not (reply := self.do("dial", address)).get("ok"):
            attempts -= 1
            if not attempts:
                raise AssertionError(f"{self.user} can't dial: {reply}")
            time.sleep(1)

    def mark(self):
        with self.changed:
            return len(self.events)

    def wait(self, kind, timeout=40, since=0):
        """First event of this type from index `since` on (CALL_INCOMING, CALL_ESTABLISHED, CALL_CLOSED ...)."""
        def found():
            return next((e for e in self.events[since:] if e.get("type") == kind), None)
        with self.changed:
            if not self.changed.wait_for(lambda: found() is not None, timeout):
                raise TimeoutError(f"{self.user}: no {kind}, seen {[e.get('type') for e in self.events[since:]]}")
            return found()

    def log_text(self):
        return (self.folder / "log").read_text(errors="replace")

    def wait_log(self, pattern, timeout=40):
        end = time.monotonic() + timeout
        while not re.search(pattern, self.log_text()):
            if time.monotonic() > end:
                raise TimeoutError(f"{self.user}: log has no {pattern}: {self.log_text()[-1500:]}")
            time.sleep(0.05)

    def wait_registered(self, timeout=40):
        # From the log: the event may come before the control connection is up.
        self.wait_log(re.escape(f"{self.user}@{self.domain}") + r": (\{[^}]*\} )?200 ", timeout)

    def recordings(self):
        """What it heard, one WAV a call, oldest first. Read them after the phone has ended."""
        return sorted((self.folder / "recordings").glob("*-dec.wav"), key=os.path.getmtime)

    def stop(self):
        """Ends the process, so that its recordings are complete."""
        self.__exit__()

    def kill(self):
        """Ends the process at once: a phone whose registrar is gone would wait for it for five seconds."""
        self.process.kill()
        self.process.wait()
