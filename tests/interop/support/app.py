"""An app that remembers what reached it, byte for byte where it matters: the oracle of most tests."""

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer

from support.wait import until


@dataclass(frozen=True)
class Request:
    """One request as the app saw it. Header names are in lower case, in the order of arrival."""

    method: str
    path: str
    headers: tuple
    body: bytes

    def header(self, name):
        """All values of a header."""
        return [value for key, value in self.headers if key == name]


class App:
    """HTTP/1.1 on localhost, or at `listen`. It answers each request with what it saw; `/held` only when `release` is called."""

    def __init__(self, case, listen=None):
        self.requests = []
        self._gate = threading.Event()
        self._held = 0
        self._lock = threading.Lock()
        app = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                length = int(self.headers.get("content-length", 0))
                headers = tuple((key.lower(), value) for key, value in self.headers.items())
                request = Request(self.command, self.path, headers, self.rfile.read(length))
                app.remember(request)
                if request.path.startswith("/held"):
                    app.hold()
                body = json.dumps({"path": request.path, "headers": headers}).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer

            def log_message(self, *_):
                pass

        self._server = _Server(listen or (case.host, 0), Handler)
        self.address = "{}:{}".format(*self._server.server_address)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        case.at_the_end(self._server.shutdown)
        case.at_the_end(self.release)

    def remember(self, request):
        """Called by the handler."""
        with self._lock:
            self.requests.append(request)

    def hold(self):
        """Called by the handler: waits for `release`."""
        with self._lock:
            self._held += 1
        assert self._gate.wait(60), "nobody released the held requests"

    def holds(self, count):
        """Waits until `count` requests are being held."""
        until(lambda: self._held >= count, f"{count} requests to reach the app")

    def release(self):
        """Lets all held requests, and those to come, be answered."""
        self._gate.set()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # The default of 5 makes bursts of connections wait for a second SYN.
    request_queue_size = 512
    # Threads that serve an open connection are not waited for.
    block_on_close = False
