"""The program this is about, with its policy and its audit log on."""

from pathlib import Path

from contestants.pair import Running
from contestants.pair import Side
from contestants.pair import ends
from support import sidecar


def portreeve(case, app, terms, workers=None, policies=1):
    """`workers` instead of what the terms say. Of the `policies` one is about the request."""
    at = ends(case)
    allowed = "in [Action::\"GET\", Action::\"POST\"]"
    rule = sidecar.permit(at.web.id, "orders", allowed) + "".join(map(other, range(1, policies)))
    app_protocol = "http2" if terms.http2 else "http1"
    inbound = {"listen": at.far, "service": "orders", "app": app, "app_protocol": app_protocol}
    outbound = {"listen": at.near, "to": at.far, "expect": at.orders.id, "service": "orders"}
    server, client = (
        sidecar.start(case, name, svid, {**doors, "workers": workers or terms.workers}, rule, terms.cpu)
        for name, svid, doors in (("server", at.orders, {"inbound": inbound}), ("client", at.web, {"outbound": [outbound]}))
    )
    sides = [Side(one.program.pid, Path(one.config["audit"]["file"])) for one in (client, server)]
    return Running(at, "h2", *sides, (client.program, server.program))


def other(number):
    """A policy about other callers and another route of the same service."""
    return (
        f"""
@id("other-{number}")
permit (
  principal == Workload::"spiffe://pair.example/ns/other/sa/caller-{number}",
  action == Action::"GET",
  resource in Route::"orders:/other/{number}/{{id}}"
)
when {{ context.host like "*.example" }};
"""
    )
