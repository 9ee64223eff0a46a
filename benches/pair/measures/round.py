"""One round of one pair, and what every measure does with it."""

import sys
from dataclasses import dataclass

import records
import usage
from app import App
from contestants.pair import Running
from contestants.pair import Terms
from support.case import Case


@dataclass(frozen=True)
class Round:
    """A pair that has just started, the app behind it, and how long to measure."""

    name: str
    case: Case
    app: App
    pair: Running
    terms: Terms
    load_cpu: str
    seconds: int
    connections: int

    def spent(self, load):
        """What `load` returns, and the microseconds that each side spent meanwhile."""
        before = {side: usage.cpu_us(it.pid) for side, it in self.pair.sides.items()}
        found = load()
        return found, {side: usage.cpu_us(it.pid) - before[side] for side, it in self.pair.sides.items()}

    def memory(self, field, suffix):
        """`VmRSS` or `VmHWM` of both sides in bytes, under `client_SUFFIX` and `server_SUFFIX`."""
        return {f"{side}_{suffix}": usage.memory_bytes(it.pid, field) for side, it in self.pair.sides.items()}

    def written(self):
        """How many records there are, by side. Sides without any are left out."""
        return {side: records.count(it) for side, it in self.pair.sides.items() if it.records}

    def check(self, before, requests):
        """Everybody still runs and has written a record for each request since `before`."""
        for program in self.pair.programs:
            program.check()
        for side, lines in before.items():
            records.wait(self.pair.sides[side], lines + requests)

    def fail(self, trouble):
        """Ends the run."""
        sys.exit(f"{self.name}: {trouble}")


@dataclass(frozen=True)
class Column:
    """A column of a table: a field of a round's outcome, divided and rounded. `ratio` asks for it in the ratios, too."""

    heading: str
    field: str
    divisor: float = 1
    decimals: int = 1
    ratio: bool = False


IDLE = [
    Column("idle MiB client", "client_idle", 1 << 20, ratio=True),
    Column("idle MiB server", "server_idle", 1 << 20, ratio=True),
]
PEAK = [Column("peak MiB client", "client_peak", 1 << 20), Column("peak MiB server", "server_peak", 1 << 20)]
PER_REQUEST = [Column("client µs/req", "client_us", ratio=True), Column("server µs/req", "server_us", ratio=True)]
