"""wrk as the load: a closed loop over kept HTTP/1.1 connections, with little cost of its own."""

import re
import subprocess
from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """One run. Times in milliseconds; `errors` is empty if there was none."""

    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float
    errors: str


def wrk(url, *options, connections, seconds, cpu):
    """Runs it for some seconds and reads its answer."""
    command = [
        "taskset", "--cpu-list", cpu, "wrk", "--threads", 1, "--connections", connections, "--duration", f"{seconds}s",
        "--latency", *options, url,
    ]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True, timeout=seconds + 60)
    text = done.stdout
    errors = re.findall(r"^\s*(Socket errors:.*|Non-2xx.*)$", text, re.MULTILINE)
    return Load(
        int(_found(r"(\d+) requests in", text)),
        float(_found(r"Requests/sec:\s+([\d.]+)", text)),
        _milliseconds(_found(r"^\s*50%\s+(\S+) *$", text)),
        _milliseconds(_found(r"^\s*99%\s+(\S+) *$", text)),
        "; ".join(errors),
    )


def _found(pattern, text):
    found = re.search(pattern, text, re.MULTILINE)
    if not found:
        raise ValueError(f"wrk did not say `{pattern}`, but: {text}")
    return found[1]


def _milliseconds(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}[unit]
