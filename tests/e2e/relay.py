"""A TCP relay that cuts its connections, at any byte."""
import random
import selectors
import socket
import struct
import threading
import time


class Relay:
    """Passes bytes from `address`:`port` to `target`. With rough() each connection is cut after some bytes or some time, with what is on its way."""

    def __init__(self, address, target, seed=1):
        self.listener = socket.create_server((address, 0))
        self.address = "%s:%d" % self.listener.getsockname()
        self.target = target
        self.random = random.Random(seed)
        self.cuts = self.accepted = 0
        self._rough = False
        self._ended = False
        self.pairs = {}  # socket -> [the other, bytes left, deadline]
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self._ended = True
        self.thread.join()
        self.listener.close()

    def rough(self, on):
        self._rough = on

    def cut_all(self):
        """At the next opportunity."""
        for state in list(self.pairs.values()):
            state[2] = 0

    def _run(self):
        while not self._ended:
            for key, _ in self.selector.select(0.01):
                if key.fileobj is self.listener:
                    self._accept()
                elif key.fileobj in self.pairs:
                    self._pass(key.fileobj)
            now = time.monotonic()
            for one in [one for one, state in self.pairs.items() if state[2] is not None and state[2] <= now]:
                if one in self.pairs:
                    self._cut(one)
        for one in list(self.pairs):
            if one in self.pairs:
                self._cut(one)
        self.selector.close()

    def _accept(self):
        near, _ = self.listener.accept()
        self.accepted += 1
        try:
            far = socket.create_connection(self.target, timeout=2)
        except OSError:
            near.close()
            return
        left = self.random.randint(500, 30000) if self._rough else None
        deadline = time.monotonic() + self.random.uniform(0.05, 0.6) if self._rough else None
        for one, other in ((near, far), (far, near)):
            self.pairs[one] = [other, left, deadline]
            self.selector.register(one, selectors.EVENT_READ)

    def _pass(self, one):
        state = self.pairs[one]
        try:
            data = one.recv(4096)
            if state[1] is not None:
                data, whole = data[:state[1]], data
                state[1] -= len(whole)
            state[0].sendall(data)
        except OSError:
            data = b""
        if not data or (state[1] is not None and state[1] <= 0):
            self._cut(one)

    def _cut(self, one):
        """Both ends, without a word (reset) or politely."""
        self.cuts += 1
        other = self.pairs[one][0]
        for end in (one, other):
            self.pairs.pop(end, None)
            self.selector.unregister(end)
            if self.random.random() < 0.5:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.close()
