"""Silent callers take every file descriptor of a sidecar: it waits without spinning, and serves when they are gone."""

import os
import socket

from support.app import App
from support.curl import curl
from support.sidecar import ORDERS
from support.sidecar import WEB
from support.sidecar import Sidecar
from support.sidecar import permit
from support.sidecar import write_config
from support.wait import until

DESCRIPTORS = 96


def test(case):
    app = App(case)
    svid = case.trust_domain.svid(WEB)
    sidecar = start(case, app)
    good = f"https://{sidecar.inbound}/orders/1"
    assert curl(good, svid=svid).status == 200

    host, port = sidecar.inbound.rsplit(":", 1)
    silent = [socket.create_connection((host, int(port))) for _ in range(2 * DESCRIPTORS)]
    until(lambda: len(os.listdir(f"/proc/{sidecar.program.pid}/fd")) >= DESCRIPTORS, "no descriptor to be left", 10)
    # It asks again ever more seldom, down to once a second.
    until(lambda: "pause_ms=1000" in sidecar.program.last_words(), "the door to have waited for a whole second", 20)
    sidecar.program.check()
    refused = curl(good, "--connect-timeout", "1", "--max-time", "1", svid=svid)
    assert refused.status == 0, refused

    for connection in silent:
        connection.close()
    until(lambda: curl(good, svid=svid).status == 200, "a request to pass again", 20)
    assert all(request.path == "/orders/1" for request in app.requests)


def start(case, app):
    """As others are started, but with few descriptors; and the silent are borne with for longer than this takes."""
    door = {"listen": case.address(), "service": ORDERS, "app": app.address}
    doors = {"inbound": door, "limits": {"handshake_timeout_ms": 60000}}
    orders = case.trust_domain.svid(ORDERS)
    path, config = write_config(case, ORDERS, orders, doors, permit(case.trust_domain.id(WEB), ORDERS))
    limited = ["prlimit", f"--nofile={DESCRIPTORS}:{DESCRIPTORS}", case.binary, "run", "--config", path]
    records = path.parent / "decisions.jsonl"
    return Sidecar(case.start(ORDERS, limited), config, records, path.parent / "policy").ready()
