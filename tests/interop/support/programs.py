"""Programs under our control: started, watched, stopped by their own process id and never by name."""

import os
import signal
import socket
import subprocess
from pathlib import Path

from support.wait import until

# Debian keeps daemons in sbin, which is not on every user's path.
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"


class Died(AssertionError):
    """The program ended when it should have been running."""


class Program:
    """One running program. What it says goes to `stdout` and `stderr`, which are files."""

    def __init__(self, name, command, directory, cpu=None):
        self.name = name
        self.stdout = Path(directory) / f"{name}.stdout"
        self.stderr = Path(directory) / f"{name}.stderr"
        command = [str(word) for word in command]
        if cpu is not None:
            command = ["taskset", "--cpu-list", str(cpu), *command]
        with open(self.stdout, "ab") as out, open(self.stderr, "ab") as err:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env={**os.environ, "PATH": PATH}
            )

    @property
    def pid(self):
        """The process id. `taskset` has become the program: it does not fork."""
        return self._process.pid

    def signal(self, number):
        """Sends a signal to this process only."""
        self._process.send_signal(number)

    def running(self):
        """Whether it still runs."""
        return self._process.poll() is None

    def check(self):
        """Raises `Died`, with its last words, if it has ended."""
        if not self.running():
            raise Died(f"{self.name} ended with {self._process.returncode}: {self.last_words()}")

    def ended(self, seconds=20.0):
        """Waits for its end and returns the exit code."""
        until(lambda: not self.running(), f"{self.name} to end", seconds)
        return self._process.returncode

    def stop(self, seconds=10.0):
        """SIGTERM, then SIGKILL for one that does not listen. Returns the exit code."""
        if self.running():
            self.signal(signal.SIGTERM)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        return self._process.returncode

    def last_words(self):
        """The end of what it said, for a message."""
        return (self.stdout.read_text(errors="replace") + self.stderr.read_text(errors="replace"))[-2000:]

    def listens_on(self, address, seconds=20.0):
        """Waits until a TCP connection to `address` is accepted."""

        def accepted():
            self.check()
            return accepts(address)

        until(accepted, f"{self.name} to listen on {address}", seconds)
        return self


def accepts(address):
    """Whether somebody accepts TCP connections there now."""
    host, port = address.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
    except OSError:
        return False
    return True
