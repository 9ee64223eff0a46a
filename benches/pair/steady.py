#!/usr/bin/env python3
"""A load at a steady rate over HTTP/1.1, whether answers come or not: an open loop.

    steady.py ADDRESS PATH CONNECTIONS RATE COUNT

Request number n is due n / RATE seconds after the first, and its time runs from then, also if it had to wait for a free
connection: a pair that stands still is charged for all that fell due meanwhile. RATE 0 sends as fast as connections get
free (a closed loop of exactly COUNT requests). Prints JSON: durations in microseconds, and what was not a whole 200.
"""

import collections
import json
import selectors
import socket
import sys
import time

DEADLINE_SECONDS = 600


def main():
    """Runs what the command line says."""
    address, path, connections, rate, count = sys.argv[1:]
    print(json.dumps(Steady(address, path, int(connections)).run(float(rate), int(count))))


class Steady:
    """Kept connections, each with at most one request under way."""

    def __init__(self, address, path, connections):
        host, port = address.rsplit(":", 1)
        self._request = f"GET {path} HTTP/1.1\r\nhost: {address}\r\nuser-agent: steady\r\naccept: */*\r\n\r\n".encode()
        # epoll would round a wait up to the next millisecond, and so send up to one late.
        self._selector = selectors.SelectSelector()
        self._free = collections.deque()
        for _ in range(connections):
            connection = socket.create_connection((host, int(port)), timeout=10)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._free.append(connection)
            self._selector.register(connection, selectors.EVENT_READ)
        # Connection to when its request was due.
        self._busy = {}
        self._times = []
        self._errors = []

    def run(self, rate, count):
        """Sends `count` requests and waits for all answers."""
        began = time.perf_counter()
        sent = 0
        while len(self._times) + len(self._errors) < count:
            now = time.perf_counter()
            while sent < count and self._free and (not rate or now >= began + sent / rate):
                connection = self._free.popleft()
                self._busy[connection] = began + sent / rate if rate else now
                connection.sendall(self._request)
                sent += 1
            wait = DEADLINE_SECONDS
            if rate and sent < count and self._free:
                wait = max(0, began + sent / rate - time.perf_counter())
            for key, _ in self._selector.select(wait):
                self._answered(key.fileobj)
            if now - began > DEADLINE_SECONDS or not (self._free or self._busy):
                self._errors.append("no connection is left, or too much time has passed")
                break
        return {"times_us": self._times, "errors": self._errors[:5], "failed": len(self._errors)}

    def _answered(self, connection):
        due = self._busy.pop(connection, None)
        try:
            answer = connection.recv(1 << 16) if due else b""
            whole = _whole(connection, answer)
        except OSError as error:
            answer, whole = repr(error).encode(), False
        if whole and answer.startswith(b"HTTP/1.1 200"):
            self._times.append(round((time.perf_counter() - due) * 1_000_000))
            self._free.append(connection)
            return
        self._selector.unregister(connection)
        if connection in self._free:
            self._free.remove(connection)
        if due:
            self._errors.append(answer[:200].decode(errors="replace") or "the connection was closed")


def _whole(connection, answer):
    """Reads on until the body is there. Small answers come in one piece."""
    while True:
        head, end, body = answer.partition(b"\r\n\r\n")
        if end:
            length = next(
                (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), None
            )
            if length is None:
                return False
            if len(body) >= length:
                return len(body) == length
        more = connection.recv(1 << 16)
        if not more:
            return False
        answer += more


if __name__ == "__main__":
    main()
