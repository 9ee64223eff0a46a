"""`portreeve health`: ready, and then not ready any more while the last request is under way, and then nobody is there."""

import http.client
import signal
import subprocess
import threading

from support.app import App
from support.sidecar import Pair
from support.wait import until


def test(case):
    app = App(case)
    pair = Pair(case, app.address)
    asked = health(case, pair.server.admin)
    assert (asked.returncode, asked.stdout, asked.stderr) == (0, "ready\n", ""), asked

    threading.Thread(target=held, args=(pair.entry,), daemon=True).start()
    app.holds(1)
    pair.server.program.signal(signal.SIGTERM)
    asked = until(lambda: failed(health(case, pair.server.admin)), "it to be unwell", 20)
    assert "not ready (503 Service Unavailable): " in asked.stderr and "drain" in asked.stderr, asked
    app.release()
    pair.server.program.ended()
    asked = health(case, pair.server.admin)
    assert asked.returncode == 1 and f"no window answers at {pair.server.admin}" in asked.stderr, asked
    assert "Connection refused" in asked.stderr, asked
    # What is no address is no question.
    assert health(case, "localhost").returncode == 2


def health(case, address):
    """What a health check of a container sees."""
    return subprocess.run([case.binary, "health", address], capture_output=True, text=True, timeout=20)


def failed(asked):
    """It, if it failed."""
    return asked if asked.returncode else None


def held(entry):
    """A request that the application keeps waiting."""
    connection = http.client.HTTPConnection(entry, timeout=60)
    connection.request("GET", "/held")
    connection.getresponse().read()
