"""Two machines of their own, nftables' rules of `init-net` in both, and a curl that dials the service's own address.

What is excluded goes its way, what no door captures goes nowhere, and the app believes only what arrived.
"""

import json

from support.app import App
from support.curl import curl
from support.names import NameServer
from support.network import Machine
from support.network import join
from support.sidecar import ORDERS
from support.sidecar import WEB
from support.sidecar import permit
from support.sidecar import start
from support.wait import until

APP = 8080
TCP_APP = 5432
METRICS = 9090
OTHER = 9092
PLAIN = 9093
DENIED = 9094
PLAIN_BY_NAME = 9095
PROBES = 9901
NOBODY = 65534
EXCLUDED_USER = 1338


def test(case):
    web, orders = Machine(case), Machine(case)
    join(
        web, orders, ("10.77.0.1/24", "10.77.0.2/24"), ("10.77.1.1/24", "10.77.1.2/24"),
        ("10.77.2.1/24", "10.77.2.2/24"), ("fd77::1/64", "fd77::2/64"),
    )
    with orders.inside():
        app, tcp_app = App(case, ("0.0.0.0", APP)), App(case, ("0.0.0.0", TCP_APP))
        open_apps = {port: App(case, ("0.0.0.0", port)) for port in (METRICS, OTHER, PLAIN, DENIED, PLAIN_BY_NAME)}
        server = start_server(case)
    with web.inside():
        names = NameServer(case, "127.0.0.1", {
            "db.shop.example": "10.77.0.2", "other.shop.example": "10.77.0.9", "clear.example": "10.77.0.9",
            "far.shop.example": "10.77.0.2",
        })
        client = start_client(case, names.address)

    # Before there are rules, everybody speaks to everybody.
    assert ask(web, "10.77.0.2", APP).status == 200
    assert callers(app) == [[]]

    open_ports = ",".join(map(str, open_apps))
    redirect(orders, case, server, "--exclude-inbound-ports", open_ports)
    redirect(
        web, case, client, "--exclude-outbound-ports", METRICS, "--exclude-uids", EXCLUDED_USER,
        "--exclude-networks", "10.77.1.0/24",
    )

    # The app's own address, and nothing in the command that knows of us.
    caller = case.trust_domain.id(WEB)
    for host, source in (("10.77.0.2", "10.77.0.1:"), ("[fd77::2]", "[fd77::1]:")):
        answer = ask(web, host, APP)
        assert answer.status == 200, answer
        assert ["x-portreeve-caller", caller] in json.loads(answer.body)["headers"], answer
        record = client.record(door="outbound", decision="permit", host=f"{host}:{APP}", caller=caller)
        assert record["source"].startswith(source), record
    until(lambda: len(of(server, door="inbound", decision="permit", caller=caller)) == 2, "two records of the server")

    # The same where HTTP is not what is spoken: nobody tells the app. The door is for a name, and follows it.
    assert ask(web, "10.77.0.2", TCP_APP).status == 200
    assert callers(tcp_app) == [[]]
    server.record(protocol="TCP", decision="permit", service="db", caller=caller)
    client.record(protocol="TCP", decision="permit", service="db", caller=caller, host=f"10.77.0.2:{TCP_APP}")

    names.known["db.shop.example"] = "10.77.0.3"
    until(lambda: ask(web, "10.77.0.2", TCP_APP).status == 0, "the name to have moved away", 30)
    client.record(decision="refused", reason="destination_not_captured", host=f"10.77.0.2:{TCP_APP}")
    names.known["db.shop.example"] = "10.77.0.2"
    until(lambda: ask(web, "10.77.0.2", TCP_APP).status == 200, "the name to have come back", 30)

    # A name of another door claims the same address: it is nobody's. One in the clear may claim what it likes.
    names.known["other.shop.example"] = "10.77.0.2"
    until(lambda: ask(web, "10.77.0.2", TCP_APP).status == 0, "the other name to be known", 40)
    client.record(decision="refused", reason="destination_disputed", host=f"10.77.0.2:{TCP_APP}")
    names.known["other.shop.example"] = "10.77.0.9"
    names.known["clear.example"] = "10.77.0.2"
    until(lambda: ask(web, "10.77.0.2", TCP_APP).status == 200, "the other name to have moved away", 40)
    until(lambda: ask(web, "10.77.0.2", PLAIN_BY_NAME).status == 200, "the name in the clear to be known", 40)
    # In the clear it would meet a door that wants a certificate.
    assert ask(web, "10.77.0.2", TCP_APP).status == 200

    # Who is excluded meets a door that wants a certificate; the port and the network go straight to their app.
    before = len(app.requests)
    for host, source in (("10.77.0.2", "10.77.0.1"), ("[fd77::2]", "fd77::1")):
        # What comes back is a TLS alert: no answer in HTTP.
        assert ask(web, host, APP, uid=EXCLUDED_USER).status == 0

        def met():
            return [record for record in of(server, door="inbound", reason="not_tls") if source in record["source"]]

        until(met, f"a record of the server about {source}")
    assert len(app.requests) == before
    assert ask(web, "10.77.0.2", METRICS).status == 200
    assert callers(open_apps[METRICS]) == [[]]

    # A probe needs no exclusion, and passes as it is; nothing else does there.
    before = len(app.requests)
    assert ask(web, "10.77.0.2", PROBES, uid=EXCLUDED_USER, path="/healthz").status == 200
    assert ask(web, "10.77.0.2", PROBES, uid=EXCLUDED_USER).status == 404
    probed = app.requests[before:]
    assert [(request.path, request.header("x-portreeve-caller")) for request in probed] == [("/healthz", [])], probed
    server.record(door="probes", decision="permit", path="/healthz")
    server.record(door="probes", decision="refused", reason="no_such_probe", path="/hello")

    # What no door captures goes nowhere, unless an exclusion lets it.
    other = open_apps[OTHER]
    assert ask(web, "10.77.0.2", OTHER).status == 0
    client.record(
        door="outbound", decision="refused", reason="destination_not_captured", host=f"10.77.0.2:{OTHER}", caller=caller
    )
    assert callers(other) == []
    assert ask(web, "10.77.0.2", OTHER, uid=EXCLUDED_USER).status == 200
    assert ask(web, "10.77.1.2", OTHER).status == 200
    assert callers(other) == [[], []]

    # In the clear goes what is listed, if the policy agrees.
    assert ask(web, "10.77.0.2", PLAIN).status == 200
    assert callers(open_apps[PLAIN]) == [[]]
    client.record(decision="permit", service="plain", protocol="TCP", host=f"10.77.0.2:{PLAIN}", caller=caller)
    assert ask(web, "10.77.0.2", DENIED).status == 0
    client.record(decision="deny", service="denied", reason="no_permit", host=f"10.77.0.2:{DENIED}")
    assert callers(open_apps[DENIED]) == []
    # By a network only while it is known where all names lead: one could be there.
    before = len(open_apps[PLAIN].requests)
    assert ask(web, "10.77.2.2", PLAIN).status == 0
    client.record(decision="refused", reason="name_not_known", host=f"10.77.2.2:{PLAIN}")
    assert len(open_apps[PLAIN].requests) == before
    names.known["ghost.example"] = "10.77.0.9"
    until(lambda: ask(web, "10.77.2.2", PLAIN).status == 200, "the last name to be known", 40)

    # Whoever dials the door itself would be sent in a circle.
    assert ask(web, "127.0.0.1", 15101).status == 0
    client.record(door="outbound", decision="refused", reason="not_redirected")

    # A sidecar that runs as somebody whom the rules do not know meets itself, and does not go round and round.
    redirect(web, case, client, uid=4242)
    for port, app_there in ((TCP_APP, tcp_app), (PLAIN, open_apps[PLAIN])):
        before, recorded = len(app_there.requests), len(client.records())
        assert ask(web, "10.77.0.2", port).status == 0
        client.record(door="outbound", decision="refused", reason="own_connection", host=f"10.77.0.2:{port}")
        assert len(client.records()) - recorded < 20, client.records()
        assert len(app_there.requests) == before


def start_server(case):
    """Beside the apps: HTTP and TCP, for `web`."""
    web = case.trust_domain.id(WEB)
    doors = {
        "inbound": {
            "listen": "[::]:15006",
            "service": ORDERS,
            "app": f"127.0.0.1:{APP}",
            "probes": {"listen": f"[::]:{PROBES}", "paths": ["/healthz"]},
        },
        "tcp": {"inbound": [{"listen": "[::]:15432", "service": "db", "app": f"127.0.0.1:{TCP_APP}"}]},
    }
    policy = permit(web, ORDERS) + permit(web, "db", '== Action::"connect"', "web-connects")
    return start(case, "server", case.trust_domain.svid(ORDERS), doors, policy)


def start_client(case, name_server):
    """Beside curl: doors without an address of their own, to where curl was going anyway."""
    expect = case.trust_domain.id(ORDERS)
    captured = {"to": f"10.77.0.2:{APP}", "expect": expect, "service": ORDERS}
    database = {"to": f"far.shop.example.:{TCP_APP}", "expect": expect, "service": "db"}
    by_name = [f"clear.example.:{port}" for port in (TCP_APP, PLAIN_BY_NAME)]
    doors = {
        "outbound": [{**captured, "captures": [f"10.77.0.2:{APP}", f"[fd77::/64]:{APP}", f"ghost.example.:{PLAIN}"]}],
        "tcp": {
            "outbound": [
                {**database, "captures": [f"db.shop.example.:{TCP_APP}"]},
                {**database, "captures": [f"other.shop.example.:{TCP_APP}"]},
            ]
        },
        "names": {"servers": [name_server]},
        "transparent": {
            "listen": ["127.0.0.1:15101", "[::1]:15101"],
            "passthrough": [
                {"captures": [f"10.77.0.2:{PLAIN}", "10.77.2.0/24:*", *by_name], "service": "plain"},
                {"captures": [f"10.77.0.2:{DENIED}"], "service": "denied"},
            ],
        },
    }
    web = case.trust_domain.id(WEB)
    connect = '== Action::"connect"'
    policy = permit(web, ORDERS) + permit(web, "db", connect, "web-connects") + permit(web, "plain", connect, "in-the-clear")
    return start(case, "client", case.trust_domain.svid(WEB), doors, policy)


def redirect(machine, case, sidecar, *exclusions, uid=0):
    """Puts the rules for `sidecar` in force, which runs as root."""
    config = case.directory / sidecar.program.name / "portreeve.yaml"
    machine.run(case.binary, "init-net", "--config", config, "--uid", str(uid), *exclusions, "--apply")


def ask(machine, host, port, uid=NOBODY, path="/hello"):
    """curl, as somebody who is not the sidecar."""
    with machine.inside():
        return curl(f"http://{host}:{port}{path}", uid=uid)


def callers(app):
    """What each request that reached the app says of its caller."""
    return [request.header("x-portreeve-caller") for request in app.requests]


def of(sidecar, **fields):
    """The records with these fields."""
    return [record for record in sidecar.records() if fields.items() <= record.items()]
