"""A workload is revoked while it has a stream open and calls without a pause: cut, refused and recorded; taken back, it may call again."""

import http.client
import threading

from support.app import App
from support.authority import Authority
from support.authority import JoinedPair
from support.authority import spiffe_id
from support.wait import until


def test(case):
    authority = Authority(case).start()
    app = App(case)
    pair = JoinedPair(case, app.address, [authority])
    host, port = pair.entry.rsplit(":", 1)

    def status(path="/x"):
        connection = http.client.HTTPConnection(host, int(port), timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()

    assert status() == 200
    # The app holds its answer back: a stream of the tunnel stays open.
    threading.Thread(target=quietly, args=(status, "/held"), daemon=True).start()
    until(lambda: any(request.path == "/held" for request in app.requests), "the held request")
    authority.order("revocation", "add", "--id", spiffe_id("web"), "--reason", "stolen laptop")
    pair.server.record(10, path="/held", reason="revoked")
    received = len(app.requests)
    until(lambda: status() != 200, "a refusal")
    assert status() in (502, 503), status()
    # The caller's own side cannot shake hands any more, and the other side says why.
    pair.server.record(10, reason="bad_certificate:revoked")
    assert len(app.requests) <= received + 1, app.requests[received:]
    assert spiffe_id("web") in authority.order("revocation", "list").stdout
    authority.order("revocation", "remove", "--id", spiffe_id("web"))
    until(lambda: status() == 200, "to be believed again", 10)



def quietly(ask, path):
    """Asks for what will not be answered."""
    try:
        ask(path)
    except (OSError, http.client.HTTPException):
        pass
