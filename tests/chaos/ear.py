"""Hears every RTP packet that reaches the phones of this host, and when: by the kernel's clock, so that a busy machine counts for less."""
import select
import socket
import struct
import threading
import time

SOL_PACKET, PACKET_IGNORE_OUTGOING, SO_TIMESTAMPNS = 263, 23, 35
ETH_P_IP, UDP, PACKET_HOST = 0x0800, 17, 0


class Ear:
    """Phones are told by their media ports, which must be different ones."""

    def __init__(self, *phones):
        self.ports = {port: phone.user for phone in phones for port in phone.media[::2]}
        self.heard = {phone.user: [] for phone in phones}  # user -> [(when, from whom)]
        self.ended = threading.Event()
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind(("eth0", ETH_P_IP))
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        self.socket.close()

    def run(self):
        while not self.ended.is_set():
            if not select.select([self.socket], [], [], 0.2)[0]:
                continue
            packet, more, _, came = self.socket.recvmsg(64, 64)
            start = (packet[0] & 15) * 4
            if came[2] != PACKET_HOST or packet[9] != UDP or len(packet) < start + 4:
                continue
            user = self.ports.get(struct.unpack_from("!H", packet, start + 2)[0])
            if not user:
                continue
            seconds, nanoseconds = struct.unpack("qq", more[0][2])
            self.heard[user].append((seconds + nanoseconds / 1e9, socket.inet_ntoa(packet[12:16])))

    def speaker(self, user):
        """The address that the phone's last packet came from."""
        return self.heard[user][-1][1]

    def gap(self, user, since, until=None):
        """Longest time without a packet from `since` on, in seconds."""
        until = until or time.time()
        times = [when for when, _ in list(self.heard[user]) if since <= when <= until]
        edges = [since, *times, until]
        return max(later - earlier for earlier, later in zip(edges, edges[1:]))
