"""External account binding (RFC 8555, 7.3.4): without the key, or with another, the CA refuses; with it, it gives."""

import base64
import os

from support.web_edge import WebEdge
from support.wait import until

HOST = "app.corp.example"


def test(case):
    key = base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
    edge = WebEdge(case, [HOST], external={"kid-1": key}).start()
    is_refused(edge, "externalAccountRequired")
    edge.stop()

    other = base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
    file = case.write("external.key", other + "\n")
    edge.more = {"external_account": {"key_id": "kid-1", "key_file": str(file)}}
    edge.start()
    is_refused(edge, "unauthorized")

    # It is read again for each try.
    file.write_text(key + "\n")
    edge.has_certificate(HOST, 90)
    assert edge.page(HOST)[0] == 200
    log = edge.sidecar.program.stdout.read_text() + edge.sidecar.program.stderr.read_text()
    assert key not in log and other not in log


def is_refused(edge, kind):
    """With the reason, and nothing is shown."""
    until(lambda: edge.orders(HOST, "refused") > 0, "the CA to refuse", 30)
    until(lambda: kind in edge.remarks(), f"`{kind}` among {edge.remarks()}", 30)
    assert edge.alert(HOST) == "TLSV1_ALERT_INTERNAL_ERROR"
