"""Away for half an SVID's life: nothing fails. Past its end: nothing passes, and records say why. Back: all is well again."""

import http.client

from support.app import App
from support.authority import Authority
from support.authority import JoinedPair
from support.load import Load
from support.wait import until

SVID_SECONDS = 6


def test(case):
    authority = Authority(case, svid_ttl_s=SVID_SECONDS).start()
    app = App(case)
    pair = JoinedPair(case, app.address, [authority])
    load = Load(case, pair.entry, threads=2)
    until(lambda: load.answered > 50, "some load")
    answered = load.answered
    authority.program.stop()
    until(lambda: load.answered > answered + 50, "load without an authority")
    load.stop()
    assert load.failures == [], load.failures[:5]

    def status():
        host, port = pair.entry.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=10)
        try:
            connection.request("GET", "/load")
            answer = connection.getresponse()
            answer.read()
            return answer.status
        except (OSError, http.client.HTTPException):
            # Cut in the middle, when the certificate ended.
            return None
        finally:
            connection.close()

    until(lambda: status() != 200, "the end of an identity", 3 * SVID_SECONDS)
    until(lambda: pair.client.ask_admin("/readyz")[0] == 503, "the sidecar to say that it is nobody", 10)
    received = len(app.requests)
    assert status() == 503
    assert len(app.requests) == received
    pair.client.record(status=503, reason="identity_expired")
    authority.start()
    until(lambda: status() == 200, "the identities to come back", 10)
