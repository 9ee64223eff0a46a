"""The pairs: a client's sidecar and a server's sidecar that do the same work, each configured as well as we know how.

All of them: mutual TLS 1.3 with P-256 SVIDs between the two, kept connections to the app, one JSON line per request on
both sides, only the client's identity let through, no session resumption.
"""

from functools import partial

from contestants.envoy import envoy
from contestants.haproxy import haproxy
from contestants.nginx import nginx
from contestants.portreeve import portreeve

CONTESTANTS = {
    "portreeve": portreeve,
    "haproxy": haproxy,
    "nginx": nginx,
    "envoy": envoy,
    # What a choice costs. Not in the default run.
    "portreeve-2w": partial(portreeve, workers=2),
    "portreeve-10p": partial(portreeve, policies=10),
    "portreeve-10000p": partial(portreeve, policies=10_000),
    "haproxy-h1": partial(haproxy, between="http/1.1"),
    "haproxy-ring": partial(haproxy, log="ring"),
    "haproxy-nolog": partial(haproxy, log="none"),
    "nginx-unbuffered": partial(nginx, log="unbuffered"),
    "nginx-nolog": partial(nginx, log="none"),
    "envoy-nolog": partial(envoy, log=False),
}
DEFAULT = ["portreeve", "haproxy", "nginx", "envoy"]
