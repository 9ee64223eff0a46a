"""SIGTERM, and a request that never ends: each sidecar ends at its deadline, cuts it, and its record says why."""

import http.client
import signal
import threading
import time

from support.app import App
from support.sidecar import start_inbound
from support.sidecar import start_outbound

DRAIN_SECONDS = 2


def test(case):
    app = App(case)
    for number, which in enumerate(("server", "client")):
        short = {"drain_deadline_ms": DRAIN_SECONDS * 1000}
        server = start_inbound(case, app.address, name=f"inbound-{which}", **(short if which == "server" else {}))
        client = start_outbound(case, server.inbound, name=f"outbound-{which}", **(short if which == "client" else {}))
        ending = server if which == "server" else client
        asked = []
        asking = threading.Thread(target=ask, args=(client.outbound[0], asked), daemon=True)
        asking.start()
        app.holds(number + 1)
        began = time.monotonic()
        ending.program.signal(signal.SIGTERM)
        # The application has not answered, and will not before the end.
        assert ending.program.ended(60) == 0, ending.program.last_words()
        assert time.monotonic() - began >= DRAIN_SECONDS, "it did not wait for its deadline"
        assert "the drain is over; what is left is cut" in ending.program.last_words(), ending.program.last_words()
        asking.join(30)
        # Of the server's end the client's sidecar tells.
        assert asked in ([[502]] if which == "server" else [["RemoteDisconnected"], ["ConnectionResetError"]]), asked
        record = ending.record(path="/held")
        assert (record["decision"], record.get("reason"), record.get("status")) == ("permit", "drain_deadline", None), record


def ask(entry, asked):
    """A request that the application never answers, and what becomes of it."""
    connection = http.client.HTTPConnection(entry, timeout=60)
    try:
        # Not to be asked again by anybody.
        connection.request("POST", "/held", "once")
        asked.append(connection.getresponse().status)
    except (OSError, http.client.HTTPException) as error:
        asked.append(type(error).__name__)
