"""HAProxy, by default with HTTP/2 between the two, which costs it least."""

from contestants.pair import Running
from contestants.pair import Side
from contestants.pair import ends

_FIELDS = (
    r'{\"time\":\"%[date,utime(%Y-%m-%dT%H:%M:%S)]\",\"id\":\"%ID\",\"caller\":\"%{+E}[ssl_c_s_dn(CN)]\",\"source\":\"%ci:%cp\",'
    r'\"method\":\"%HM\",\"host\":\"%{+E}[var(txn.host)]\",\"path\":\"%{+E}HPO\",\"status\":%ST,\"bytes_in\":%U,'
    r'\"bytes_out\":%B,\"duration_ms\":%Ta,\"reason\":\"%ts\"}'
)


def haproxy(case, app, terms, log="stdout", between="h2"):
    """`log`: `stdout` (one write a line), `ring` (in memory, sent to a reader in batches), `none`."""
    at = ends(case)
    server = _start(case, "server", terms, log, f"""
frontend in
    bind {at.far} backlog 4096 ssl crt {at.orders.both} ca-file {at.bundle} verify required alpn h2,http/1.1
    http-request deny deny_status 403 unless {{ ssl_c_s_dn(CN) web }} METH_GET || {{ ssl_c_s_dn(CN) web }} METH_POST
    http-request set-var(txn.host) req.hdr(host)
    http-request del-header x-forwarded-client-cert
    http-request set-header x-forwarded-client-cert Subject=\\"%[ssl_c_s_dn]\\"
    default_backend app
backend app
    http-reuse always
    server app {app} {"proto h2" if terms.http2 else ""}
""")
    client = _start(case, "client", terms, log, f"""
frontend in
    bind {at.near} backlog 4096
    http-request set-var(txn.host) req.hdr(host)
    default_backend far
backend far
    http-reuse always
    server far {at.far} ssl crt {at.web.both} ca-file {at.bundle} verify required alpn {between} no-ssl-reuse
""")
    server.listens_on(at.far)
    client.listens_on(at.near)
    sides = [Side(program.pid, program.stdout if log == "stdout" else None) for program in (client, server)]
    return Running(at, between, *sides, (client, server))


def _start(case, name, terms, log, parts):
    target = {"stdout": "log stdout len 2048 format raw local0", "ring": "log ring@lines len 2048 local0", "none": ""}
    ring = "ring lines\n    format raw\n    maxlen 2048\n    size 8388608\n" if log == "ring" else ""
    config = case.write(f"{name}.cfg", f"""\
global
    nbthread {terms.workers}
    maxconn 8192
    {target[log]}
    ssl-default-bind-options ssl-min-ver TLSv1.3 no-tls-tickets
    ssl-default-server-options ssl-min-ver TLSv1.3
{ring}
defaults
    mode http
    {"log global" if log != "none" else "no log"}
    unique-id-format %{{+X}}o%ci%cp%Ts%rt%pid
    log-format "{_FIELDS}"
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout http-keep-alive 60s
{parts}
""")
    return case.start(name, ["haproxy", "-db", "-f", config], cpu=terms.cpu)
