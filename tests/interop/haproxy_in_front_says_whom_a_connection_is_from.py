"""HAProxy as the balancer in front of our inbound door, with the PROXY protocol of both versions and without; curl behind it."""

from support import haproxy
from support.app import App
from support.curl import curl
from support.sidecar import ORDERS
from support.sidecar import WEB
from support.sidecar import permit
from support.sidecar import start
from support.wait import until

HOME = "127.0.0.9"


def test(case):
    app = App(case)
    web = case.trust_domain.svid(WEB)
    policy = permit(web.id, ORDERS).rstrip().rstrip(";") + f'\nwhen {{ context.sourceIp == ip("{HOME}") }};\n'
    door = {"listen": case.address(), "service": ORDERS, "app": app.address, "proxy_protocol_from": ["127.0.0.1"]}
    sidecar = start(case, "sidecar", case.trust_domain.svid(ORDERS), {"inbound": door}, policy)

    def ask(address, source):
        return curl(f"https://{address}/hello", "--interface", source, svid=web)

    balancer = haproxy.balancer(case, "balancer", sidecar.inbound, "send-proxy-v2")
    assert ask(balancer.address, HOME).status == 200
    assert app.requests[0].header("x-portreeve-caller") == [web.id]
    assert sidecar.record(decision="permit", caller=web.id)["source"].startswith(f"{HOME}:")
    assert ask(balancer.address, "127.0.0.8").status == 403
    assert sidecar.record(decision="deny", caller=web.id)["source"].startswith("127.0.0.8:")

    # What else it could send ties the caller to its own address, and is refused.
    for name, word in (("old", "send-proxy"), ("silent", "")):
        other = haproxy.balancer(case, name, sidecar.inbound, word)
        before = refused(sidecar)
        assert ask(other.address, HOME).status == 0, name
        until(lambda: refused(sidecar) > before, f"a refusal of the balancer that is {name}")
    # Whoever is no balancer says nothing, and is believed to be where it is.
    assert ask(sidecar.inbound, HOME).status == 200
    assert len(app.requests) == 2


def refused(sidecar):
    """How many connections did not say whom they are from."""
    return sum(record.get("reason") == "no_proxy_header" for record in sidecar.records())
