"""A pair in front of HAProxy: its answer comes back, with the caller in it that our sidecar proved."""

from support import haproxy
from support.curl import curl
from support.sidecar import Pair
from support.sidecar import WEB


def test(case):
    pair = Pair(case, haproxy.app(case).address)
    answer = curl(f"http://{pair.entry}/")
    assert answer.status == 200, answer
    assert answer.body == f"haproxy was here caller={case.trust_domain.id(WEB)}", answer
