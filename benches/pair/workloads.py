"""What is asked of the pairs, and the app that answers."""

from dataclasses import dataclass

SMALL_BODY_BYTES = 128
_POST_LUA = 'wrk.method = "POST"\nwrk.body = string.rep("x", 10240)\nwrk.headers["content-type"] = "text/plain"\n'


@dataclass(frozen=True)
class Workload:
    """A path of the app and what wrk needs besides."""

    path: str
    says: str
    options: tuple = ()


def workloads(case):
    """All of them, by name."""
    script = case.write("post.lua", _POST_LUA)
    return {
        "small": Workload("/small", f"GET, {SMALL_BODY_BYTES}-byte answer"),
        "10k": Workload("/10k", "GET, 10 KiB answer"),
        "1m": Workload("/1m", "GET, 1 MiB answer"),
        "post": Workload("/small", "POST of 10 KiB, 128-byte answer", ("--script", str(script))),
    }


def start_app(case, cpu):
    """nginx with one worker. No log: it is the same for all, and is not what is measured."""
    address = case.address()
    for name, size in (("10k", 10 << 10), ("1m", 1 << 20)):
        case.write(f"files/{name}", "x" * size)
    config = case.write("app.conf", f"""\
daemon off;
worker_processes 1;
error_log {case.directory}/app.error warn;
pid {case.directory}/app.pid;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    sendfile on;
    open_file_cache max=16;
    keepalive_timeout 3600s;
    keepalive_requests 1000000000;
    client_body_temp_path {case.directory}/app.body;
    client_body_buffer_size 1m;
    proxy_temp_path {case.directory}/app.proxy;
    fastcgi_temp_path {case.directory}/app.fastcgi;
    uwsgi_temp_path {case.directory}/app.uwsgi;
    scgi_temp_path {case.directory}/app.scgi;
    server {{
        listen {address} backlog=4096;
        root {case.directory}/files;
        location = /small {{ return 200 "{"x" * SMALL_BODY_BYTES}"; }}
    }}
}}
""")
    program = case.start("app", ["nginx", "-e", "stderr", "-p", case.directory, "-c", config], cpu=cpu)
    program.listens_on(address)
    return address, program
