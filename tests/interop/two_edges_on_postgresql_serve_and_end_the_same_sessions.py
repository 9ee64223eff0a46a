"""Signed in at one edge, served by the other, revoked at either: both refuse, and cut what is open, of browsers and of programs."""

import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from support.browser import Browser
from support.curl import curl
from support.login import Machine
from support.openid import NAME
from support.openid import World
from support.postgresql import Postgresql
from support.sidecar import start
from support.ticks import ticks
from support.wait import until
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.sync.server import serve

COOKIE = "__Host-portreeve-session"
POLICY = '@id("people") permit(principal is User, action in Action::"http", resource in Service::"web");'
# More than a busy machine takes to ask once.
BLIND_SECONDS = 10


def test(case):
    world = World(case, programs=True)
    database = Postgresql(case)
    url = case.write("sessions.url", database.url)
    key = case.write("session.key", os.urandom(32).hex())
    key.chmod(0o600)
    sessions = {"store": {"postgres_url_file": str(url)}, "key_file": str(key), "blind_s": BLIND_SECONDS}
    apps = {"/ticks": ticks(case), "/ws": echo(case)}
    both = [Edge(world, name, sessions, apps) for name in ("one", "other")]
    one, other = both
    for where, words in (
        (one, lambda handle: [handle]),
        (other, lambda handle: [handle]),
        (one, lambda _: ["--user", "corp/alice"]),
        (other, lambda _: ["--all"]),
    ):
        is_cut_everywhere(world, both, where, words)
    for where in both:
        a_program_is_cut_everywhere(world, both, where)
    without_the_store(world, both, database)


def is_cut_everywhere(world, both, where, words):
    """An order at one of the two ends what is in flight at both."""
    alice = signed_in(world)
    flights = []
    for edge in both:
        assert edge.status(alice) == 200, f"{edge.name} does not know who signed in at the first"
        flights += [Stream(edge, f"{NAME}:{world.port}", {"cookie": f"{COOKIE}={alice}"}), WebSocket(edge, alice)]
    listed = json.loads(where.order("session", "list", "--json"))
    assert [session["subject"] for session in listed] == ["alice"], listed
    assert alice not in json.dumps(listed)
    handle = listed[0]["handle"]
    ordered = time.monotonic()
    assert where.order("session", "revoke", *words(handle)).split() == [handle]
    for flight in flights:
        flight.is_cut()
    # For a look with `--keep`. A busy machine may take longer than the second that is promised.
    with open(world.case.directory / "took.txt", "a") as took:
        print(f"{where.name}: {time.monotonic() - ordered:.3f} s", file=took)
    for edge in both:
        until(lambda: edge.status(alice) == 401, f"{edge.name} to refuse")
        until(lambda: edge.cut_of(handle) == 2, f"two records of {edge.name}")
        assert json.loads(edge.order("session", "list", "--json")) == []
    (order,) = [record for record in where.records() if record.get("event") == "session_revoke"][-1:]
    assert order["operator"].startswith(f"uid:{os.geteuid()} "), order


def a_program_is_cut_everywhere(world, both, where):
    """What `portreeve login` was given by the first is good at the other, until one of the two is told to end it."""
    site = f"https://{both[0].at}"
    laptop = Machine(world.case, f"laptop-{where.name}", site, world.web.bundle)
    login, place = laptop.login()
    world.provider.let_in(world.browser(), place, "alice")
    assert login.ended(60) == 0, login.last_words()
    token = {"authorization": f"Bearer {laptop.token()}"}
    flights = []
    for edge in both:
        assert edge.answers(both[0].at, token) == 200, edge.name
        flights.append(Stream(edge, both[0].at, token))
    (listed,) = json.loads(where.order("session", "list", "--json"))
    assert where.order("session", "revoke", listed["handle"]).split() == [listed["handle"]]
    for flight in flights:
        flight.is_cut()
    for edge in both:
        until(lambda: edge.answers(both[0].at, token) == 401, f"{edge.name} to refuse a program")
        until(lambda: edge.cut_of(listed["handle"]) == 1, f"a record of {edge.name}")


def without_the_store(world, both, database):
    """Whoever is in stays in for a while; then nobody is believed."""
    alice = signed_in(world)
    for edge in both:
        assert edge.status(alice) == 200
    database.program.signal(signal.SIGQUIT)
    database.program.ended()
    for edge in both:
        assert edge.status(alice) == 200, f"{edge.name} believes nobody as soon as the store is away"
    for edge in both:
        until(lambda: edge.status(alice) == 503, f"{edge.name} to believe nobody", 6 * BLIND_SECONDS)


class Edge:
    """One of the two: the same name and port, at an address of its own."""

    def __init__(self, world, name, sessions, apps):
        case = world.case
        self.name = name
        self.case = case
        self.roots = world.web.bundle
        self.origin = world.origin
        first, second, rest = case.host.split(".", 2)
        host = case.host if name == "one" else f"{first}.{int(second) + 1}.{rest}"
        self.at = f"{host}:{world.port}"
        # A socket's path is short.
        place = tempfile.mkdtemp(prefix="portreeve-")
        case.at_the_end(shutil.rmtree, place, True)
        self.socket = Path(place) / "admin.sock"
        server = world.web.svid(name, names=f"DNS:{NAME},IP:{host}", subject="/CN=edge")
        apps = {"/": world.app.address, **apps}
        # By its name for browsers, by the first one's address for programs, which have no name for it.
        hosts = (NAME, case.host)
        routes = [{"host": host, "path": path, "app": app, "service": "web"} for host in hosts for path, app in apps.items()]
        door = {
            "listen": self.at,
            "certificate": {"certificate": str(server.certificate), "key": str(server.key)},
            "providers": {"corp": {**world.provider.settings(), "device_login": True}},
            "sessions": sessions,
            "routes": routes,
        }
        doors = {"edge": door, "admin": {"socket": str(self.socket)}}
        self.sidecar = start(case, name, case.trust_domain.svid(name), doors, POLICY)
        self.records = self.sidecar.records

    def order(self, *words):
        """What `portreeve` prints at its socket."""
        command = [self.case.binary, *words, "--socket", self.socket]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def cut_of(self, handle):
        """How much of a session was cut because it was revoked, by the records."""
        of_session = [record for record in self.records() if record.get("session") == handle]
        return [record.get("withdrawn_reason") for record in of_session].count("session_revoked")

    def status(self, cookie):
        """What is answered to whoever shows the cookie; nothing, if that was cut on its way."""
        browser = Browser({NAME: self.at}, self.roots)
        try:
            return browser.fetch(self.origin + "/a", cookie=f"{COOKIE}={cookie}").status
        except http.client.HTTPException:
            return None

    def answers(self, host, shown):
        """What is answered to a program that calls it `host`."""
        options = [word for name, value in shown.items() for word in ("--header", f"{name}: {value}")]
        return curl(f"https://{host}/a", "--connect-to", f"{host}:{self.at}", *options).status

    def dial(self):
        """A TLS connection, as the name's certificate says."""
        host, port = self.at.rsplit(":", 1)
        tls = ssl.create_default_context(cafile=str(self.roots))
        return tls.wrap_socket(socket.create_connection((host, int(port)), 20), server_hostname=NAME)


class Stream:
    """An answer that has begun and does not end."""

    def __init__(self, edge, host, shown):
        self._socket = edge.dial()
        lines = ["GET /ticks HTTP/1.1", f"host: {host}", *(f"{name}: {value}" for name, value in shown.items())]
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self._seen = b""
        while b"tick" not in self._seen:
            piece = self._socket.recv(4096)
            assert piece, self._seen
            self._seen += piece

    def is_cut(self):
        """Reads to its end, which is none of HTTP's."""
        piece = b"some"
        while piece:
            try:
                piece = self._socket.recv(4096)
            except (ConnectionResetError, ssl.SSLEOFError):
                piece = b""
            self._seen += piece
        assert not self._seen.endswith(b"0\r\n\r\n"), "the answer looks whole"


class WebSocket:
    """One that has said something."""

    def __init__(self, edge, cookie):
        port = edge.at.rsplit(":", 1)[1]
        headers = {"cookie": f"{COOKIE}={cookie}"}
        # The connection has its TLS already.
        url = f"ws://{NAME}:{port}/ws"
        self._socket = connect(url, sock=edge.dial(), origin=edge.origin, additional_headers=headers, open_timeout=20)
        self._socket.send("hello")
        assert self._socket.recv(timeout=20) == "hello"

    def is_cut(self):
        """It is told why."""
        try:
            raise AssertionError(f"it goes on: {self._socket.recv(timeout=20)}")
        except ConnectionClosed as closed:
            assert (closed.rcvd.code, closed.rcvd.reason) == (1008, "permit_withdrawn"), closed


def signed_in(world):
    """What a browser shows in which she has signed in, at the first."""
    browser = world.browser()
    browser.visit(world.url("/a"))
    world.provider.sign_in(browser, "alice")
    assert browser.status == 200, (browser.seen, browser.page)
    return browser.cookies()[COOKIE]


def echo(case):
    """An app that says what it is told."""

    def answer(socket):
        try:
            for message in socket:
                socket.send(message)
        except ConnectionClosed:
            pass

    server = serve(answer, case.host, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    case.at_the_end(server.shutdown)
    return "{}:{}".format(*server.socket.getsockname())
