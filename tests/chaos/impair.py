#!/usr/bin/env python3
"""Carries Ethernet frames between two interfaces, late and with losses: what tc netem does, for kernels that have none.

    impair.py IF1 IF2 DELAY JITTER LOSS        # milliseconds, milliseconds, percent; either way

Frames of one direction keep their order. ARP is left alone. Packets that the kernel would split or sum up only on a real card come with a
header that says so (PACKET_VNET_HDR), and go on with it. Needs root.
"""
import heapq
import random
import select
import socket
import sys
import time

SOL_PACKET, PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING = 263, 15, 23
HEADER = 10  # bytes of virtio_net_hdr before each frame
ETH_P_ALL, ETH_P_IP = 3, b"\x08\x00"


def opened(interface):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)  # nothing comes before it is bound
    s.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    s.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    s.setblocking(False)
    s.bind((interface, ETH_P_ALL))
    return s


def main():
    sides = [opened(name) for name in sys.argv[1:3]]
    delay, jitter, loss = (float(number) for number in sys.argv[3:6])
    waiting, count, last = [], 0, [0.0, 0.0]
    print("carries", flush=True)
    while True:
        wait = max(waiting[0][0] - time.monotonic(), 0) if waiting else None
        for side in select.select(sides, [], [], wait)[0]:
            to = 1 - sides.index(side)
            while True:
                try:
                    frame = side.recv(HEADER + 65536 + 14)
                except BlockingIOError:
                    break
                due = now = time.monotonic()
                if frame[HEADER + 12:HEADER + 14] == ETH_P_IP:
                    if random.random() * 100 < loss:
                        continue
                    due = now + (delay + random.uniform(-jitter, jitter)) / 1000
                last[to] = max(last[to], due)
                count += 1
                heapq.heappush(waiting, (last[to], count, to, frame))
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, to, frame = heapq.heappop(waiting)
            try:
                sides[to].send(frame)
            except OSError:
                pass  # the other side is down or full: one more that is lost


if __name__ == "__main__":
    main()
