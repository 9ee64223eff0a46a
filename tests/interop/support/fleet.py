"""Callers that ask for rows of numbered things: what an application received, and what became of each.

They are programs that others have written, curl and node: they see an answer that is cut short, obey `connection: close` and
GOAWAY, and ask again what HTTP says was never looked at. (curl of Debian 12 mixes up parallel streams of HTTP/2: node does those.)
"""

import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from pathlib import Path

from support.openid import node
from support.wait import until

SCRIPT = Path(__file__).with_suffix(".mjs")
BODY = b"as it should be\n" * 256
"""What each request is answered with."""
ANSWERED = (0, 200)
"""The outcome of a request that was answered, to the last byte."""
REFUSED = 7
"""How a caller ends where nobody listens."""
HTTP1 = "http1"
HTTP2 = "http2"
ROWS = {HTTP1: 20, HTTP2: 300}
"""How many things one program asks for: node takes its time to start."""


class Counter:
    """An application that counts how often it received each number, and answers in two parts, so that a cut would show."""

    def __init__(self, case):
        self.received = {}
        self._gates = {}
        self._given = 0
        self._held = {}
        self._lock = threading.Lock()
        counter = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                self.rfile.read(int(self.headers.get("content-length", 0)))
                counter.count(int(self.path.rpartition("/")[2]))
                self.send_response(200)
                self.send_header("content-length", str(len(BODY)))
                self.end_headers()
                half = len(BODY) // 2
                self.wfile.write(BODY[:half])
                counter.work(self.path)
                self.wfile.write(BODY[half:])

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

        self._server = _Server((case.host, 0), Handler)
        self.address = "{}:{}".format(*self._server.server_address)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        case.at_the_end(self._server.shutdown)

    def gate(self, name):
        """Requests to `/held/NAME/…` wait for it in the middle of their answers, until it is set."""
        self._gates[name] = threading.Event()
        self._held[name] = 0
        return self._gates[name]

    def holds(self, name, count):
        """Waits until so many requests wait at a gate."""
        until(lambda: self._held[name] >= count, f"{count} requests to reach the app", 60)

    def numbers(self, count):
        """So many that nobody has had."""
        with self._lock:
            first = self._given + 1
            self._given += count
            return range(first, first + count)

    def count(self, number):
        """Called by the handler."""
        with self._lock:
            self.received[number] = self.received.get(number, 0) + 1

    def work(self, path):
        """Called by the handler: what takes a moment, or as long as somebody wants."""
        words = path.split("/")
        if words[1] == "held":
            with self._lock:
                self._held[words[2]] += 1
            assert self._gates[words[2]].wait(60), f"nobody opened the gate of {path}"
        else:
            time.sleep(0.05)


class Fleet:
    """Callers of one door, until `stop`; each way is a version of HTTP and a method. While nobody listens they wait for `open`."""

    def __init__(self, case, app, entry, ways):
        self.outcomes = {}
        self._app = app
        self._door = threading.Event()
        self._entry = entry
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=way, daemon=True) for way in ways]
        self._door.set()
        for thread in self._threads:
            thread.start()
        case.at_the_end(self.stop)

    def stop(self):
        """Ends the load and waits for the last answers."""
        self._stopping.set()
        self._door.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a caller waits for its answers in vain"

    def shut(self):
        """The door will close: who finds it closed waits."""
        self._door.clear()

    def open(self):
        """The door is open again."""
        self._door.set()

    def answered(self, more):
        """Waits until so many more were answered."""
        before = self._served()
        until(lambda: self._served() >= before + more, f"{more} answers", 60)

    def held(self, gate, http, method):
        """One request that waits at a gate, sent until it is let through. Returns the thread that waits for its answer."""

        def ask():
            while not self._stopping.is_set() and self._ask(f"/held/{gate}", 1, http, method) != [ANSWERED]:
                pass

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        return thread

    def _served(self):
        with self._lock:
            return sum(outcome == ANSWERED for outcome in self.outcomes.values())

    def _run(self, http, method):
        while not self._stopping.is_set():
            outcomes = self._ask("/load", ROWS[http], http, method)
            if all(code == REFUSED for code, _ in outcomes):
                self._door.wait()

    def _ask(self, path, count, http, method):
        """Asks for a row of numbers, and returns what became of each."""
        numbers = self._app.numbers(count)
        # One stream alone curl gets right, and starts sooner.
        command = (_node if http == HTTP2 and count > 1 else _curl)(f"http://{self._entry}{path}", numbers, http, method)
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120, check=False)
        outcomes = dict(map(_outcome, done.stdout.splitlines()))
        assert outcomes.keys() == set(numbers), (command, done)
        with self._lock:
            self.outcomes.update(outcomes)
        return list(outcomes.values())


def _curl(url, numbers, http, method):
    version = ["--http1.1", "--parallel", "--parallel-max", "3"] if http == HTTP1 else ["--http2-prior-knowledge"]
    words = [
        "curl", "--silent", "--show-error", *version, "--request", method, "--max-time", "90",
        "--write-out", "%{url} %{exitcode} %{http_code} %{size_download}\n", "--output", "/dev/null",
    ]
    body = [] if method == "GET" else ["--data", "to be read once"]
    return [*words, *body, f"{url}/[{numbers[0]}-{numbers[-1]}]"]


def _node(url, numbers, _http, method):
    return [str(node()), str(SCRIPT), url, str(numbers[0]), str(numbers[-1]), method]


def _outcome(line):
    """A number, and what became of it: curl's exit code or node's word for what was wrong, and the status."""
    url, code, status, size = line.split()
    outcome = (int(code) if code.isdigit() else code, int(status))
    if outcome == ANSWERED and int(size) != len(BODY):
        outcome = (f"{size} bytes of {len(BODY)}", 200)
    return int(url.rpartition("/")[2]), outcome


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512
    block_on_close = False
