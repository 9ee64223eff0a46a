"""A host that is elsewhere gets no certificate, which is told everywhere; a challenge's answer is for `acme-tls/1` alone."""

import socket
import ssl

from support.web_edge import WebEdge
from support.wait import until

FOUND = "found.corp.example"
LOST = "lost.corp.example"
# 1.3.6.1.5.5.7.1.31, as a certificate has it.
ACME_IDENTIFIER = bytes([6, 8, 0x2B, 6, 1, 5, 5, 7, 1, 31, 1, 1, 0xFF])


def test(case):
    edge = WebEdge(case, [FOUND, LOST], hesitates=5)
    # Nobody listens there.
    edge.pebble.names.is_at(LOST, "127.255.255.254")
    edge.start()
    answer = until(lambda: answer_shown(edge, LOST), "an answer to the challenge", 30)
    assert ACME_IDENTIFIER in answer and LOST.encode() in answer
    # A browser is not shown that.
    assert edge.alert(LOST) == "TLSV1_ALERT_INTERNAL_ERROR"
    edge.sidecar.record(reason="no_certificate_yet")

    edge.has_certificate(FOUND)
    assert edge.page(FOUND)[0] == 200
    until(lambda: edge.orders(LOST, "not_validated") > 0, "the CA to look in vain", 30)
    assert edge.orders(LOST) == 0
    assert edge.metric("portreeve_edge_certificate_expiry_timestamp_seconds", host=LOST) == 0
    said = until(lambda: LOST in edge.remarks() and "did not find us" in edge.remarks() and edge.remarks(), "a remark")
    assert FOUND not in said, said
    log = edge.sidecar.program.stdout.read_text() + edge.sidecar.program.stderr.read_text()
    line = next(line for line in log.splitlines() if "no certificate could be had" in line)
    assert f'host="{LOST}"' in line and "urn:ietf:params:acme:error:" in line, line

    edge.pebble.names.is_at(LOST, case.host)
    edge.has_certificate(LOST, 90)
    assert edge.page(LOST)[0] == 200
    assert "edge_certificate" not in edge.remarks()
    assert {request.path for request in edge.app.requests} == {"/"}


def answer_shown(edge, host):
    """The certificate that a CA sees, and that the connection ends then; nothing, if there is none."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname = False
    tls.verify_mode = ssl.CERT_NONE
    tls.set_alpn_protocols(["acme-tls/1"])
    address, port = edge.at.rsplit(":", 1)
    try:
        with tls.wrap_socket(socket.create_connection((address, int(port)), 20), server_hostname=host) as connection:
            assert connection.selected_alpn_protocol() == "acme-tls/1"
            shown = connection.getpeercert(True)
            try:
                connection.sendall(f"GET / HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
                assert connection.recv(1) == b"", "something is spoken after a challenge"
            except OSError:
                pass
            return shown
    except ssl.SSLError:
        return None
