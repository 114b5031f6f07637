"""Frames and just enough protobuf to speak to our ports as a stranger would: length (4 bytes, big endian), then the message."""
import socket
import ssl
import struct


def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def number(field, value):
    return varint(field << 3) + varint(value)


def data(field, value):
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value


def frame(message):
    return struct.pack(">I", len(message)) + message


def parts(message):
    """[(field, kind, value)], in order; length-delimited values and fixed ones as bytes."""
    out, at = [], 0

    def take():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if not byte & 128:
                return value
    while at < len(message):
        key = take()
        kind = key & 7
        if kind == 0:
            value = take()
        else:
            size = {1: 8, 5: 4}.get(kind)
            size = take() if size is None else size
            value, at = message[at:at + size], at + size
        out.append((key >> 3, kind, value))
    return out


def fields(message):
    """{field: [values]}, numbers as int, the rest as bytes."""
    out = {}
    for field, _, value in parts(message):
        out.setdefault(field, []).append(value)
    return out


def connect(address, port, folder=None, certificate="client", tls=True, timeout=10):
    """A socket, over TLS with a certificate from `folder` (or none)."""
    raw = socket.create_connection((address, port), timeout)
    if not tls:
        return raw
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if folder:
        context.load_cert_chain(folder / f"{certificate}.pem", folder / f"{certificate}.key")
    return context.wrap_socket(raw)


def read_frame(s):
    """The next message, or None if the other side closed."""
    def exactly(size):
        got = b""
        while len(got) < size:
            more = s.recv(size - len(got))
            if not more:
                return None
            got += more
        return got
    head = exactly(4)
    return exactly(struct.unpack(">I", head)[0]) if head else None


def said_and_closed(s, what, timeout=30):
    """Sends something, then reads until the other side closes, which it must; returns what it said."""
    s.settimeout(timeout)
    got = b""
    try:
        s.sendall(what)
        while more := s.recv(65536):
            got += more
    except TimeoutError:
        raise AssertionError(f"the connection stays open after {what[:20]!r}") from None
    except (ConnectionError, ssl.SSLError):
        pass
    return got
