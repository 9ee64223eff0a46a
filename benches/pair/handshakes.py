#!/usr/bin/env python3
"""New connections with mutual TLS 1.3, nothing resumed, each with one request.

    handshakes.py ADDRESS PEM BUNDLE PROTOCOL COUNT once|hold

PEM is our key and certificate in one file, BUNDLE is whom we believe; `-` for both is a connection in the clear. `once`
closes each connection after its answer. `hold` keeps all, says so in a line, and then looks how many are still open.
Prints JSON at the end.
"""

import json
import socket
import ssl
import sys
import time
from concurrent.futures import ThreadPoolExecutor

THREADS = 4
ERRORS = (OSError, ValueError)


def main():
    """Runs what the command line says."""
    address, pem, bundle, protocol, count, then = sys.argv[1:]
    caller = Caller(address, None if pem == "-" else _context(pem, bundle, protocol), protocol, then == "hold")
    began = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as threads:
        connections = list(threads.map(caller.call, range(int(count))))
    found = {"seconds": time.perf_counter() - began, "failed": len(caller.errors), "errors": caller.errors[:5]}
    if then == "hold":
        print("held", flush=True)
        # Whoever started us measures now, and then lets us go on.
        sys.stdin.read()
        found["open"] = sum(map(_is_open, filter(None, connections)))
    print(json.dumps(found))


def _context(pem, bundle, protocol):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # An SVID names no host. The chain is verified all the same.
    context.check_hostname = False
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(bundle)
    context.load_cert_chain(pem)
    context.set_alpn_protocols([protocol])
    return context


class Caller:
    """Opens connections. What went wrong is in `errors`."""

    def __init__(self, address, context, protocol, hold):
        self._to = address
        self._context = context
        self._http2 = protocol == "h2"
        self._hold = hold
        self.errors = []

    def call(self, _):
        """One connection with one request. Returns it if it is held."""
        try:
            connection = self._connected()
            try:
                if self._http2:
                    _ask_http2(connection, self._to)
                else:
                    _ask_http1(connection, self._to, self._hold)
            except BaseException:
                connection.close()
                raise
        except ERRORS as error:
            self.errors.append(repr(error))
            return None
        if self._hold:
            return connection
        connection.close()
        return None

    def _connected(self):
        host, port = self._to.rsplit(":", 1)
        connection = socket.create_connection((host, int(port)), timeout=30)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._context.wrap_socket(connection) if self._context else connection


def _ask_http1(connection, host, keep):
    close = "" if keep else "connection: close\r\n"
    connection.sendall(f"GET /small HTTP/1.1\r\nhost: {host}\r\n{close}\r\n".encode())
    answer = b""
    while more := connection.recv(1 << 14):
        answer += more
        # What is held is not closed after the answer; its body is all that follows the head.
        if keep and b"\r\n\r\n" in answer and len(answer.partition(b"\r\n\r\n")[2]) >= _length(answer):
            break
    if not answer.startswith(b"HTTP/1.1 200") or len(answer.partition(b"\r\n\r\n")[2]) != _length(answer):
        raise ValueError(f"answer: {answer[:200]!r}")


def _length(answer):
    head = answer.partition(b"\r\n\r\n")[0].lower()
    return int(head.partition(b"content-length:")[2].split(b"\r\n")[0] or -1)


def _ask_http2(connection, host):
    # HPACK: indexed GET, https; literal path and authority, not indexed. The answer's head is not decoded: its first byte
    # is the static table's entry for `:status: 200`, once a change of the table's size (001…) has been skipped.
    block = b"\x82\x87" + b"\x04\x06/small" + b"\x01" + bytes([len(host)]) + host.encode()
    connection.sendall(
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(0x4, 0, 0, b"") + _frame(0x1, 0x5, 1, block)
    )
    reader = connection.makefile("rb")
    while True:
        head = reader.read(9)
        if len(head) < 9:
            raise ValueError("the connection was closed")
        kind, flags = head[3], head[4]
        body = reader.read(int.from_bytes(head[:3], "big"))
        if kind == 0x4 and not flags & 0x1:
            connection.sendall(_frame(0x4, 0x1, 0, b""))
        elif kind == 0x1 and body.lstrip(b"\x20\x3f\xe1\x1f")[:1] != b"\x88":
            raise ValueError(f"answer's head: {body[:100]!r}")
        elif kind in (0x3, 0x7):
            raise ValueError(f"reset: frame {kind} {body!r}")
        if kind in (0x0, 0x1) and flags & 0x1:
            return


def _frame(kind, flags, stream, body):
    return len(body).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + body


def _is_open(connection):
    # Tickets or a ping may wait to be read; only an end is an end.
    connection.setblocking(False)
    while True:
        try:
            if not connection.recv(1 << 14):
                return False
        except (ssl.SSLWantReadError, BlockingIOError):
            return True
        except OSError:
            return False


if __name__ == "__main__":
    main()
