"""`benches/RESULTS.md`: a part for each program that measures, replaced when that program writes anew."""

import os
import platform
import re
import shlex
import subprocess
import sys
from pathlib import Path

import place

_HEAD = "# Results of the benchmarks\n\nMade by the commands named in each part; what they do is in `benches/pair/README.md`.\n"


def show(title, text, write):
    """Prints a part, with the commit and the machine; and with `write` puts it in the place of the one there is."""
    part = f"## {title}\n\n{_where()}\n{text.rstrip()}\n"
    print(part)
    if not write:
        return
    there = place.RESULTS.read_text() if place.RESULTS.exists() else ""
    parts = [one for one in re.split(r"^(?=## )", there, flags=re.MULTILINE) if one.startswith("## ")]
    others = [one.rstrip() + "\n" for one in parts if one.splitlines()[0] != f"## {title}"]
    place.RESULTS.write_text("\n".join([_HEAD, part, *others]))


def command():
    """How this was called, to be typed again."""
    words = [str(Path(sys.argv[0]).resolve().relative_to(place.ROOT)), *(word for word in sys.argv[1:] if word != "--write")]
    return shlex.join(words)


def said(*words):
    """What a program answers, on either stream."""
    environment = {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin"}
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False, env=environment)
    return (done.stdout + done.stderr).strip()


def version(*words):
    """The first line of what a program says its version is. Nobody is compared with who is not there."""
    return next(line for line in said(*words).splitlines() if line)


def _where():
    commit = said("git", "-C", place.ROOT, "describe", "--always", "--dirty")
    return f"Commit {commit}; {_processor()}, {os.cpu_count()} cores, Linux {platform.release()}."


def _processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
