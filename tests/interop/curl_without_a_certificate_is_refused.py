"""No certificate, no connection, whatever the policy says; the refusal is on record."""

from support.app import App
from support.curl import REFUSED
from support.curl import curl
from support.sidecar import WEB
from support.sidecar import start_inbound


def test(case):
    app = App(case)
    sidecar = start_inbound(case, app.address)
    for http in ("--http1.1", "--http2"):
        answer = curl(f"https://{sidecar.inbound}/", http=http)
        assert answer.exit in REFUSED and answer.status == 0, answer
    assert app.requests == []
    record = sidecar.record(decision="refused", door="inbound")
    assert "certificate" in record["reason"], record
    assert curl(f"https://{sidecar.inbound}/", svid=case.trust_domain.svid(WEB)).status == 200
