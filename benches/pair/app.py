"""The app behind the pairs: nginx with one worker. No log: it is the same for all, and is not what is measured."""

import subprocess
import sys
import urllib.request
from dataclasses import dataclass

SMALL_BODY_BYTES = 128
# A gRPC message is not compressed (0), has a length of four bytes, and then its bytes.
GRPC_MESSAGE = b"\0\0\0\0\x20" + b"x" * 32
HELD_SECONDS = 2


@dataclass(frozen=True)
class App:
    """The same app at two addresses, one for each version of HTTP."""

    http1: str
    http2: str
    pid: int

    def at(self, terms):
        """Where a pair finds it."""
        return self.http2 if terms.http2 else self.http1


def grpc_options(case):
    """What makes h2load call `/grpc` as a gRPC client does."""
    message = case.directory / "files" / "message"
    return ["--data", message, "--header", "content-type: application/grpc", "--header", "te: trailers"]


def answers(case, entry, terms):
    """Ends the run unless its answer comes through whole: for gRPC with the trailer that says that all went well."""
    if terms.http2:
        command = ["nghttp", "--no-dep", "--verbose", *grpc_options(case), f"http://{entry}/grpc"]
        said = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True, timeout=20).stdout
        good = ":status: 200" in said and "grpc-status: 0" in said
    else:
        with urllib.request.urlopen(f"http://{entry}/small", timeout=20) as answer:
            said = answer.read()
        good = said == b"x" * SMALL_BODY_BYTES
    if not good:
        sys.exit(f"the app's answer did not come through: {said!r}")


def start(case, cpu):
    """`/held` sends half of its body, and the rest after a pause: its callers are all there at once."""
    http1, http2 = case.address(), case.address()
    for name, size in (("10k", 10 << 10), ("1m", 1 << 20), ("held", HELD_SECONDS << 10)):
        case.write(f"files/{name}", "x" * size)
    for name in ("grpc", "message"):
        (case.directory / "files" / name).write_bytes(GRPC_MESSAGE)
    config = case.write("app.conf", f"""\
daemon off;
worker_processes 1;
error_log {case.directory}/app.error warn;
pid {case.directory}/app.pid;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    sendfile on;
    open_file_cache max=16;
    keepalive_timeout 3600s;
    keepalive_requests 1000000000;
    http2_max_concurrent_streams 1024;
    client_body_temp_path {case.directory}/app.body;
    client_body_buffer_size 1m;
    etag off;
    max_ranges 0;
    proxy_temp_path {case.directory}/app.proxy;
    fastcgi_temp_path {case.directory}/app.fastcgi;
    uwsgi_temp_path {case.directory}/app.uwsgi;
    scgi_temp_path {case.directory}/app.scgi;
    server {{
        listen {http1} backlog=4096;
        listen {http2} http2 backlog=4096;
        root {case.directory}/files;
        location = /small {{ return 200 "{"x" * SMALL_BODY_BYTES}"; }}
        location = /held {{ limit_rate 1k; }}
        location = /grpc {{
            # Reads the request to its end first. Otherwise nginx resets a stream whose end comes after its answer.
            mirror /nowhere;
            # A file cannot be posted to: this is how nginx comes to answer with one.
            error_page 405 =200 /message;
        }}
        location = /message {{
            internal;
            default_type application/grpc;
            add_trailer grpc-status 0;
        }}
        location = /nowhere {{ internal; return 204; }}
    }}
}}
""")
    program = case.start("app", ["nginx", "-e", "stderr", "-p", case.directory, "-c", config], cpu=cpu)
    program.listens_on(http1)
    return App(http1, http2, program.pid)
