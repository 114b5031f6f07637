"""What must hold for every event stream, whatever happened: checked on the events one client saw of all DNs."""
from calls import dn  # noqa: F401

CLOSING = {"EventReleased", "EventAbandoned", "EventDiverted"}
BEGINNING = {"EventDialing", "EventRinging", "EventQueued", "EventPartyChanged", "EventEstablished"}
OF_CALLS = BEGINNING | CLOSING | {"EventHeld", "EventRetrieved", "EventPartyAdded", "EventPartyDeleted", "EventNetworkReached", "EventDestinationBusy",
                                  "EventRouteRequest", "EventRouteUsed", "EventMuteOn", "EventMuteOff", "EventDTMFSent"}


def complaints(events):
    """Sentences about what is wrong; empty: the stream is legal."""
    found = []
    numbers = [e["StreamNumber"] for e in events if "StreamNumber" in e]
    if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        found.append("stream numbers have a gap")
    state = {}  # (DN, ConnID) -> "" not begun, "alerting", "up", "held", "over"
    answered = {}
    for at, event in enumerate(events):
        kind = event.get("event")
        reference = event.get("ReferenceID")
        if reference is not None:
            answered[reference] = answered.get(reference, 0) + 1
            if answered[reference] > 1 and kind not in ("EventPartyAdded", "EventRinging"):
                found.append(f"{at}: {kind} answers request {reference} a second time")
        if kind not in OF_CALLS or "ThisDN" not in event:
            continue
        key = event["ThisDN"], event["ConnID"]
        was = state.get(key, "")
        if was == "over" and kind not in BEGINNING:
            found.append(f"{at}: {kind} for {key} after its end")
        if not was and kind not in BEGINNING:
            found.append(f"{at}: {kind} for {key} before its beginning")
        if kind == "EventPartyChanged":
            before = event["ThisDN"], event["PreviousConnID"]
            if before != key:
                was = state.get(before, "")
                if not was or was == "over":
                    found.append(f"{at}: {kind} for {before}, which isn't there")
                state[before] = "over"
                state[key] = was
        elif kind in CLOSING:
            state[key] = "over"
        elif kind == "EventEstablished":
            if was not in ("alerting", "queued"):
                found.append(f"{at}: EventEstablished for {key}, which is {was or 'not begun'}")
            state[key] = "up"
        elif kind in ("EventDialing", "EventRinging"):
            if was not in ("", "over"):
                found.append(f"{at}: {kind} for {key}, which is {was}")
            state[key] = "alerting"
        elif kind == "EventQueued":
            state[key] = "queued"
        elif kind == "EventHeld":
            if was != "up":
                found.append(f"{at}: EventHeld for {key}, which is {was}")
            state[key] = "held"
        elif kind == "EventRetrieved":
            if was != "held":
                found.append(f"{at}: EventRetrieved for {key}, which is {was}")
            state[key] = "up"
    return found, [key for key, one in state.items() if one != "over"]
