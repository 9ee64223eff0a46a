"""What a process has used: processor time and memory."""

import re
import time
from pathlib import Path

# What the scheduler has counted, of all threads (CPUCLOCK_SCHED of the kernel's posix-timers.h).
_SCHEDULED = 2


def family(pid):
    """A process and all its descendants that live now (nginx's workers are children of its master)."""
    members = [pid]
    for member in members:
        for task in Path(f"/proc/{member}/task").iterdir():
            members += map(int, (task / "children").read_text().split())
    return members


def cpu_us(pid):
    """User and system time of a family in microseconds, all threads, those that ended included."""
    # The clock of another process's processor time, as clock_getcpuclockid(3) makes it: to a nanosecond, where
    # /proc/PID/stat counts ticks of 10 ms.
    return sum(time.clock_gettime_ns((~member << 3) | _SCHEDULED) for member in family(pid)) / 1000


def memory_bytes(pid, field):
    """`VmRSS` (now) or `VmHWM` (peak), summed over a family: pages that nginx's two processes share count twice."""
    total = 0
    for member in family(pid):
        status = Path(f"/proc/{member}/status").read_text()
        total += int(re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024
    return total
