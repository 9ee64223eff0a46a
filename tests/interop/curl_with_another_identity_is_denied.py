"""A workload of our trust domain that no policy names gets 403 and reaches nobody; the record says who it was."""

from support.app import App
from support.curl import curl
from support.sidecar import WEB
from support.sidecar import start_inbound


def test(case):
    app = App(case)
    sidecar = start_inbound(case, app.address)
    stranger = case.trust_domain.svid("stranger")
    for http in ("--http1.1", "--http2"):
        answer = curl(f"https://{sidecar.inbound}/", svid=stranger, http=http)
        assert (answer.exit, answer.status) == (0, 403), answer
    assert app.requests == []
    sidecar.record(decision="deny", caller=stranger.id, status=403, method="GET", path="/")
    assert curl(f"https://{sidecar.inbound}/", svid=case.trust_domain.svid(WEB)).status == 200
