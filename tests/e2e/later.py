"""Programs of a later minor version, as the other side sees them: a relay on each connection that raises the minor version in every Hello and
adds to the messages what an earlier program can't know: fields, kinds of messages, kinds of records.

The relay ends TLS with the programs' own certificates and reads the messages as bytes (see peers/wire.py): nothing here knows more of the protocols
than the numbers of the fields that it must change.
"""
import socket
import ssl
import struct
import threading

from peers.wire import data, frame, number, parts, read_frame, varint

GROWN = number(1900, 7) + data(1901, "of a later version") + data(1902, number(1, 1))
MASK = (1 << 64) - 1


def packed(all_parts):
    out = b""
    for field, kind, value in all_parts:
        out += varint(field << 3 | kind)
        out += varint(value) if kind == 0 else (varint(len(value)) if kind == 2 else b"") + value
    return out


def changed(message, **by):
    """With each field fN replaced by what the function makes of its value; a number that is absent counts as 0."""
    functions = {int(name[1:]): function for name, function in by.items()}
    there = parts(message)
    out = [(f, k, functions[f](v)) if f in functions else (f, k, v) for f, k, v in there]
    return packed(out)


def grown(message, *path):
    """The message with what we add, and those within it in the fields of `path`, each (field, fields in there ...)."""
    inner = {one[0]: one[1:] for one in path}
    return packed([(f, k, grown(v, *inner[f]) if f in inner and k == 2 else v) for f, k, v in parts(message)]) + GROWN


def record_hash(value, seed=0):
    """As tserver/records/checksum.h."""
    odd = 0x9e3779b97f4a7c15

    def mix(x):
        x = ((x ^ (x >> 32)) * 0xd6e8feb86659fd93) & MASK
        return x ^ (x >> 29)
    result = mix(seed ^ (len(value) * odd & MASK))
    whole = len(value) // 8 * 8
    for (word,) in struct.iter_unpack("<Q", value[:whole]):
        result = (mix(result ^ word) + odd) & MASK
    rest = int.from_bytes(value[whole:], "little")
    return mix((mix(result ^ rest) + odd) & MASK)


def record_sum(key, record):
    return record_hash(record, record_hash(key))


class Plain:
    """One direction of a connection, as it is."""

    def __call__(self, message):
        return [message]


class LaterLink:
    """What a later T-Server or Connector says on a CTI link: more fields, and after its first Hello an envelope that nobody knows."""

    def __init__(self):
        self.added = 0

    def __call__(self, message):
        body = {f for f, _, _ in parts(message)}
        epoch = next((v for f, _, v in parts(message) if f == 2), 0)
        message = changed(message, f1=lambda n: n + self.added)
        if 3 in body:
            message = changed(message, f3=lambda hello: grown(changed(hello, f2=lambda n: n + 1) if any(f == 2 for f, _, _ in parts(hello))
                                                              else hello + number(2, 1)))
        if 6 in body:  # Snapshot: Conversation: Party
            message = changed(message, f6=lambda snapshot: grown(snapshot, (1, (5,)), (2,)))
        if body & {7, 8}:  # Command, Happening: all that they are about are messages with a number from 10 on
            def inner(one):
                return packed([(f, k, v + GROWN if f >= 10 and k == 2 else v) for f, k, v in parts(one)]) + GROWN
            message = changed(message, f7=inner, f8=inner)
        out = [message + GROWN]
        if 3 in body and self.added == 0:
            sequence = next(v for f, _, v in parts(message) if f == 1)
            self.added = 1
            out.append(number(1, sequence + 1) + (number(2, epoch) if epoch else b"") + data(1000, GROWN))
        return out


class LaterSync:
    """What a later T-Server tells its backup, or answers as one: records grow, and there is one of a kind that an earlier one doesn't know."""

    NEW = (b"zlater", GROWN)

    def __init__(self):
        self.sums = {}  # key -> what ours adds to the checksum

    def put(self, put):
        fields = {f: v for f, _, v in parts(put)}
        key, record = fields.get(1, b""), fields.get(2, b"")
        later = packed([(f, k, v + GROWN if k == 2 else v) for f, k, v in parts(record)]) + GROWN
        self.sums[key] = record_sum(key, later) - record_sum(key, record)
        return packed([(f, k, later if f == 2 else v) for f, k, v in parts(put)])

    def forget(self, key):
        self.sums.pop(key, None)
        return key

    def count_and_sum(self, message, count, checksum):
        values = {f: v for f, _, v in parts(message)}
        total = int.from_bytes(values.get(checksum, bytes(8)), "little") + sum(self.sums.values()) + record_sum(*self.NEW)
        rest = [(f, k, v) for f, k, v in parts(message) if f not in (count, checksum)]
        return packed([*rest, (count, 0, values.get(count, 0) + 1), (checksum, 1, (total & MASK).to_bytes(8, "little"))]) + GROWN

    def __call__(self, message):
        (body, _, value), *_ = parts(message)
        if body == 1:  # Hello
            value = grown(changed(value, f2=lambda n: n + 1) if any(f == 2 for f, _, _ in parts(value)) else value + number(2, 1))
        elif body == 2:  # SnapshotBegin
            self.sums = {}
            value = grown(value)
        elif body == 3:  # Records
            value = changed(value, f1=self.put) + GROWN
        elif body == 4:  # SnapshotEnd
            value = self.count_and_sum(value, 1, 2)
            new = data(1, self.NEW[0]) + data(2, self.NEW[1])
            return [data(3, data(1, new)), data(4, value) + GROWN]
        elif body == 5:  # Delta
            value = changed(value, f3=self.put, f4=self.forget) + GROWN
        elif body == 6:  # Poll
            value = self.count_and_sum(value, 3, 4)
        else:
            value = grown(value)
        return [data(body, value) + GROWN]


class LaterTlib:
    """A later T-Library program: further attributes in every message, the next minor version where one is named."""

    def __call__(self, message):
        return [changed(message, f1=lambda version: version.replace(b"protocol 4.2", b"protocol 4.3")) + GROWN]


LATER = {"link": LaterLink, "sync": LaterSync, "tlib": LaterTlib}


class Versions:
    """Which programs are later ones; asked for each new connection."""

    def __init__(self, certificates):
        self.certificates = certificates
        self.later = set()
        self.messages = 0  # that were changed
        self.relays = []
        self.ended = False

    def context(self, name, server):
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        made.load_cert_chain(self.certificates / f"{name}.pem", self.certificates / f"{name}.key")
        made.load_verify_locations(self.certificates / "ca.pem")
        made.check_hostname = False
        made.verify_mode = ssl.CERT_REQUIRED
        return made

    def relay(self, protocol, at, to, caller, called, names=("tserver", "tserver")):
        """Connections of application `caller` to `called`. `names`: whose certificates they show."""
        listener = socket.create_server(at)
        self.relays.append(listener)
        near_tls, far_tls = self.context(names[1], True), self.context(names[0], False)

        def accept():
            while not self.ended:
                try:
                    raw, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=join, args=(raw,), daemon=True).start()

        def join(raw):
            try:
                raw.settimeout(10)
                far = far_tls.wrap_socket(socket.create_connection(to, 5))
                near = near_tls.wrap_socket(raw, server_side=True)
            except OSError:
                return raw.close()
            for one in (near, far):
                one.settimeout(None)
            for source, target, who in ((near, far, caller), (far, near, called)):
                change = LATER[protocol]() if who in self.later else Plain()
                threading.Thread(target=carry, args=(source, target, change), daemon=True).start()

        def carry(source, target, change):
            try:
                while (message := read_frame(source)) is not None:
                    for one in change(message):
                        target.sendall(frame(one))
                    self.messages += not isinstance(change, Plain)
            except OSError:
                pass
            for one in (source, target):
                try:
                    socket.socket.shutdown(one, socket.SHUT_RDWR)
                except OSError:
                    pass
        threading.Thread(target=accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ended = True
        for listener in self.relays:
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()
