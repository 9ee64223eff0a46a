"""curl shows an SVID, over both versions of HTTP; what it claims about itself in headers does not reach the app."""

from support.app import App
from support.curl import curl
from support.sidecar import WEB
from support.sidecar import start_inbound


def test(case):
    app = App(case)
    sidecar = start_inbound(case, app.address)
    svid = case.trust_domain.svid(WEB)
    for http, version in (("--http1.1", "1.1"), ("--http2", "2")):
        app.requests.clear()
        answer = curl(
            f"https://{sidecar.inbound}/orders/1?secret=x", "--header", "X-Portreeve-Caller: spiffe://example.org/liar",
            "--header", "X-Forwarded-Client-Cert: By=liar;URI=spiffe://example.org/liar",
            svid=svid, http=http,
        )
        assert (answer.exit, answer.status, answer.version) == (0, 200, version), answer
        (request,) = app.requests
        assert request.path == "/orders/1?secret=x"
        assert request.header("x-portreeve-caller") == [svid.id], request.headers
        (forwarded,) = request.header("x-forwarded-client-cert")
        assert f"URI={svid.id}" in forwarded and "liar" not in forwarded, forwarded
    record = sidecar.record(decision="permit", caller=svid.id, path="/orders/1", status=200, door="inbound")
    assert record["policies"] == ["web-may-call"], record
    assert "secret" not in str(sidecar.records()), "the query was recorded"

    # Servers that map `_` to `-` would take this for ours.
    answer = curl(f"https://{sidecar.inbound}/", "--header", "x_portreeve_caller: spiffe://example.org/liar", svid=svid)
    assert answer.status == 400, answer
    assert all("liar" not in str(request) for request in app.requests)
