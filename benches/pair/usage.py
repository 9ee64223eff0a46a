"""What a process has used: processor time and memory."""

import os
import re
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
