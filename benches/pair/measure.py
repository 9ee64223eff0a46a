"""What a process has used, and what wrk saw."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

_TICK_US = 1_000_000 / os.sysconf("SC_CLK_TCK")


def family(pid):
    """A process and all its descendants that live now (nginx's workers are children of its master)."""
    members = [pid]
    for member in members:
        for task in Path(f"/proc/{member}/task").iterdir():
            members += map(int, (task / "children").read_text().split())
    return members


def cpu_us(pid):
    """User and system time of a family in microseconds, all threads, those that ended included.

    The kernel scales the two so that their sum is what the scheduler counted, to a tick (10 ms) each.
    """
    total = 0
    for member in family(pid):
        fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total * _TICK_US


def memory_bytes(pid, field):
    """`VmRSS` (now) or `VmHWM` (peak), summed over a family: pages that nginx's two processes share count twice."""
    total = 0
    for member in family(pid):
        status = Path(f"/proc/{member}/status").read_text()
        total += int(re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024
    return total


@dataclass(frozen=True)
class Load:
    """One run of wrk. Times in milliseconds."""

    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float
    errors: str


def wrk(entry, workload, connections, seconds, cpu):
    """Runs wrk against `entry` and reads its answer. `errors` is empty if there was none."""
    command = [
        "taskset", "--cpu-list", str(cpu),
        "wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s", "--latency",
        *workload.options, f"http://{entry}{workload.path}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60)
    text = done.stdout
    errors = re.findall(r"^\s*(Socket errors:.*|Non-2xx.*)$", text, re.MULTILINE)
    return Load(
        int(re.search(r"(\d+) requests in", text)[1]),
        float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),
        _milliseconds(re.search(r"^\s*50%\s+(\S+)$", text, re.MULTILINE)[1]),
        _milliseconds(re.search(r"^\s*99%\s+(\S+)$", text, re.MULTILINE)[1]),
        "; ".join(errors),
    )


def _milliseconds(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}[unit]
