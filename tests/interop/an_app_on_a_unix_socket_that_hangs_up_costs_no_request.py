"""nginx on a Unix socket closes each connection after five requests, as on a port: our pool must never show."""

import re
import subprocess

from support import nginx
from support.sidecar import Pair


def test(case):
    socket = case.directory / "app.sock"
    app = nginx.app(case, options=f"listen unix:{socket}; keepalive_requests 5;")
    pair = Pair(case, f"unix:{socket}")
    done = subprocess.run(
        ["wrk", "-t1", "-c32", "-d3s", f"http://{pair.entry}/"], capture_output=True, text=True, timeout=60, check=True
    )
    assert "Socket errors" not in done.stdout and "Non-2xx" not in done.stdout, done.stdout
    requests = int(re.search(r"(\d+) requests in", done.stdout)[1])
    assert requests > 100, done.stdout
    # All of them reached it, and more may have when wrk stopped to look.
    assert len(app.served()) >= requests, len(app.served())
