"""A sidecar in front of nginx on a Unix socket: requests with an identity, probes without, and nothing else."""

from support import nginx
from support import sidecar
from support.curl import curl
from support.sidecar import ORDERS
from support.sidecar import WEB
from support.sidecar import permit


def test(case):
    socket = case.directory / "app.sock"
    app = nginx.app(case, options=f"listen unix:{socket};")
    probes = case.address()
    door = {
        "listen": case.address(),
        "service": ORDERS,
        "app": f"unix:{socket}",
        "app_ready": {"path": "/ready"},
        "probes": {"listen": probes, "paths": ["/healthz"]},
    }
    web = case.trust_domain.id(WEB)
    svid = case.trust_domain.svid(ORDERS, file="inbound")
    # It is ready only when nginx has said that it is.
    server = sidecar.start(case, "inbound", svid, {"inbound": door}, permit(web, ORDERS))
    client = sidecar.start_outbound(case, server.inbound)

    answer = curl(f"http://{client.outbound[0]}/orders")
    assert answer.status == 200, answer
    assert answer.body == f"nginx was here caller={web}", answer
    server.record(door="inbound", decision="permit", path="/orders", status=200)

    probed = curl(f"http://{probes}/healthz")
    assert probed.status == 200, probed
    assert probed.body == "nginx was here caller=", probed
    server.record(door="probes", decision="permit", path="/healthz", status=200)

    refused = curl(f"http://{probes}/orders")
    assert refused.status == 404, refused
    server.record(door="probes", decision="refused", reason="no_such_probe")

    served = [line.split('"')[1] for line in app.served() if "portreeve-probe/" not in line]
    assert served == ["GET /orders HTTP/1.1", "GET /healthz HTTP/1.1"], served
