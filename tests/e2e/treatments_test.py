#!/usr/bin/env python3
"""Treatments on a routing point, as a caller hears them, and what comes back of digits and recordings."""
import time

import harness
from calls import dn, equal, hear
from harness import SLOW, Site, test
from peers import tones


class Waiting:
    """alice has called the routing point; the client applies treatments. Prompts folder: tone D and tone E, two seconds each; music is tone G."""

    def __init__(self, **more):
        self.site = Site(music="G", prompts={"welcome": "D", "beep": "E"}, **more)

    def __enter__(self):
        self.site.__enter__()
        try:
            self.alice = self.site.phone("alice", "A")
            self.client = self.site.tlib(dn("support"), name="router")
            self.alice.dial(dn("support"))
            self.conn = self.client.wait("EventRouteRequest")["ConnID"]
            self.reference = 0
        except BaseException:
            self.site.__exit__(*harness.sys.exc_info())
            raise
        return self

    def __exit__(self, *what):
        self.site.__exit__(*what)

    def treat(self, kind, **parameters):
        self.reference += 1
        self.mark = self.client.mark()
        self.client.send("RequestApplyTreatment", ThisDN=dn("support"), ConnID=self.conn, TreatmentType=kind, TreatmentParms=parameters,
                         ReferenceID=self.reference)
        return self.client.wait("EventTreatmentApplied", ReferenceID=self.reference)

    def end(self):
        return self.client.wait("EventTreatmentEnd", since=self.mark)


def prompt(name, interruptable=True):
    return {"1": {"INTERRUPTABLE": 1 if interruptable else 0, "ID": name}}


@test
def an_announcement_ends_by_itself():  # MMC-402
    with Waiting() as waiting:
        waiting.treat("TreatmentPlayAnnouncement", PROMPT=prompt("welcome"))
        hear((waiting.alice, "D"))
        extensions = waiting.end()["Extensions"]
        equal({k: extensions.get(k) for k in ("COMPLETION_STATUS", "INTERRUPTED")}, {"COMPLETION_STATUS": "NORMAL", "INTERRUPTED": "NO"})
        hear((waiting.alice, ""))


@test
def digits_are_collected_and_interrupt_the_prompt():  # MMC-402, MMC-419
    with Waiting() as waiting:
        waiting.treat("TreatmentPlayAnnouncementAndDigits", PROMPT=prompt("welcome"), MAX_DIGITS=4, TERM_DIGITS="#", TOTAL_TIMEOUT=20)
        hear((waiting.alice, "D"))
        for digit in "159#":
            waiting.alice.do("sndcode", digit)
            time.sleep(0.3)
        end = waiting.end()
        equal(end["CollectedDigits"], "159")
        equal(end["Extensions"]["INTERRUPTED"], "KEYPAD")


@test
def no_digits_in_time():  # MMC-419
    with Waiting() as waiting:
        waiting.treat("TreatmentCollectDigits", MAX_DIGITS=4, START_TIMEOUT=1, TOTAL_TIMEOUT=3)
        equal(waiting.end()["Extensions"]["COMPLETION_STATUS"], "TIMEOUT")


@test
def music_goes_on_until_the_agent_answers():  # MMC-402
    with Waiting() as waiting:
        bob = waiting.site.phone("bob", "B")
        waiting.treat("TreatmentMusic")
        hear((waiting.alice, "G"))
        waiting.client.send("RequestRouteCall", ThisDN=dn("support"), ConnID=waiting.conn, OtherDN=dn("bob"))
        waiting.client.wait("EventDiverted")
        hear((waiting.alice, "B"), (bob, "A"))


@test
def what_the_caller_says_is_recorded():  # MMC-402, MMC-419
    with Waiting() as waiting:
        waiting.treat("TreatmentRecordUserAnnouncement", PROMPT=prompt("beep", False), TERM_DIGITS="#", TOTAL_TIMEOUT=20, USER_ID="alice")
        hear((waiting.alice, "E"))
        hear((waiting.alice, ""))
        time.sleep(2)
        waiting.alice.do("sndcode", "#")
        message = waiting.end()["Extensions"]["USER_ANN_ID"]
        assert message, "no USER_ANN_ID"
        path = harness.until("the recording", lambda: next(waiting.site.folder.rglob(f"{message}.wav"), None))
        assert "A" in tones.parties_heard(path), tones.heard(path)


@test
def text_is_spoken():
    with Waiting() as waiting:
        waiting.treat("TreatmentPlayAnnouncement", PROMPT={"1": {"TEXT": "Please hold the line. An agent will be with you soon."}})
        begun = time.monotonic()
        equal(waiting.end()["Extensions"]["COMPLETION_STATUS"], "NORMAL")
        assert time.monotonic() - begun > 1.5, "spoken too fast to be speech"


@test
def a_missing_prompt_is_not_applied():
    with Waiting() as waiting:
        waiting.client.send("RequestApplyTreatment", ThisDN=dn("support"), ConnID=waiting.conn, TreatmentType="TreatmentPlayAnnouncement",
                            TreatmentParms={"PROMPT": prompt("nothing-there")}, ReferenceID=9)
        first = harness.until("an answer", lambda: next((e for e in waiting.client.events if e.get("ReferenceID") == 9), None))
        if first["event"] == "EventTreatmentApplied":  # begun, then the file could not be had
            equal(waiting.client.wait("EventTreatmentEnd")["Extensions"]["COMPLETION_STATUS"], "CANCELLED")
        else:
            equal(first["event"], "EventTreatmentNotApplied")


harness.main()
