"""A steady 1,000 requests a second: what the pair adds to the app's own answer, when nothing is saturated."""

import callers
from measures.round import PER_REQUEST
from measures.round import Column

COLUMNS = [
    Column("added p50 ms", "added_p50", decimals=3, ratio=True),
    Column("added p99 ms", "added_p99", decimals=3, ratio=True),
    Column("p50 ms", "p50", decimals=3),
    Column("p99 ms", "p99", decimals=3),
    Column("no proxy p50 ms", "direct_p50", decimals=3),
    Column("no proxy p99 ms", "direct_p99", decimals=3),
    *PER_REQUEST,
]
PER_SECOND = 1000


def measure(the):
    """The app is asked directly just before, by the same program at the same rate."""
    count = PER_SECOND * the.seconds
    before = the.written()
    _ask(the, the.app.http1, PER_SECOND // 2)
    direct = _ask(the, the.app.http1, count)
    _ask(the, the.pair.entry, PER_SECOND // 2)
    through, spent = the.spent(lambda: _ask(the, the.pair.entry, count))
    the.check(before, PER_SECOND // 2 + count)
    outcome = {f"{side}_us": us / count for side, us in spent.items()}
    for name, part in (("p50", 0.5), ("p99", 0.99)):
        outcome[name] = callers.quantile(through, part) / 1000
        outcome[f"direct_{name}"] = callers.quantile(direct, part) / 1000
        outcome[f"added_{name}"] = outcome[name] - outcome[f"direct_{name}"]
    return outcome


def _ask(the, address, count):
    return callers.run("steady", address, "/small", the.connections, PER_SECOND, count, cpu=the.load_cpu)["times_us"]
