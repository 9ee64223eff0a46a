"""A closed loop: as many requests as there are connections, each followed by the next as soon as it is answered."""

from functools import partial

import app
from h2load import h2load
from measures.round import IDLE
from measures.round import PEAK
from measures.round import PER_REQUEST
from measures.round import Column
from wrk import Load
from wrk import wrk

COLUMNS = [
    *PER_REQUEST,
    Column("req/s", "per_second", decimals=0, ratio=True),
    Column("p50 ms", "p50_ms", decimals=2, ratio=True),
    Column("p99 ms", "p99_ms", decimals=2, ratio=True),
    Column("sidecars' core busy %", "busy", 0.01, 0),
    *IDLE,
    *PEAK,
]
GRPC_STREAMS = 8


def with_wrk(path, post=None):
    """GET of a path of the app, or POST of `post` bytes to it."""
    return partial(_measure, begin=lambda the: partial(_wrk, the, path, post))


def grpc():
    """gRPC unary calls over connections with eight streams each."""
    return partial(_measure, begin=lambda the: partial(_grpc, the, []))


def _measure(the, begin):
    load = begin(the)
    outcome = the.memory("VmRSS", "idle")
    before = the.written()
    warm = load(1)
    loaded, spent = the.spent(lambda: load(the.seconds))
    for errors in (warm.errors, loaded.errors):
        if errors:
            the.fail(errors)
    the.check(before, warm.requests + loaded.requests)
    outcome.update(the.memory("VmHWM", "peak"))
    outcome.update({f"{side}_us": us / loaded.requests for side, us in spent.items()})
    # Not the seconds that were asked for: h2load is given a number of requests instead.
    outcome["busy"] = sum(spent.values()) / 1_000_000 / (loaded.requests / loaded.per_second)
    return {**outcome, "per_second": loaded.per_second, "p50_ms": loaded.p50_ms, "p99_ms": loaded.p99_ms}


def _wrk(the, path, post, seconds):
    script = []
    if post:
        text = f'wrk.method = "POST"\nwrk.body = string.rep("x", {post})\nwrk.headers["content-type"] = "text/plain"\n'
        script = ["--script", the.case.write("post.lua", text)]
    return wrk(
        f"http://{the.pair.entry}{path}", *script, connections=the.connections, seconds=seconds, cpu=the.load_cpu
    )


def _grpc(the, rate, seconds):
    # `rate` remembers what the warm-up reached, since h2load breaks off requests when it is given a time.
    clients = the.connections // GRPC_STREAMS
    requests = max(2000, int(seconds * rate[0])) if rate else 2000
    answers = h2load(
        f"http://{the.pair.entry}/grpc", "--requests", requests, "--clients", clients,
        "--max-concurrent-streams", GRPC_STREAMS, *app.grpc_options(the.case), cpu=the.load_cpu,
        log=the.case.directory / "h2load.log",
    )
    rate[:] = [answers.per_second]
    return Load(answers.requests, answers.per_second, answers.quantile_ms(0.5), answers.quantile_ms(0.99), answers.errors)
