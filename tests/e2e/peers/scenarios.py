"""SIPp scenarios, put together from steps and written out as XML where SIPp runs. Keys: [domain] always; callers take [from]
(user@host) and the called user as [service]; the pause between steps is SIPp's -d (milliseconds)."""
import re

SDP = """Content-Type: application/sdp
Content-Length: [len]

v=0
o=sipp 1 {version} IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a={direction}"""
EMPTY = "Content-Length: 0"
VIA = "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport\nMax-Forwards: 70"
PAUSE = "  <pause/>\n"


def sdp(version=1, direction="sendrecv"):
    return SDP.format(version=version, direction=direction)


def send(text, resend=False):
    return f'  <send{" retrans=" + chr(34) + "500" + chr(34) if resend else ""}><![CDATA[\n{text}\n\n]]></send>\n'


def find(name, header, pattern):
    """Action: the header must match; the match is kept under the name."""
    return f'<ereg regexp="{pattern}" search_in="hdr" header="{header}:" check_it="true" assign_to="{name}"/>'


def body_has(name, pattern):
    return f'<ereg regexp="{pattern}" search_in="body" check_it="true" assign_to="{name}"/>'


def then(step, label):
    """Goes on there afterwards. A step that does nothing else would not do: what comes while SIPp is at it is unexpected."""
    return re.sub(r"<(send|recv)", rf'<\1 next="{label}"', step, count=1)


def receive(response=None, request=None, actions="", optional=False, routes=False, auth=False, timeout=None):
    what = f'response="{response}"' if response else f'request="{request}"'
    for on, attribute in ((optional, 'optional="true"'), (routes, 'rrs="true"'), (auth, 'auth="true"'), (timeout, f'timeout="{timeout}"')):
        what += " " + attribute if on else ""
    return f"  <recv {what}><action>{actions}</action></recv>\n" if actions else f"  <recv {what}/>\n"


def scenario(*steps, variables=""):
    reference = f'  <Reference variables="{variables}"/>\n' if variables else ""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="tandem">\n{"".join(steps)}{reference}</scenario>\n'


# --- The caller's side ---

def outside(method, cseq, to="", headers="", content=EMPTY, via=VIA):
    """A request outside a dialog, or the ACK of a refusal."""
    return (f"{method} sip:[service]@[domain] SIP/2.0\n{via}\nFrom: <sip:[from]>;tag=c[pid]x[call_number]\nTo: <sip:[service]@[domain]>{to}\n"
            f"Call-ID: [call_id]\nCSeq: {cseq}\nContact: <sip:caller@[local_ip]:[local_port];transport=[transport]>\n{headers}{content}")


def inside(method, cseq, headers="", content=EMPTY):
    """A request of the caller in the dialog."""
    return (f"{method} [next_url] SIP/2.0\n{VIA}\n[routes]\nFrom: <sip:[from]>;tag=c[pid]x[call_number]\nTo: <sip:[service]@[domain]>[peer_tag_param]\n"
            f"Call-ID: [call_id]\nCSeq: {cseq}\nContact: <sip:caller@[local_ip]:[local_port];transport=[transport]>\n{headers}{content}")


INVITE = send(outside("INVITE", "1 INVITE", content=sdp()), True)
RINGING = receive(100, optional=True) + receive(180, optional=True) + receive(183, optional=True)
BYE = send(inside("BYE", "20 BYE"), True) + receive(200)


def ack(cseq):
    return send(inside("ACK", f"{cseq} ACK"))


def ack_refusal(cseq=1):
    return send(outside("ACK", f"{cseq} ACK", "[peer_tag_param]", via="[last_Via:]\nMax-Forwards: 70"))


CHALLENGED = (receive(100, optional=True) + receive(401, auth=True) + ack_refusal() +
              send(outside("INVITE", "2 INVITE", headers="[authentication]\n", content=sdp()), True))


def caller(digest=False, stays=False):
    """Calls, talks, hangs up; `stays`: until the other side does."""
    cseq = 2 if digest else 1
    end = receive(request="BYE") + send(answer("200 OK", tag=False)) if stays else PAUSE + BYE
    return scenario(INVITE, CHALLENGED if digest else "", RINGING, receive(200, routes=True), ack(cseq), end)


def takes_over():
    """INVITE with Replaces (RFC 3891) from a phone that proves itself; waits until the other side hangs up. Key: [replaces]."""
    asks = "Require: replaces\nReplaces: [replaces]\n"
    return scenario(send(outside("INVITE", "1 INVITE", headers=asks, content=sdp()), True), receive(100, optional=True), receive(401, auth=True),
                    ack_refusal(), send(outside("INVITE", "2 INVITE", headers="[authentication]\n" + asks, content=sdp()), True), RINGING,
                    receive(200, routes=True), ack(2), receive(request="BYE", timeout=60000), send(answer("200 OK", tag=False)))


def caller_refused(status, digest=False):
    return scenario(INVITE, CHALLENGED if digest else "", RINGING, receive(status), ack_refusal(2 if digest else 1))


def caller_gives_up():
    cancel = ("CANCEL sip:[service]@[domain] SIP/2.0\n[last_Via:]\nMax-Forwards: 70\nFrom: <sip:[from]>;tag=c[pid]x[call_number]\n"
              "To: <sip:[service]@[domain]>\nCall-ID: [call_id]\nCSeq: 1 CANCEL\n" + EMPTY)
    return scenario(INVITE, receive(100, optional=True), receive(180, optional=True), receive(183), PAUSE, send(cancel, True), receive(200), receive(487),
                    ack_refusal())


def caller_holds():
    """Talks, holds, waits, resumes, talks, hangs up."""
    return scenario(INVITE, RINGING, receive(200, routes=True), ack(1), PAUSE,
                    send(inside("INVITE", "2 INVITE", content=sdp(2, "sendonly")), True), receive(100, optional=True),
                    receive(200, actions=body_has(1, "a=(recvonly|inactive)")), ack(2), PAUSE,
                    send(inside("INVITE", "3 INVITE", content=sdp(3)), True), receive(100, optional=True),
                    receive(200, actions=body_has(2, "m=audio [1-9]")), ack(3), PAUSE, BYE, variables="1,2")


def caller_with_timer():
    """RFC 4028: 30 s is too short and told so; 90 s is granted, and we refresh."""
    ask = "Supported: timer\nSession-Expires: {0};refresher=uas\nMin-SE: {0}\n"
    return scenario(
        send(outside("INVITE", "1 INVITE", headers=ask.format(30), content=sdp()), True), receive(100, optional=True),
        receive(422, actions=find(1, "Min-SE", "90")), ack_refusal(),
        send(outside("INVITE", "2 INVITE", headers=ask.format(90), content=sdp()), True), RINGING,
        receive(200, routes=True, actions=find(2, "Session-Expires", "90 *; *refresher=uas")), ack(2),
        receive(request="INVITE", timeout=75000),
        send(answer("200 OK", sdp(2), "Supported: timer\nRequire: timer\nSession-Expires: 90;refresher=uac\n", tag=False), True),
        receive(request="ACK"), BYE, variables="1,2")


def register(status=200):
    def request(cseq, authentication=""):
        return (f"REGISTER sip:[domain] SIP/2.0\n{VIA}\nFrom: <sip:[service]@[domain]>;tag=r[pid]x[call_number]\nTo: <sip:[service]@[domain]>\n"
                f"Call-ID: [call_id]\nCSeq: {cseq} REGISTER\nContact: <sip:[service]@[local_ip]:[local_port];transport=[transport]>\n"
                f"{authentication}Expires: [expires]\n{EMPTY}")
    return scenario(send(request(1), True), receive(401, auth=True), send(request(2, "[authentication]\n"), True), receive(status))


# --- The called side ---

def answer(status, content=EMPTY, headers="", tag=True, cseq="[last_CSeq:]", contact="sip:agent@[local_ip]:[local_port];transport=[transport]"):
    own = ";tag=s[pid]x[call_number]" if tag else ""
    return (f"SIP/2.0 {status}\n[last_Via:]\n[last_From:]\n[last_To:]{own}\n[last_Call-ID:]\n{cseq}\n[last_Record-Route:]\nContact: <{contact}>\n"
            f"{headers}{content}")


CALLED = receive(request="INVITE", routes=True, actions=find(8, "CSeq", "[0-9]+") + find(9, "From", ".*"))
RINGS = send(answer("180 Ringing"))
ANSWERS = send(answer("200 OK", sdp()), True) + receive(request="ACK")


def agent(hangs_up=False):
    """Rings, answers after the pause, waits for BYE; `hangs_up`: answers at once and sends BYE after the pause."""
    if not hangs_up:
        return scenario(CALLED, RINGS, PAUSE, ANSWERS, receive(request="BYE"), send(answer("200 OK", tag=False)), variables="8,9")
    bye = (f"BYE [next_url] SIP/2.0\n{VIA}\n[routes]\nFrom: <sip:agent@[domain]>;tag=s[pid]x[call_number]\nTo:[$9]\n[last_Call-ID:]\nCSeq: 1 BYE\n" + EMPTY)
    return scenario(CALLED, RINGS, ANSWERS, PAUSE, send(bye, True), receive(200), variables="8,9")


def agent_answers(status, contact=None):
    """Rings and refuses or redirects: "486 Busy Here", "302 Moved Temporarily"."""
    return scenario(CALLED, RINGS, PAUSE, send(answer(status, contact=contact) if contact else answer(status), True), receive(request="ACK"),
                    variables="8,9")


def agent_is_cancelled():
    """Rings until it is cancelled."""
    return scenario(CALLED, RINGS, receive(request="CANCEL"), send(answer("200 OK")), send(answer("487 Request Terminated", cseq="CSeq: [$8] INVITE"), True),
                    receive(request="ACK"), variables="8,9")


def agent_is_dead():
    """Takes the INVITE and says nothing, ever."""
    return scenario(CALLED, '  <pause milliseconds="55000"/>\n', variables="8,9")


def agent_asks(method, cseq, headers="", content=EMPTY):
    """A request of the called phone in the dialog."""
    return (f"{method} [next_url] SIP/2.0\n{VIA}\n[routes]\nFrom: <sip:agent@[domain]>;tag=s[pid]x[call_number]\nTo:[$9]\n[last_Call-ID:]\n"
            f"CSeq: {cseq} {method}\nContact: <sip:agent@[local_ip]:[local_port];transport=[transport]>\n{headers}{content}")


def body(kind, *lines):
    """A body and its headers."""
    return f"Content-Type: {kind}\nContent-Length: [len]\n\n" + "\n".join(lines)


def agent_does(*steps, headers="", variables=""):
    """Rings, answers at once, does the steps, waits for BYE."""
    return scenario(CALLED, send(answer("180 Ringing", headers=headers)), ANSWERS, *steps, receive(request="BYE", timeout=60000),
                    send(answer("200 OK", tag=False)), variables="8,9" + variables)


def agent_dials(*digits):
    """Digits by INFO, in the one form and the other."""
    forms = [lambda d: body("application/dtmf-relay", f"Signal={d}", "Duration=160"), lambda d: body("application/dtmf", d)]
    return agent_does(*(PAUSE + send(agent_asks("INFO", number, content=forms[number % 2](digit)), True) + receive(200)
                        for number, digit in enumerate(digits, 1)))


def agent_transfers(to, *told):
    """REFER, and what it is told of it: patterns of the NOTIFYs' status, the last one final."""
    notified = "".join(receive(request="NOTIFY", actions=body_has(number, f"SIP/2.0 {status}"), timeout=60000) + send(answer("200 OK", tag=False))
                       for number, status in enumerate(told, 1))
    return agent_does(PAUSE + send(agent_asks("REFER", 1, f"Refer-To: <{to}>\nReferred-By: <sip:agent@[domain]>\n"), True) + receive(202) + notified,
                      variables="".join(f",{number}" for number in range(1, len(told) + 1)))


def agent_is_told_to_answer():
    """Rings as a phone that understands talk, and answers when it is told to."""
    invite = find(7, "Via", ".*") + find(8, "CSeq", "[0-9]+")
    final = (f"SIP/2.0 200 OK\nVia:[$7]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\nCSeq: [$8] INVITE\n"
             f"Contact: <sip:agent@[local_ip]:[local_port];transport=[transport]>\n{sdp()}")
    return scenario(receive(request="INVITE", routes=True, actions=invite), send(answer("180 Ringing", headers="Allow-Events: talk, hold\n")),
                    receive(request="NOTIFY", actions=find(6, "Event", "talk"), timeout=60000), send(answer("200 OK", tag=False)), send(final, True),
                    receive(request="ACK"), receive(request="BYE", timeout=60000), send(answer("200 OK", tag=False)), variables="6,7,8")


def watcher(expires=600):
    """Subscribes to a conference with digest, takes NOTIFYs until the subscription is over."""
    ask = f"Event: conference\nAccept: application/conference-info+xml\nExpires: {expires}\n"
    return scenario(
        send(outside("SUBSCRIBE", "1 SUBSCRIBE", headers=ask), True), receive(401, auth=True),
        send(outside("SUBSCRIBE", "2 SUBSCRIBE", headers="[authentication]\n" + ask), True), receive(200),
        '  <label id="1"/>\n',
        f'  <recv request="NOTIFY" timeout="60000" next="2" test="2"><action>{find(1, "Event", "conference")}'
        '<ereg regexp="terminated" search_in="hdr" header="Subscription-State:" assign_to="2"/></action></recv>\n',
        then(send(answer("200 OK", tag=False)), 1),
        '  <label id="2"/>\n', send(answer("200 OK", tag=False)), variables="1")
