"""`systemd-analyze security` on the unit in `deploy/systemd`: an exposure of 2.0 at most, of 10."""

import subprocess
from pathlib import Path

UNIT = Path(__file__).resolve().parents[2] / "deploy" / "systemd" / "portreeve.service"


def test(case):
    done = analyzed(UNIT)
    assert done.returncode == 0 and "Overall exposure level for portreeve.service: 1." in done.stdout, done
    # The twin: one that is as open as units are by default.
    words = ("User=", "Capability", "NoNew", "Private", "Protect", "Restrict", "SystemCall", "Memory", "Lock", "UMask")
    kept = [line for line in UNIT.read_text().splitlines() if not line.startswith(words)]
    opened = case.write("portreeve.service", "\n".join(kept) + "\n")
    done = analyzed(opened)
    assert done.returncode == 1 and "UNSAFE" in done.stdout, done


def analyzed(unit):
    """What it says of a unit, which need not be installed."""
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", str(unit)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)
