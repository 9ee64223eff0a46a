"""The pairs: a client's sidecar and a server's sidecar that do the same work, each configured as well as we know how.

All of them: one worker, HTTP/1.1 in, mutual TLS 1.3 with P-256 SVIDs between the two, HTTP/1.1 with keep-alive to the
app, one JSON line per request on both sides, only the client's identity let through.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from support import sidecar
from support.wait import until

JSON_FIELDS_HAPROXY = (
    r'{\"time\":\"%[date,utime(%Y-%m-%dT%H:%M:%S)]\",\"id\":\"%ID\",\"caller\":\"%{+E}[ssl_c_s_dn(CN)]\",\"source\":\"%ci:%cp\",'
    r'\"method\":\"%HM\",\"host\":\"%{+E}[var(txn.host)]\",\"path\":\"%{+E}HPO\",\"status\":%ST,\"bytes_in\":%U,'
    r'\"bytes_out\":%B,\"duration_ms\":%Ta,\"reason\":\"%ts\"}'
)
JSON_FIELDS_NGINX = (
    '{"time":"$time_iso8601","id":"$request_id","caller":"$ssl_client_s_dn","source":"$remote_addr:$remote_port",'
    '"method":"$request_method","host":"$host","path":"$uri","status":$status,"bytes_in":$request_length,'
    '"bytes_out":$bytes_sent,"duration_s":$request_time}'
)


@dataclass(frozen=True)
class Side:
    """One sidecar of a pair: its process and the file its records go to (none if it keeps none)."""

    pid: int
    records: Path | None


@dataclass(frozen=True)
class Running:
    """A pair that takes requests at `entry`."""

    entry: str
    client: Side
    server: Side
    programs: tuple


def haproxy(case, app, cpu, log="stdout", between="h2"):
    """HAProxy, by default with HTTP/2 between the two, which costs it least. `log`: `stdout` (one write a line), `ring` (in memory, sent to a reader in batches), `none`."""
    web = case.trust_domain.svid("web", subject="/CN=web")
    orders = case.trust_domain.svid("orders", subject="/CN=orders")
    near, far = case.address(), case.address()
    bundle = case.trust_domain.bundle
    server = _haproxy(case, "server", cpu, log, f"""
frontend in
    bind {far} ssl crt {orders.both} ca-file {bundle} verify required alpn {between}
    http-request deny deny_status 403 unless {{ ssl_c_s_dn(CN) web }} METH_GET || {{ ssl_c_s_dn(CN) web }} METH_POST
    http-request set-var(txn.host) req.hdr(host)
    http-request del-header x-forwarded-client-cert
    http-request set-header x-forwarded-client-cert Subject=\\"%[ssl_c_s_dn]\\"
    default_backend app
backend app
    http-reuse always
    server app {app}
""")
    client = _haproxy(case, "client", cpu, log, f"""
frontend in
    bind {near}
    http-request set-var(txn.host) req.hdr(host)
    default_backend far
backend far
    http-reuse always
    server far {far} ssl crt {web.both} ca-file {bundle} verify required alpn {between}
""")
    server.listens_on(far)
    client.listens_on(near)
    records = {program: program.stdout if log == "stdout" else None for program in (client, server)}
    return Running(near, Side(client.pid, records[client]), Side(server.pid, records[server]), (client, server))


def _haproxy(case, name, cpu, log, parts):
    target = {"stdout": "log stdout len 2048 format raw local0", "ring": "log ring@lines len 2048 local0", "none": ""}
    ring = "ring lines\n    format raw\n    maxlen 2048\n    size 8388608\n" if log == "ring" else ""
    config = case.write(f"{name}.cfg", f"""\
global
    nbthread 1
    maxconn 8192
    {target[log]}
    ssl-default-bind-options ssl-min-ver TLSv1.3 no-tls-tickets
    ssl-default-server-options ssl-min-ver TLSv1.3
{ring}
defaults
    mode http
    {"log global" if log != "none" else "no log"}
    unique-id-format %{{+X}}o%ci%cp%Ts%rt%pid
    log-format "{JSON_FIELDS_HAPROXY}"
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout http-keep-alive 60s
{parts}
""")
    return case.start(name, ["haproxy", "-db", "-f", config], cpu=cpu)


def nginx(case, app, cpu, log="buffered"):
    """nginx. `log`: `buffered` (64 KiB, at least once a second), `unbuffered` (one write a line), `none`."""
    web = case.trust_domain.svid("web", subject="/CN=web")
    orders = case.trust_domain.svid("orders", subject="/CN=orders")
    near, far = case.address(), case.address()
    bundle = case.trust_domain.bundle
    server = _nginx(case, "server", cpu, log, f"""
    upstream app {{ server {app}; keepalive 128; keepalive_requests 1000000000; }}
    server {{
        listen {far} ssl;
        ssl_protocols TLSv1.3;
        ssl_certificate {orders.certificate};
        ssl_certificate_key {orders.key};
        ssl_client_certificate {bundle};
        ssl_verify_client on;
        ssl_session_tickets off;
        location / {{
            if ($ssl_client_s_dn != "CN=web") {{ return 403; }}
            proxy_pass http://app;
            # A location with headers of its own inherits none: all three are needed here.
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-Client-Cert 'Subject="$ssl_client_s_dn"';
        }}
    }}
""")
    client = _nginx(case, "client", cpu, log, f"""
    upstream far {{ server {far}; keepalive 128; keepalive_requests 1000000000; }}
    server {{
        listen {near};
        location / {{
            proxy_pass https://far;
            proxy_ssl_protocols TLSv1.3;
            proxy_ssl_certificate {web.certificate};
            proxy_ssl_certificate_key {web.key};
            proxy_ssl_trusted_certificate {bundle};
            proxy_ssl_verify on;
            proxy_ssl_name orders;
        }}
    }}
""")
    server.listens_on(far)
    client.listens_on(near)
    sides = [Side(program.pid, case.directory / f"{program.name}.access" if log != "none" else None)
             for program in (client, server)]
    return Running(near, *sides, (client, server))


def _nginx(case, name, cpu, log, parts):
    where = f"{case.directory}/{name}.access json"
    access = {"buffered": f"{where} buffer=64k flush=1s", "unbuffered": where, "none": "off"}[log]
    config = case.write(f"{name}.conf", f"""\
daemon off;
worker_processes 1;
error_log {case.directory}/{name}.error warn;
pid {case.directory}/{name}.pid;
events {{ worker_connections 8192; }}
http {{
    log_format json escape=json '{JSON_FIELDS_NGINX}';
    access_log {access};
    keepalive_timeout 60s;
    keepalive_requests 1000000000;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $host;
    client_body_temp_path {case.directory}/{name}.body;
    proxy_temp_path {case.directory}/{name}.proxy;
    fastcgi_temp_path {case.directory}/{name}.fastcgi;
    uwsgi_temp_path {case.directory}/{name}.uwsgi;
    scgi_temp_path {case.directory}/{name}.scgi;
{parts}
}}
""")
    return case.start(name, ["nginx", "-e", "stderr", "-p", case.directory, "-c", config], cpu=cpu)


def portreeve(case, app, cpu):
    """The program this is about, with its policy and its audit log on."""
    web, orders = case.trust_domain.svid("web"), case.trust_domain.svid("orders")
    allowed = "in [Action::\"GET\", Action::\"POST\"]"
    rule = sidecar.permit(web.id, "orders", allowed)
    far, near = case.address(), case.address()
    server = sidecar.start(
        case, "server", orders, {"inbound": {"listen": far, "service": "orders", "app": app}}, rule, cpu
    )
    door = {"listen": near, "to": far, "expect": orders.id, "service": "orders"}
    client = sidecar.start(case, "client", web, {"outbound": [door]}, rule, cpu)
    sides = [Side(one.program.pid, Path(one.config["audit"]["file"])) for one in (client, server)]
    return Running(near, *sides, (client.program, server.program))


CONTESTANTS = {
    "portreeve": portreeve,
    "haproxy": haproxy,
    "haproxy-h1": lambda case, app, cpu: haproxy(case, app, cpu, between="http/1.1"),
    "nginx": nginx,
    # What a choice costs the peers. Not in the default run.
    "haproxy-ring": lambda case, app, cpu: haproxy(case, app, cpu, log="ring"),
    "haproxy-nolog": lambda case, app, cpu: haproxy(case, app, cpu, log="none"),
    "nginx-unbuffered": lambda case, app, cpu: nginx(case, app, cpu, log="unbuffered"),
    "nginx-nolog": lambda case, app, cpu: nginx(case, app, cpu, log="none"),
}


def count_records(side):
    """How many whole lines a side has written."""
    with open(side.records, "rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def await_records(side, count):
    """Waits until a side has written `count` lines, and looks whether the last one is JSON."""
    until(lambda: count_records(side) >= count, f"{count} records in {side.records}", 10)
    with open(side.records, "rb") as file:
        file.seek(-min(4096, side.records.stat().st_size), 2)
        json.loads(file.read().split(b"\n")[-2])
