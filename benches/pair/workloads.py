"""What is asked of the pairs."""

from collections.abc import Callable
from dataclasses import dataclass

from app import SMALL_BODY_BYTES
from contestants.pair import Terms
from measures import closed
from measures import connect
from measures import idle
from measures import open_loop
from measures import streams

SIDECAR_CPU, LOAD_CPU = "0", "1"


@dataclass(frozen=True)
class Workload:
    """How it is measured, and on what terms. With `only`, others do not take part, and the first is the reference."""

    says: str
    measure: Callable
    columns: list
    terms: Terms = Terms(SIDECAR_CPU)
    load_cpu: str = LOAD_CPU
    only: tuple = ()


_HTTP2 = Terms(SIDECAR_CPU, http2=True)
WORKLOADS = {
    "small": Workload(f"GET, {SMALL_BODY_BYTES}-byte answer", closed.with_wrk("/small"), closed.COLUMNS),
    "10k": Workload("GET, 10 KiB answer", closed.with_wrk("/10k"), closed.COLUMNS),
    "1m": Workload("GET, 1 MiB answer", closed.with_wrk("/1m"), closed.COLUMNS),
    "post": Workload(
        f"POST of 10 KiB, {SMALL_BODY_BYTES}-byte answer", closed.with_wrk("/small", post=10 << 10), closed.COLUMNS
    ),
    "grpc": Workload(
        f"gRPC unary, {closed.GRPC_STREAMS} streams a connection, HTTP/2 all the way", closed.grpc(), closed.COLUMNS, _HTTP2
    ),
    "connect": Workload(
        "a new connection with a whole mutual handshake for each request, at the server's sidecar",
        connect.measure, connect.COLUMNS,
    ),
    "idle": Workload(
        f"{idle.CONNECTIONS:,} idle connections at the server's sidecar, in the protocol that the two speak",
        idle.over(), idle.COLUMNS,
    ),
    "streams": Workload(
        f"{streams.CONNECTIONS * streams.STREAMS:,} streams at once, HTTP/2 all the way",
        streams.measure, streams.COLUMNS, _HTTP2,
    ),
    "open-loop": Workload(f"{open_loop.PER_SECOND:,} requests/s, open loop", open_loop.measure, open_loop.COLUMNS),
    "workers": Workload(
        "small, with one worker and with two, sidecars and load on the same two cores",
        closed.with_wrk("/small"), closed.COLUMNS, Terms("0-1"), "0-1", ("portreeve", "portreeve-2w"),
    ),
    "policies": Workload(
        "small, with 10 policies and with 10,000, of which one is about the request",
        closed.with_wrk("/small"), closed.COLUMNS, only=("portreeve-10p", "portreeve-10000p"),
    ),
    # Not in the default run.
    "idle-h1": Workload(
        f"{idle.CONNECTIONS:,} idle HTTP/1.1 connections at the server's sidecar", idle.over("http/1.1"), idle.COLUMNS
    ),
}
DEFAULT = [name for name in WORKLOADS if name != "idle-h1"]
