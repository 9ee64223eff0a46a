#!/usr/bin/env python3
"""A client that behaves: asks at a steady pace over one connection, and ten times a second over a new one.

    good.py ADDRESS PEM SECONDS

Prints what it found as JSON: how often it asked and failed, and the quantiles of the kept connection in milliseconds.
"""

import json
import socket
import ssl
import sys
import time

EACH_SECONDS = 0.002
NEW_EACH_SECONDS = 0.1
PATIENCE_SECONDS = 5
REQUEST = b"GET /small HTTP/1.1\r\nhost: orders\r\n\r\n"


def main():
    """Asks until the time is over."""
    address, pem, seconds = sys.argv[1:]
    host, port = address.rsplit(":", 1)
    client = Client((host, int(port)), context(pem))
    client.run(float(seconds))
    times = sorted(client.times)
    at = lambda part: times[min(len(times) - 1, int(part * len(times)))] * 1000 if times else 0.0
    print(json.dumps({
        "asked": client.asked, "failed": len(client.errors), "errors": client.errors[:3], "p50": at(0.5), "p99": at(0.99),
    }))


def context(pem):
    """An SVID of the mesh. Who answers is not what is measured."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.load_cert_chain(pem)
    made.set_alpn_protocols(["http/1.1"])
    return made


class Client:
    """Its connection, and what became of its requests."""

    def __init__(self, to, tls):
        self._to = to
        self._tls = tls
        self._kept = None
        self.asked = 0
        self.errors = []
        self.times = []

    def run(self, seconds):
        """Asks for so long."""
        ends = time.perf_counter() + seconds
        new_at = time.perf_counter()
        while (now := time.perf_counter()) < ends:
            self._on_kept()
            if now >= new_at:
                new_at = now + NEW_EACH_SECONDS
                self._on_new()
            time.sleep(EACH_SECONDS)

    def _on_kept(self):
        self.asked += 1
        try:
            if self._kept is None:
                self._kept = self._connected()
                self._ask(self._kept)
            began = time.perf_counter()
            self._ask(self._kept)
            self.times.append(time.perf_counter() - began)
        except (OSError, ValueError) as error:
            self.errors.append(f"kept: {error!r}")
            self._kept = None

    def _on_new(self):
        self.asked += 1
        try:
            with self._connected() as connection:
                self._ask(connection)
        except (OSError, ValueError) as error:
            self.errors.append(f"new: {error!r}")

    def _connected(self):
        plain = socket.create_connection(self._to, timeout=PATIENCE_SECONDS)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._tls.wrap_socket(plain)

    def _ask(self, connection):
        connection.sendall(REQUEST)
        got = b""
        while not got.endswith(b"ok"):
            more = connection.recv(1 << 14)
            if not more:
                raise ValueError(f"closed after {got!r}")
            got += more
        if not got.startswith(b"HTTP/1.1 200"):
            raise ValueError(f"{got!r}")


if __name__ == "__main__":
    main()
