"""`portreeve completions`: in each shell, somebody who types the beginning of a command or an option and the tab key has it."""

import os
import pty
import re
import subprocess

from support.programs import PATH
from support.wait import until

# What is typed, and what the shell then runs.
TYPED = [
    ("portreeve pol\t ch\t dir", "<policy><check><dir>"),
    ("portreeve run --con\t x", "<run><--config><x>"),
    ("portreeve completions fi\t", "<completions><fish>"),
]


def test(case):
    scripts = {shell: printed(case, shell) for shell in ("bash", "zsh", "fish")}
    show = "portreeve() { printf '<%s>' \"$@\"; }"
    with Shell(case, ["bash", "--norc", "--noprofile", "-i"]) as bash:
        bash.do(f"source {scripts['bash']}; {show}")
        completes(bash)
    with Shell(case, ["zsh", "-f", "-i"]) as zsh:
        zsh.do(f"fpath=({scripts['zsh'].parent} $fpath); autoload -Uz compinit; compinit -u -d {case.directory}/dump; {show}")
        completes(zsh)
    for line, candidate in (("portreeve pol", "policy"), ("portreeve run --con", "--config"), ("portreeve policy ch", "check")):
        asked = subprocess.run(
            ["fish", "--no-config", "-c", f"source {scripts['fish']}; complete -C '{line}'"],
            capture_output=True, text=True, timeout=60, env=environment(case), check=True,
        )
        assert [said.split("\t")[0] for said in asked.stdout.splitlines()] == [candidate], asked
    # The twin: no script, no completion.
    with Shell(case, ["bash", "--norc", "--noprofile", "-i"]) as bash:
        bash.do(show)
        assert bash.runs("portreeve pol\t") == "<pol>"


def completes(shell):
    """All that is typed becomes what it should."""
    for typed, wanted in TYPED:
        ran = shell.runs(typed)
        assert ran == wanted, (typed, ran)


def printed(case, shell):
    """A file with what is printed for a shell, under the name that zsh looks for."""
    done = subprocess.run([case.binary, "completions", shell], capture_output=True, text=True, timeout=20, check=True)
    return case.write(f"{shell}/_portreeve", done.stdout)


def environment(case):
    """Nobody's own configuration."""
    return {"PATH": PATH, "TERM": "dumb", "HOME": str(case.directory), "PS1": "", "LC_ALL": "C.UTF-8"}


class Shell:
    """A shell that believes somebody sits before it."""

    def __init__(self, case, command):
        self._said = ""
        self._number = 0
        self._ours, theirs = pty.openpty()
        self._process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment(case), cwd=case.directory, start_new_session=True
        )
        os.close(theirs)
        os.set_blocking(self._ours, False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        os.close(self._ours)

    def do(self, line):
        """Types a line, and waits until it is done."""
        self._number += 1
        done = f"done-{self._number}."
        # Split, so that the line as it is shown is not what is waited for.
        os.write(self._ours, f"{line}; echo d''one-{self._number}.\n".encode())
        return until(lambda: self._heard(done), f"{line!r} to be done (there is: {self._said[-500:]})", 30)

    def runs(self, typed):
        """What it runs, after somebody typed that with the tab key, and the end of the line."""
        before = self.do(typed)
        return "".join(re.findall(r"<[^<>'%]*>", before))

    def _heard(self, done):
        try:
            self._said += os.read(self._ours, 65536).decode(errors="replace")
        except BlockingIOError:
            return None
        before, found, after = self._said.partition(done)
        if not found:
            return None
        self._said = after
        return before
