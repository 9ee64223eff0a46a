"""Idle connections with mutual TLS at the server's sidecar, each of which has had one request."""

from functools import partial

import callers
import usage
from measures.round import Column

COLUMNS = [
    Column("KiB/connection", "per_connection", 1 << 10, ratio=True),
    Column("idle MiB without", "without", 1 << 20, ratio=True),
    Column("MiB with", "with", 1 << 20, ratio=True),
    Column("server µs to open one", "server_us", decimals=0, ratio=True),
    Column("still open", "open", decimals=0),
]
CONNECTIONS = 5000
WARM_UP_CONNECTIONS = 50


def over(protocol=None):
    """`h2`, `http/1.1`, or what the sidecars of the pair speak with each other."""
    return partial(_measure, protocol=protocol)


def _measure(the, protocol):
    at = the.pair.at
    words = [at.far, at.web.both, at.bundle, protocol or the.pair.between]
    callers.run("handshakes", *words, WARM_UP_CONNECTIONS, "hold", cpu=the.load_cpu)
    without = usage.memory_bytes(the.pair.server.pid, "VmRSS")
    holder = callers.begin("handshakes", *words, CONNECTIONS, "hold", cpu=the.load_cpu)
    _, spent = the.spent(lambda: callers.line(holder))
    held = usage.memory_bytes(the.pair.server.pid, "VmRSS")
    found = callers.answer(holder)
    if found["failed"]:
        the.fail(found["errors"])
    return {
        "per_connection": (held - without) / CONNECTIONS,
        "without": without,
        "with": held,
        "server_us": spent["server"] / CONNECTIONS,
        "open": found["open"],
    }
