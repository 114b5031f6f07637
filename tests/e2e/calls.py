"""What several tests do: events as one reads them, calls set up as a matter of course, and who hears whom."""
import socket
import time

from harness import SLOW, dn, equal, until
from peers import tones

# Differ from run to run; what they are worth is checked where it matters.
VOLATILE = ("EventSequenceNumber", "TimeinSecs", "TimeinuSecs", "Time", "Server", "ApplicationName", "SessionID")


def plain(events, drop=()):
    """Events as tables: ids that differ from run to run become call1, call2 ... in the order they come up; the domain is left out."""
    names = {}

    def name(kind, value):
        known = names.setdefault(kind, {})
        return known.setdefault(value, f"{kind}{len(known) + 1}")

    def short(key, value):
        if key in ("ConnID", "PreviousConnID", "TransferConnID", "LastTransferConnID", "FirstTransferConnID"):
            return name("call", value)
        if key in ("CallUUID", "CallUuid"):
            return name("uuid", value)
        if key == "Conversation-ID":
            return name("conversation", value)
        if key in ("CallID", "NetworkCallID"):
            return name("id", value)
        if isinstance(value, str):
            return value.removeprefix("sip:").removesuffix("@tandem.test")
        if isinstance(value, dict):
            return {k: short(k, v) for k, v in value.items()}
        return value
    return [{k: short(k, v) for k, v in e.items() if k not in VOLATILE and k not in drop} for e in events]


def table(common, *rows):
    """Expected events: (event, user of ThisDN, attributes that differ from the common ones; None: absent)."""
    out = []
    for event, who, *more in rows:
        one = {"event": event, "ThisDN": who, **common, **(more[0] if more else {})}
        out.append({k: v for k, v in one.items() if v is not None})
    return out


def same_events(client, since, wanted, what=""):
    """The events from `since` on are these, whole and in this order, and their stream has no gap."""
    with client.changed:
        events = client.events[since:]
    equal(plain(events, drop=("StreamNumber",)), wanted, what or client.name)
    numbers = [e["StreamNumber"] for e in events]
    equal(numbers, list(range(numbers[0], numbers[0] + len(numbers))), "stream numbers")


def steps(client, since=0):
    """One line an event: "EventRinging bob from alice"."""
    return [f"{event} {who}" for event, who in client.names(since)]


def routed(site, caller, client, agent="bob", point="support", **attributes):
    """A phone calls a routing point, the client routes the call, the agent's phone answers. Returns the ConnID."""
    mark, since = client.mark(), caller.mark()
    caller.dial(dn(point))
    request = client.wait("EventRouteRequest", since=mark, ThisDN=dn(point))
    client.send("RequestRouteCall", ThisDN=dn(point), ConnID=request["ConnID"], OtherDN=dn(agent), **attributes)
    client.wait("EventEstablished", since=mark, ThisDN=dn(agent), ConnID=request["ConnID"])
    caller.wait("CALL_ESTABLISHED", since=since)
    return request["ConnID"]


def talk(seconds=3.0):
    """Lets two parties hear each other for a while."""
    time.sleep(seconds)


def both_hear(*phones_and_parties, seconds=1.5):
    """Ends the phones; at the end of its last call each heard exactly the parties given."""
    for phone, _ in phones_and_parties:  # all together: one whose registrar is gone takes its time
        if phone.process.poll() is None:
            phone.process.terminate()
    for phone, _ in phones_and_parties:
        phone.stop()
    found = {phone.user: sorted(tones.heard_last(phone.recordings()[-1], seconds)) for phone, _ in phones_and_parties}
    equal(found, {phone.user: sorted(parties) for phone, parties in phones_and_parties}, "who is heard by whom")


def now_hear(timeout=8, window=0.5, **wanted):
    """Waits until each phone, by user, hears exactly these parties: now_hear(a=(phone, "B"), b=(other, "")). Looks at the recording of its
    present call while it grows; "" is nobody."""
    found = {}

    def heard(path, share):
        # A phone that is sent nothing records nothing.
        if time.time() - path.stat().st_mtime > window:
            return set()
        return tones.heard_last(path, window, 0.0, share)

    def there():
        for user, (phone, parties) in wanted.items():
            recordings = phone.recordings()
            if not recordings:
                found[user] = "not answered"
                continue
            path = recordings[-1]
            found[user] = "".join(sorted(heard(path, 0.75)))
            if not parties and heard(path, 0.01):  # nobody must be in the window at all, however briefly
                found[user] = found[user] or "something"
        return all(found[user] == "".join(sorted(parties)) for user, (_, parties) in wanted.items())
    try:
        until("who hears whom", there, timeout / SLOW, 0.1)
    except AssertionError:
        equal(found, {user: "".join(sorted(parties)) for user, (_, parties) in wanted.items()}, "who hears whom")


def hear(*pairs, **more):
    """now_hear with phones as they are: hear((alice, "B"), (bob, "A"))."""
    now_hear(**{phone.user: (phone, parties) for phone, parties in pairs}, **more)


def silent(*phones, seconds=1.0):
    """No packet comes to the media ports of these phones any more. They have given the ports back by then."""
    listening, in_use = [], []
    for phone in phones:
        for port in phone.media:
            s = socket.socket(socket.AF_INET6 if ":" in phone.ip else socket.AF_INET, socket.SOCK_DGRAM)
            try:
                s.bind((phone.ip, port))
            except OSError:
                s.close()
                in_use.append((phone.user, port))
                continue
            s.setblocking(False)
            listening.append((phone.user, port, s))
    equal(in_use, [], "media ports still in use")
    time.sleep(seconds)
    strays = []
    for user, port, s in listening:
        try:
            strays.append((user, port, len(s.recv(2000))))
        except BlockingIOError:
            pass
        s.close()
    equal(strays, [], "packets after the release")


def closed(*phones, timeout=20):
    for phone in phones:
        phone.wait("CALL_CLOSED", timeout * SLOW)


__all__ = ["both_hear", "closed", "dn", "equal", "hear", "now_hear", "plain", "routed", "same_events", "silent", "steps", "table", "talk", "until"]
