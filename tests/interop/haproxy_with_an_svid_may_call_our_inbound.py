"""HAProxy as the client's sidecar, over both versions of HTTP; with a certificate nobody permits it gets 403 from us."""

from support import haproxy
from support.app import App
from support.curl import curl
from support.sidecar import WEB
from support.sidecar import start_inbound


def test(case):
    app = App(case)
    sidecar = start_inbound(case, app.address)
    svid = case.trust_domain.svid(WEB)
    for alpn in ("http/1.1", "h2"):
        app.requests.clear()
        peer = haproxy.mutual_tls_client(case, svid, sidecar.inbound, alpn)
        for _ in range(3):
            answer = curl(f"http://{peer.address}/from-haproxy", "--data", "body")
            assert answer.status == 200, (alpn, answer)
        assert [request.body for request in app.requests] == [b"body"] * 3
        assert app.requests[0].header("x-portreeve-caller") == [svid.id]
    stranger = haproxy.mutual_tls_client(case, case.trust_domain.svid("stranger"), sidecar.inbound, "h2")
    assert curl(f"http://{stranger.address}/").status == 403
