"""nginx at the far side: our outbound shows its SVID, checks nginx's, and carries the request over HTTP/2."""

from support import nginx
from support.curl import curl
from support.sidecar import ORDERS
from support.sidecar import start_outbound


def test(case):
    far = nginx.mutual_tls_server(case, case.trust_domain.svid(ORDERS))
    sidecar = start_outbound(case, far.address)
    for _ in range(3):
        answer = curl(f"http://{sidecar.outbound[0]}/")
        assert (answer.status, answer.body) == (200, "nginx was here verify=SUCCESS protocol=HTTP/2.0"), answer
    assert len(far.served()) == 3
