"""nginx proves to be somebody else of our own trust domain: 502, and not one request has reached it."""

from support import nginx
from support.curl import curl
from support.sidecar import ORDERS
from support.sidecar import start_outbound


def test(case):
    impostor = nginx.mutual_tls_server(case, case.trust_domain.svid("impostor"))
    sidecar = start_outbound(case, impostor.address)
    answer = curl(f"http://{sidecar.outbound[0]}/", "--data", "for orders only")
    assert answer.status == 502, answer
    assert impostor.served() == []
    sidecar.record(door="outbound", status=502)
    # Its twin: the same nginx is reached by who expects it.
    expecting = start_outbound(case, impostor.address, expect=case.trust_domain.id("impostor"), name="expecting")
    assert curl(f"http://{expecting.outbound[0]}/").status == 200
    assert ORDERS not in case.trust_domain.id("impostor")
