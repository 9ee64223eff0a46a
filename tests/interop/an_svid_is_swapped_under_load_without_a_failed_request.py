"""New files for both sidecars while callers ask without a pause; the serial that the app is shown changes."""

import shutil

from support.app import App
from support.load import Load
from support.sidecar import ORDERS
from support.sidecar import WEB
from support.sidecar import Pair
from support.wait import until


def test(case):
    app = App(case)
    pair = Pair(case, app.address)
    load = Load(case, pair.entry, threads=4)
    until(lambda: load.answered > 50, "some load")

    def shown():
        return {header for request in app.requests[-20:] for header in request.header("x-forwarded-client-cert")}

    (before,) = shown()
    for service, name in ((WEB, "outbound"), (ORDERS, "inbound")):
        fresh = case.trust_domain.svid(service, file="fresh")
        for kind in ("key", "crt"):
            # Key first, then certificate: in between the two do not match, and the old pair must stay in force.
            shutil.move(fresh.key.with_suffix(f".{kind}"), case.directory / "certificates" / f"{name}.{kind}")
    until(lambda: before not in shown(), "the app to be shown the new certificate", 20)
    answered = load.answered
    until(lambda: load.answered > answered + 50, "more load")
    load.stop()
    assert load.failures == [], load.failures[:5]
