"""A routing point, SIPp agents and a client that sees everything: the stage of the tests that need exact messages."""
from calls import dn, steps
from harness import Site, test
from peers import sipp


class Scene:
    """A routing point, SIPp agents and a client that sees everything."""

    def __init__(self, transport="u1", tserver=None, **more):
        self.site, self.transport = Site(tserver=tserver, **more), transport

    def __enter__(self):
        self.site.__enter__()
        self.client = self.site.tlib(dn("support"), dn("bob"), dn("carol"))
        self.mark = self.client.mark()
        return self

    def __exit__(self, *what):
        self.site.__exit__(*what)

    def agent(self, user, scenario, **more):
        address = sipp.register(self.site, user, transport=self.transport)
        return self.site.sipp(scenario, address=address, transport=self.transport, **more)

    def caller(self, scenario, service="support", **more):
        return self.site.sipp(scenario, target=sipp.target(self.site), service=service, transport=self.transport, **more)

    def route(self, to="bob", **more):
        request = self.client.wait("EventRouteRequest", since=self.mark, ThisDN=dn("support"))
        self.client.send("RequestRouteCall", ThisDN=dn("support"), ConnID=request["ConnID"], OtherDN=dn(to), **more)
        return request["ConnID"]

    def steps(self):
        return steps(self.client, self.mark)


def both(function):
    """Runs over UDP and over TCP."""
    def udp():
        function("u1")

    def tcp():
        function("t1")
    for one, name in ((udp, "udp"), (tcp, "tcp")):
        one.__name__ = f"{function.__name__}_{name}"
        test(one)
    return function
