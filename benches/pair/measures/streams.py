"""Many streams at once through the pair, each held for two seconds by the app: none may fail."""

import math

from h2load import h2load
from measures.round import PEAK
from measures.round import Column

COLUMNS = [
    Column("failed", "failed", decimals=0),
    Column("at once", "at_once", decimals=0),
    Column("seconds until all ended", "took", ratio=True),
    Column("KiB/stream client", "client_each", 1 << 10, ratio=True),
    Column("KiB/stream server", "server_each", 1 << 10, ratio=True),
    *PEAK,
]
CONNECTIONS = 50
STREAMS = 100


def measure(the):
    """Who lets all through at once is done after little more than two seconds; who makes some wait takes longer.

    Memory per stream is the peak less what was there before, and includes what connections between the two need: it says
    little where streams had to wait.
    """
    outcome = the.memory("VmRSS", "before")
    lines = the.written()
    count = CONNECTIONS * STREAMS
    answers = h2load(
        f"http://{the.pair.entry}/held", "--requests", count, "--clients", CONNECTIONS,
        "--max-concurrent-streams", STREAMS, cpu=the.load_cpu, log=the.case.directory / "h2load.log",
    )
    outcome.update(the.memory("VmHWM", "peak"))
    for side in the.pair.sides:
        outcome[f"{side}_each"] = (outcome[f"{side}_peak"] - outcome[f"{side}_before"]) / count
    outcome["took"] = count / answers.per_second
    if answers.failed:
        # The row says that, and nothing that would look good beside those that did the work.
        outcome = dict.fromkeys(outcome, math.nan)
    # What failed may have no record at the server's side.
    the.check({} if answers.failed else lines, count)
    return {**outcome, "failed": answers.failed, "at_once": answers.at_once()}
