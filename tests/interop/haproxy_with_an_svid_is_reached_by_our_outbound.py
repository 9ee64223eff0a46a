"""HAProxy at the far side: our outbound shows its SVID, checks HAProxy's, and carries the request over HTTP/2."""

from support import haproxy
from support.curl import curl
from support.sidecar import ORDERS
from support.sidecar import start_outbound


def test(case):
    far = haproxy.mutual_tls_server(case, case.trust_domain.svid(ORDERS))
    sidecar = start_outbound(case, far.address)
    for _ in range(3):
        answer = curl(f"http://{sidecar.outbound[0]}/")
        assert (answer.status, answer.body) == (200, "haproxy was here verify=0 protocol=2.0"), answer
