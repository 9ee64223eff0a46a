"""The lines that the sidecars write, counted: who leaves some out has not done the same work."""

import json

from support.wait import until


def count(side):
    """How many whole lines a side has written."""
    with open(side.records, "rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def wait(side, lines):
    """Waits until a side has written `lines`, and looks whether the last one is JSON."""
    until(lambda: count(side) >= lines, f"{lines} records in {side.records}", 10)
    with open(side.records, "rb") as file:
        file.seek(-min(4096, side.records.stat().st_size), 2)
        json.loads(file.read().split(b"\n")[-2])
