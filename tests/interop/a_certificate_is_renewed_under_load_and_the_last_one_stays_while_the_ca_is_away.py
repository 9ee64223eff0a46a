"""No request fails when the certificate changes, nor while the CA is away; a CA that has forgotten us makes our account anew."""

import http.client
import ssl
import threading

from support.web_edge import WebEdge
from support.wait import until

HOST = "app.corp.example"
# Renewed after some 10 of them.
LIFETIME_SECONDS = 16


def test(case):
    edge = WebEdge(case, [HOST], lifetime=LIFETIME_SECONDS).start()
    first = edge.has_certificate(HOST)
    load = Load(case, edge)
    second = until(lambda: other_than(edge, first), "the next certificate", 60)
    assert load.stop() > 20, "there was no load to speak of"
    assert load.failures == [], load.failures[:5]
    assert edge.orders(HOST) == 2

    root = edge.pebble.root()
    edge.pebble.stop()
    until(lambda: edge.orders(HOST, "ca_unavailable") > 0, "an order in vain", 60)
    assert edge.certificate(HOST, root) in (second, None)
    until(lambda: edge.certificate(HOST, root) is None, "the certificate to expire", 60)
    # It is shown all the same, so that a browser can say what is wrong.
    assert why_not(edge, root) == "certificate has expired"
    assert f"{HOST}: its certificate has expired: " in edge.remarks()

    edge.pebble.start()
    assert edge.has_certificate(HOST, 90) not in (first, second)
    assert edge.page(HOST)[0] == 200
    assert edge.orders(HOST, "refused") > 0, "the account was never refused"
    assert "accountDoesNotExist" in edge.sidecar.program.stderr.read_text() + edge.sidecar.program.stdout.read_text()
    assert "expired" not in edge.remarks()


def other_than(edge, serial):
    """What is shown now, if it is another."""
    now = edge.certificate(HOST)
    return now if now != serial else None


def why_not(edge, root):
    """What a browser says of what it is shown."""
    try:
        edge.shown(HOST, root=root).close()
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    return None


class Load:
    """Some threads that ask for pages, each on a connection that is kept for some of them."""

    def __init__(self, case, edge, threads=4):
        self._edge = edge
        # Asked for once: it is the same for all that this CA gives.
        self._root = edge.pebble.root()
        self._over = threading.Event()
        self._answered = [0] * threads
        self.failures = []
        self._threads = [threading.Thread(target=self._run, args=(at,), daemon=True) for at in range(threads)]
        for thread in self._threads:
            thread.start()
        case.at_the_end(self.stop)

    def stop(self):
        """Ends it, and tells how many requests were answered."""
        self._over.set()
        for thread in self._threads:
            thread.join(30)
        return sum(self._answered)

    def _run(self, at):
        while not self._over.is_set():
            try:
                with self._edge.shown(HOST, root=self._root) as connection:
                    for _ in range(20):
                        connection.sendall(f"GET /load HTTP/1.1\r\nhost: {HOST}\r\n\r\n".encode())
                        answer = http.client.HTTPResponse(connection)
                        answer.begin()
                        answer.read()
                        if answer.status != 200:
                            self.failures.append(answer.status)
                        self._answered[at] += 1
                        if self._over.wait(0.02):
                            break
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
