"""Two machines, and the wire between them is cut: no packet says that the far side has gone.

The kernel would notice after half a minute, and only what waits to be acknowledged. What is in flight must end sooner, by
its own reason, and only what may be repeated is sent again.
"""

from support.app import App
from support.curl import curl
from support.network import Machine
from support.network import join
from support.sidecar import ORDERS
from support.sidecar import WEB
from support.sidecar import permit
from support.sidecar import start
from support.wait import until

APP = 8080
DOOR = 15006
ENTRY = "127.0.0.1:15001"
# Ended by us, and what was written is not acknowledged.
FIN_WAIT_1 = "04"


def test(case):
    web, orders = Machine(case), Machine(case)
    join(web, orders, ("10.78.0.1/24", "10.78.0.2/24"))
    with orders.inside():
        app = App(case, ("127.0.0.1", APP))
        door = {"listen": f"0.0.0.0:{DOOR}", "service": ORDERS, "app": f"127.0.0.1:{APP}"}
        policy = permit(case.trust_domain.id(WEB), ORDERS)
        server = start(case, "server", case.trust_domain.svid(ORDERS), {"inbound": door}, policy)
    with web.inside():
        client = start_client(case)

    assert ask(web).status == 200
    server.record(door="inbound", decision="permit", status=200)
    assert len(app.requests) == 1

    orders.run("ip", "link", "set", "eth0", "down")
    post = ask(web, "--request", "POST")
    assert post.status == 502, post
    record = client.record(method="POST", reason="upstream_unresponsive")
    assert "retries" not in record, record
    # Nothing waits in the kernel to be sent once the far side is back: whoever was told that it failed may try again.
    assert FIN_WAIT_1 not in states(web, DOOR)
    # There is no connection left, and none to be had.
    get = ask(web)
    assert get.status == 503, get
    client.record(method="GET", reason="upstream_unreachable")
    assert len(app.requests) == 1

    orders.run("ip", "link", "set", "eth0", "up")
    # The machines must find each other first.
    until(lambda: ask(web).status == 200, "the far side to be back", 20)
    # What may be repeated may have been; the POST was told to have failed, and has.
    assert {request.method for request in app.requests} == {"GET"}, app.requests


def states(machine, port):
    """Of the connections to `port`, as the kernel numbers them."""
    lines = machine.run("cat", "/proc/net/tcp").splitlines()[1:]
    return [line.split()[3] for line in lines if line.split()[2].endswith(f":{port:04X}")]


def start_client(case):
    door = {
        "listen": ENTRY,
        "to": f"10.78.0.2:{DOOR}",
        "expect": case.trust_domain.id(ORDERS),
        "service": ORDERS,
        "ping_interval_ms": 2000,
        "connect_timeout_ms": 1000,
    }
    svid = case.trust_domain.svid(WEB)
    return start(case, "client", svid, {"outbound": [door]}, permit(svid.id, ORDERS))


def ask(machine, *options):
    with machine.inside():
        return curl(f"http://{ENTRY}/hello", *options)
