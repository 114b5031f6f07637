"""Three phones in a call, music on hold, and the client that gives the orders: the stage of the call operations' tests."""
import sys

from calls import closed, dn, hear, steps
from harness import Site


class Desk:
    """Three phones, one client that sees all three, music on hold; alice has called bob by request. `bob`: makes another phone for him,
    given the site."""

    def __init__(self, bob=None, **more):
        self.site, self.make_bob = Site(music="G", **more), bob or (lambda site: site.phone("bob", "B"))

    def __enter__(self):
        self.site.__enter__()
        try:
            self.alice, self.carol = self.site.phone("alice", "A"), self.site.phone("carol", "C")
            self.bob = self.make_bob(self.site)
            self.client = self.site.tlib(dn("alice"), dn("bob"), dn("carol"), name="desk")
            self.client.send("RequestMakeCall", ThisDN=dn("alice"), OtherDN=dn("bob"), UserData={"case": "42"})
            self.call1 = self.client.wait("EventEstablished", ThisDN=dn("bob"))["ConnID"]
            hear((self.alice, "B"), *([(self.bob, "A")] if hasattr(self.bob, "recordings") else []))
            self.mark = self.client.mark()
        except BaseException:
            self.site.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, *what):
        self.site.__exit__(*what)

    def ask(self, request, who="bob", conn=None, answer=None, **more):
        """Sends it for a DN, waits for the event that answers it."""
        self.reference = getattr(self, "reference", 100) + 1
        self.client.send(request, ThisDN=dn(who), ConnID=conn or self.call1, ReferenceID=self.reference, **more)
        return self.client.wait(answer, ThisDN=dn(who), ReferenceID=self.reference)

    def consult(self, request="RequestInitiateTransfer"):
        """bob asks carol while alice waits."""
        self.call2 = self.ask(request, OtherDN=dn("carol"), answer="EventDialing")["ConnID"]
        self.client.wait("EventEstablished", ThisDN=dn("carol"), ConnID=self.call2)
        hear((self.alice, "G"), (self.bob, "C"), (self.carol, "B"))

    def goes_on_as_ever(self):
        """bob holds alice and has her back, and she hangs up."""
        self.ask("RequestHoldCall", answer="EventHeld")
        hear((self.alice, "G"), (self.bob, ""))
        self.ask("RequestRetrieveCall", answer="EventRetrieved")
        hear((self.alice, "B"), (self.bob, "A"))
        self.alice.do("hangup")
        closed(self.alice, self.bob)
        self.wait("EventReleased", "bob", ConnID=self.call1)

    def wait(self, event, who, **more):
        """The event, since the call was up."""
        return self.client.wait(event, since=self.mark, ThisDN=dn(who), **more)

    def steps(self):
        return steps(self.client, self.mark)
