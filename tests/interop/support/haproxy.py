"""HAProxy from Debian: as an app, and as a peer that speaks mutual TLS."""

_CONFIG = """\
global
    log stdout format raw local0
    ssl-default-bind-options ssl-min-ver TLSv1.3
    ssl-default-server-options ssl-min-ver TLSv1.3
defaults
    mode http
    log global
    option httplog
    timeout connect 5s
    timeout client 30s
    timeout server 30s
{parts}
"""


class HaProxy:
    """A running HAProxy with one frontend."""

    def __init__(self, case, name, parts, address):
        config = case.write(f"{name}.cfg", _CONFIG.format(parts=parts))
        self.address = address
        self.program = case.start(name, ["haproxy", "-db", "-f", config])
        self.program.listens_on(address)


def app(case):
    """A plaintext app whose answer also shows who it was told the caller is."""
    address = case.address()
    parts = f"""
frontend app
    bind {address}
    http-request return status 200 content-type text/plain lf-string "haproxy was here caller=%[req.hdr(x-portreeve-caller)]"
"""
    return HaProxy(case, "haproxy-app", parts, address)


def mutual_tls_client(case, svid, to, alpn):
    """A near side that is not portreeve: plaintext in, the SVID shown to `to`, which must prove our trust domain."""
    address = case.address()
    parts = f"""
frontend near
    bind {address}
    default_backend far
backend far
    http-reuse always
    server far {to} ssl crt {svid.both} ca-file {case.trust_domain.bundle} verify required alpn {alpn}
"""
    return HaProxy(case, "haproxy-client", parts, address)


def mutual_tls_server(case, svid, alpn="h2,http/1.1"):
    """A far side that is not portreeve."""
    address = case.address()
    parts = f"""
frontend far
    bind {address} ssl crt {svid.both} ca-file {case.trust_domain.bundle} verify required alpn {alpn}
    http-request return status 200 content-type text/plain lf-string "haproxy was here verify=%[ssl_c_verify] protocol=%[req.ver]"
"""
    return HaProxy(case, "haproxy-server", parts, address)


def balancer(case, name, to, word=""):
    """Hands TCP connections on as they are. `word` says how it tells whom they are from, if it does."""
    address = case.address()
    parts = f"""
frontend front
    mode tcp
    option tcplog
    bind {address}
    default_backend behind
backend behind
    mode tcp
    server behind {to} {word}
"""
    return HaProxy(case, name, parts, address)
