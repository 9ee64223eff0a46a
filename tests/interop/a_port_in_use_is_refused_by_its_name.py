"""Somebody has the port, be it a stranger or another portreeve: two sidecars never share one unknowingly."""

import socket

from support.app import App
from support.sidecar import start_inbound
from support.starts import good
from support.starts import refused
from support.starts import save


def test(case):
    for door in ("inbound", "admin"):
        path, config, _ = good(case, f"{door}-taken")
        host, port = config[door]["listen"].split(":")
        with socket.create_server((host, int(port))):
            refused(case, f"{door}-taken", path, config[door]["listen"])

    # SO_REUSEPORT lets a process share its ports with another of the same user, if nobody looks.
    running = start_inbound(case, App(case).address)
    path, config, _ = good(case, "second")
    config["inbound"]["listen"] = running.inbound
    save(path, config)
    refused(case, "second", path, running.inbound)
