"""nginx closes each connection after five requests: our pool of connections to it must never show."""

import re
import subprocess

from support import nginx
from support.sidecar import Pair


def test(case):
    app = nginx.app(case, options="keepalive_requests 5;")
    pair = Pair(case, app.address)
    done = subprocess.run(
        ["wrk", "-t1", "-c32", "-d3s", f"http://{pair.entry}/"], capture_output=True, text=True, timeout=60, check=True
    )
    assert "Socket errors" not in done.stdout and "Non-2xx" not in done.stdout, done.stdout
    assert int(re.search(r"(\d+) requests in", done.stdout)[1]) > 100, done.stdout
