"""A CA gives each host of the routes a certificate; a restart takes what is kept; whoever asks for another host is told so."""

import ssl

from support.web_edge import WebEdge
from support.wait import until

HOSTS = ["one.corp.example", "two.corp.example"]


def test(case):
    edge = WebEdge(case, HOSTS, rejects_nonces=15).start()
    shown = {}
    for host in HOSTS:
        shown[host] = edge.has_certificate(host)
        with edge.shown(host) as connection:
            names = connection.getpeercert()["subjectAltName"]
            assert names == (("DNS", host),), names
        assert edge.page(host)[0] == 200
        assert edge.orders(host) == 1, edge.sidecar.program.last_words()
        ends = edge.metric("portreeve_edge_certificate_expiry_timestamp_seconds", host=host)
        with edge.shown(host) as connection:
            assert ends == ssl.cert_time_to_seconds(connection.getpeercert()["notAfter"])
    assert len(set(shown.values())) == 2, shown
    assert edge.app.requests[-1].header("x-forwarded-host") == [HOSTS[1]]
    assert "edge_certificate" not in edge.remarks()
    others_are_told(edge)
    # Whoever looks at challenges never gets to the application.
    assert {request.path for request in edge.app.requests} == {"/"}

    edge.stop()
    root = edge.pebble.root()
    # It could give no other.
    edge.pebble.stop()
    edge.start()
    for host in HOSTS:
        assert edge.certificate(host, root) == shown[host], "another certificate is shown"
        assert edge.orders(host) == 0


def others_are_told(edge):
    """By an alert, and a record with the reason."""
    assert edge.alert("three.corp.example") == "TLSV1_UNRECOGNIZED_NAME"
    edge.sidecar.record(reason="unknown_host")
    # A name is asked for, or nothing is shown.
    assert edge.alert(None) == "TLSV13_ALERT_MISSING_EXTENSION"
    edge.sidecar.record(reason="no_server_name")
    # Nobody orders now: there is no answer to show.
    said = edge.alert(HOSTS[0], alpn=["acme-tls/1"])
    assert "no application protocol" in said, said
    edge.sidecar.record(reason="other_alpn")
    # Who offers more than that is no CA, and sees what browsers see.
    with edge.shown(HOSTS[0], alpn=["acme-tls/1", "http/1.1"]) as connection:
        assert connection.selected_alpn_protocol() == "http/1.1"
    until(lambda: edge.metric("portreeve_handshakes_total", door="edge", result="acme_validation") >= 2, "both looks")
