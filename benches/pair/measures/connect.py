"""A new connection for each request, with a whole mutual handshake, straight at the server's sidecar."""

import callers
import usage
from measures.round import Column

COLUMNS = [
    Column("server µs/connection", "server_us", decimals=0, ratio=True),
    Column("connections/s", "per_second", decimals=0, ratio=True),
    Column("peak MiB server", "server_peak", 1 << 20),
    Column("app µs/connection in the clear", "bare_us", decimals=0),
]
CONNECTIONS_PER_SECOND = 400


def measure(the):
    """What the app needs for the same without TLS is measured beside it: accept, read, answer, close."""
    count = CONNECTIONS_PER_SECOND * the.seconds
    before = the.written()
    _ask(the, count // 4)
    found, spent = the.spent(lambda: _ask(the, count))
    bare = usage.cpu_us(the.app.pid)
    callers.run("handshakes", the.app.http1, "-", "-", "http/1.1", count, "once", cpu=the.load_cpu)
    bare = usage.cpu_us(the.app.pid) - bare
    the.check({"server": before["server"]} if "server" in before else {}, count // 4 + count)
    return {
        "server_us": spent["server"] / count,
        "per_second": count / found["seconds"],
        "bare_us": bare / count,
        **the.memory("VmHWM", "peak"),
    }


def _ask(the, count):
    at = the.pair.at
    return callers.run("handshakes", at.far, at.web.both, at.bundle, "http/1.1", count, "once", cpu=the.load_cpu)
