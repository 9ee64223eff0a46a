"""Whoever calls: many streams on some HTTP/2 connections, frame by frame; and small requests, one after the other."""

import http.client
import os
import socket
import ssl
import struct
import sys
import threading
import time

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
END_STREAM, END_HEADERS, ACK = 1, 4, 1
DEADLINE_SECONDS = 60


def context(svid, protocol):
    """For handshakes as `svid`. Who answers is not what is measured."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.set_alpn_protocols([protocol])
    made.load_cert_chain(svid.certificate, svid.key)
    return made


def dialled(door, made):
    """A connection to `door`."""
    host, port = door.rsplit(":", 1)
    return made.wrap_socket(socket.create_connection((host, int(port))))


class Caller:
    """Has as many kept streams as lost ones."""

    def __init__(self, door, svid, connections, streams):
        self._lock = threading.Condition()
        self._ended, self._opened = [], 0
        self._gap, self._beats = 0.0, {}
        self._stopped = False
        self.kept = self.lost = connections * streams // 2
        made = context(svid, "h2")
        self._wires = [Wire(self, dialled(door, made), streams // 2) for _ in range(connections)]
        for wire in self._wires:
            wire.open(b"/kept")
            wire.start()

    def open_lost(self):
        """Opens those that will lose their permit, and waits until all have begun."""
        self._ended = []
        for wire in self._wires:
            wire.open(b"/lost")
        with self._lock:
            if not self._lock.wait_for(lambda: self._opened == self.kept + self.lost, DEADLINE_SECONDS):
                sys.exit(f"only {self._opened} streams have begun")

    def all_lost_ended(self):
        """When each of them ended, once all have."""
        with self._lock:
            if not self._lock.wait_for(lambda: len(self._ended) == self.lost, DEADLINE_SECONDS):
                sys.exit(f"only {len(self._ended)} of {self.lost} were cut")
            self._opened -= self.lost
            return list(self._ended)

    def begin_watch(self):
        """From now on gaps count."""
        self._beats = {}
        self._gap = 0.0

    def longest_gap(self):
        """The longest time between two bytes of a kept stream."""
        time.sleep(0.2)
        return self._gap

    def stop(self):
        """Hangs up."""
        self._stopped = True
        for wire in self._wires:
            wire.close()

    def began(self):
        """A stream has its first byte."""
        with self._lock:
            self._opened += 1
            self._lock.notify()

    def ended(self, is_kept, when):
        """A stream was reset."""
        if is_kept:
            self.fail("a kept stream was cut")
        with self._lock:
            self._ended.append(when)
            self._lock.notify()

    def beat(self, key, when):
        """A kept stream has another byte."""
        before = self._beats.get(key)
        self._beats[key] = when
        if before is not None and when - before > self._gap:
            self._gap = when - before

    def fail(self, why):
        """Ends the run, unless that is over anyway."""
        if not self._stopped:
            print(why, file=sys.stderr, flush=True)
            os._exit(1)


class Wire:
    """One connection."""

    def __init__(self, caller, stream, count):
        self._caller, self._stream, self._count = caller, stream, count
        self._next = 1
        # Whether each stream is to be kept, and has begun.
        self._streams = {}
        self._writing = threading.Lock()
        self._send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, b""))

    def open(self, path):
        """Asks for `path` on so many streams."""
        heads = b""
        for _ in range(self._count):
            self._streams[self._next] = [path == b"/kept", False]
            heads += frame(HEADERS, END_STREAM | END_HEADERS, self._next, block(path))
            self._next += 2
        self._send(heads)

    def start(self):
        """Reads from now on."""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        try:
            unread = bytearray()
            while piece := self._stream.recv(1 << 16):
                when = time.perf_counter()
                unread += piece
                while len(unread) >= 9 and len(unread) >= 9 + int.from_bytes(unread[:3], "big"):
                    end = 9 + int.from_bytes(unread[:3], "big")
                    self._take(unread[3], unread[4], int.from_bytes(unread[5:9], "big"), bytes(unread[9:end]), when)
                    del unread[:end]
        except OSError:
            pass
        self._caller.fail("a connection ended")

    def _take(self, kind, flags, stream, payload, when):
        if kind in (SETTINGS, PING) and not flags & ACK:
            self._send(frame(kind, ACK, 0, payload if kind == PING else b""))
        elif kind == GOAWAY:
            self._caller.fail("the sidecar says goodbye")
        elif kind == RST_STREAM:
            self._caller.ended(self._streams.pop(stream)[0], when)
        elif kind == DATA:
            known = self._streams[stream]
            if flags & END_STREAM:
                self._caller.fail("a stream ended in good order")
            if not known[1]:
                known[1] = True
                self._caller.began()
            elif known[0]:
                self._caller.beat((id(self), stream), when)

    def close(self):
        """Hangs up. The descriptor is let go once nobody reads from it: it may be another's next."""
        self._stream.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._stream.close()

    def _send(self, frames):
        with self._writing:
            self._stream.sendall(frames)


def frame(kind, flags, stream, payload):
    """RFC 9113 4.1."""
    return struct.pack(">IBBI", len(payload), kind, flags, stream)[1:] + payload


def block(path):
    """Literal fields that are put in no table (RFC 7541 6.2.2)."""
    fields = [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"orders"), (b":path", path)]
    return b"".join(b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value for name, value in fields)


class Requests:
    """Asks for something small, over and over."""

    def __init__(self, door, svid):
        self._door, self._made = door, context(svid, "http/1.1")
        self._answered, self._longest, self._failed, self._over = 0, 0.0, None, False
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def begin_watch(self):
        """From now on answers count."""
        self._longest = 0.0

    def longest(self):
        """How long the longest answer took."""
        return self._longest

    def stop(self):
        """How many were answered; ends the run if one was not."""
        self._over = True
        self._thread.join()
        if self._failed:
            sys.exit(f"a request failed: {self._failed}")
        return self._answered

    def _ask(self):
        host, port = self._door.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port))
        connection.sock = dialled(self._door, self._made)
        while not self._over:
            began = time.perf_counter()
            try:
                connection.request("GET", "/quick")
                answer = connection.getresponse()
                text = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self._failed = repr(error)
                return
            if (answer.status, text) != (200, b"ok"):
                self._failed = f"{answer.status} {text!r}"
                return
            self._answered += 1
            self._longest = max(self._longest, time.perf_counter() - began)
