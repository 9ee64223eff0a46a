"""One of two orders, whichever the CA comes to can answer, and both show the same; also the one that comes later."""

import re

from support.postgresql import Postgresql
from support.web_edge import WebEdge
from support.web_edge import sealed_with
from support.wait import until

HOSTS = [f"{name}.corp.example" for name in ("a", "b", "c", "d", "e", "f")]


def test(case):
    database = Postgresql(case)
    sessions = {
        "store": {"postgres_url_file": str(case.write("sessions.url", database.url))},
        "key_file": sealed_with(case),
    }
    one = WebEdge(case, HOSTS, "one", sessions=sessions)
    first, second, rest = case.host.split(".", 2)
    port = one.at.rsplit(":", 1)[1]
    beside = f"{first}.{int(second) + 1}.{rest}"
    other = WebEdge(case, HOSTS, "other", f"{beside}:{port}", sessions, one.pebble)
    for at, host in enumerate(HOSTS):
        # The CA looks at either, whoever orders.
        one.pebble.names.is_at(host, beside if at % 2 else case.host)
    # They have their turns: each begins while the other is there.
    one.start()
    other.start()
    both = [one, other]
    for host in HOSTS:
        shown = [edge.has_certificate(host) for edge in both]
        assert shown[0] == shown[1], f"two certificates for {host}"
        ordered = [edge.orders(host) for edge in both]
        assert sum(ordered) == 1, f"{ordered} orders for {host}"
        for edge in both:
            assert edge.page(host)[0] == 200
    for edge in both:
        until(lambda: edge.metric("portreeve_handshakes_total", door="edge", result="acme_validation"), "a look at it")
    accounts = re.findall(r"There are now (\d+) accounts", one.pebble.said())
    assert accounts and set(accounts) == {"1"}, accounts

    # Whoever comes later has what is there, and needs no CA for that.
    root = one.pebble.root()
    one.pebble.stop()
    other.stop()
    other.start()
    for host in HOSTS:
        assert other.certificate(host, root) == one.certificate(host, root)
