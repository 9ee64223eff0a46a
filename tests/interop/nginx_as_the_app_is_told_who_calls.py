"""A pair in front of nginx: its answer comes back, with the caller in it that our sidecar proved."""

from support import nginx
from support.curl import curl
from support.sidecar import Pair
from support.sidecar import WEB


def test(case):
    app = nginx.app(case)
    pair = Pair(case, app.address)
    answer = curl(f"http://{pair.entry}/")
    assert answer.status == 200, answer
    assert answer.body == f"nginx was here caller={case.trust_domain.id(WEB)}", answer
    assert len(app.served()) == 1
    pair.server.record(decision="permit", door="inbound", status=200, bytes_out=len(answer.body))
    pair.client.record(decision="permit", door="outbound", status=200)
