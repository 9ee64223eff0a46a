"""Our own loads, which are programs beside this file: each runs in a process of its own, on the load's cores."""

import json
import subprocess
import sys

import place


def begin(program, *words, cpu):
    """Starts `PROGRAM.py`."""
    command = ["taskset", "--cpu-list", cpu, sys.executable, place.HERE / f"{program}.py", *words]
    return subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def line(process):
    """Waits for a line of what it prints. One that waits for us does so until it is asked for its answer."""
    return process.stdout.readline()


def answer(process, seconds=600):
    """What it prints last, read as JSON. A program that fails ends the run."""
    try:
        said, _ = process.communicate(timeout=seconds)
    finally:
        process.kill()
        process.wait()
    if process.returncode:
        sys.exit(f"{process.args} ended with {process.returncode}")
    return json.loads(said.splitlines()[-1])


def run(program, *words, cpu):
    """Both at once. What it found wrong ends the run."""
    found = answer(begin(program, *words, cpu=cpu))
    if found["failed"]:
        sys.exit(f"{program}: {found['failed']} failed: {found['errors']}")
    return found


def quantile(values, part):
    """A value that was seen."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
