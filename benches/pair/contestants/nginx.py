"""nginx. It speaks HTTP/1.1 to another server, but for gRPC, where it speaks HTTP/2 with one stream a connection."""

from contestants.pair import Running
from contestants.pair import Side
from contestants.pair import ends

_FIELDS = (
    '{"time":"$time_iso8601","id":"$request_id","caller":"$ssl_client_s_dn","source":"$remote_addr:$remote_port",'
    '"method":"$request_method","host":"$host","path":"$uri","status":$status,"bytes_in":$request_length,'
    '"bytes_out":$bytes_sent,"duration_s":$request_time}'
)


def nginx(case, app, terms, log="buffered"):
    """`log`: `buffered` (64 KiB, at least once a second), `unbuffered` (one write a line), `none`."""
    at = ends(case)
    # The module that passes requests on, and the scheme's first part.
    via, plain = ("grpc", "grpc") if terms.http2 else ("proxy", "http")
    server = _start(case, "server", terms, log, f"""
    upstream app {{ server {app}; keepalive 128; keepalive_requests 1000000000; }}
    server {{
        listen {at.far} ssl http2 backlog=4096;
        ssl_protocols TLSv1.3;
        ssl_certificate {at.orders.certificate};
        ssl_certificate_key {at.orders.key};
        ssl_client_certificate {at.bundle};
        ssl_verify_client on;
        ssl_session_tickets off;
        location / {{
            if ($ssl_client_s_dn != "CN=web") {{ return 403; }}
            {via}_pass {plain}://app;
            # A location with headers of its own inherits none: all that are needed are here.
            {_headers(via)}
            {via}_set_header X-Forwarded-Client-Cert 'Subject="$ssl_client_s_dn"';
        }}
    }}
""")
    client = _start(case, "client", terms, log, f"""
    upstream far {{ server {at.far}; keepalive 128; keepalive_requests 1000000000; }}
    server {{
        listen {at.near} {"http2" if terms.http2 else ""} backlog=4096;
        location / {{
            {via}_pass {plain}s://far;
            {_headers(via)}
            {via}_ssl_protocols TLSv1.3;
            {via}_ssl_certificate {at.web.certificate};
            {via}_ssl_certificate_key {at.web.key};
            {via}_ssl_trusted_certificate {at.bundle};
            {via}_ssl_verify on;
            {via}_ssl_name orders;
            {via}_ssl_session_reuse off;
        }}
    }}
""")
    server.listens_on(at.far)
    client.listens_on(at.near)
    sides = [Side(program.pid, case.directory / f"{program.name}.access" if log != "none" else None)
             for program in (client, server)]
    return Running(at, "h2" if terms.http2 else "http/1.1", *sides, (client, server))


def _headers(via):
    host = f"{via}_set_header Host $host;"
    return host if via == "grpc" else f'{host} proxy_set_header Connection "";'


def _start(case, name, terms, log, parts):
    where = f"{case.directory}/{name}.access json"
    access = {"buffered": f"{where} buffer=64k flush=1s", "unbuffered": where, "none": "off"}[log]
    config = case.write(f"{name}.conf", f"""\
daemon off;
worker_processes {terms.workers};
error_log {case.directory}/{name}.error warn;
pid {case.directory}/{name}.pid;
events {{ worker_connections 16384; }}
http {{
    log_format json escape=json '{_FIELDS}';
    access_log {access};
    keepalive_timeout 60s;
    keepalive_requests 1000000000;
    http2_max_concurrent_streams 256;
    proxy_http_version 1.1;
    client_body_temp_path {case.directory}/{name}.body;
    proxy_temp_path {case.directory}/{name}.proxy;
    fastcgi_temp_path {case.directory}/{name}.fastcgi;
    uwsgi_temp_path {case.directory}/{name}.uwsgi;
    scgi_temp_path {case.directory}/{name}.scgi;
{parts}
}}
""")
    return case.start(name, ["nginx", "-e", "stderr", "-p", case.directory, "-c", config], cpu=terms.cpu)
