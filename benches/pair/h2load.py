"""h2load as the load: it counts requests, keeps many streams a connection, and can keep to a rate."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Answers:
    """One run of h2load. `times` are pairs of a request's start and its duration, in microseconds; unordered."""

    requests: int
    per_second: float
    failed: int
    errors: str
    times: tuple = ()

    def quantile_ms(self, part):
        """A duration that was seen."""
        durations = sorted(took for _, took in self.times)
        return durations[min(len(durations) - 1, int(part * len(durations)))] / 1000

    def at_once(self):
        """How many requests were under way at the same moment, at most."""
        edges = sorted([(start, 1) for start, _ in self.times] + [(start + took, -1) for start, took in self.times])
        now = most = 0
        for _, step in edges:
            now += step
            most = max(most, now)
        return most


def h2load(url, *options, cpu, log=None, seconds=120):
    """Runs it. `log` is a file for the single requests' times; without it there are none. `seconds` is its deadline."""
    command = ["taskset", "--cpu-list", cpu, "h2load", "--threads", 1, *options, url]
    if log:
        # It would add to what is there.
        Path(log).unlink(missing_ok=True)
        command[4:4] = ["--log-file", log]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True, timeout=seconds)
    number = {word: int(count) for count, word in re.findall(r"(\d+) (total|succeeded|2xx)", done.stdout)}
    failed = number["total"] - min(number["succeeded"], number["2xx"])
    errors = ""
    if failed:
        errors = "; ".join(re.findall(r"^(?:requests|status codes): .*$", done.stdout, re.MULTILINE))
    rate = float(re.search(r"finished in .*?, ([\d.]+) req/s", done.stdout)[1])
    times = [line.split("\t") for line in Path(log).read_text().splitlines()] if log else []
    return Answers(number["total"], rate, failed, errors, tuple((int(start), int(took)) for start, _, took in times))
