"""Network namespaces: two machines with a wire between them, as far as the kernel is concerned.

They have no names and live as long as this process or what it started in them, so that nothing is left behind.
"""

import contextlib
import ctypes
import os
import subprocess

from support.programs import PATH

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000


class Machine:
    """A network namespace with loopback up."""

    def __init__(self, case):
        assert os.geteuid() == 0, "network namespaces are made by root: run this as root, or with sudo"
        here = _current()
        try:
            _check(_LIBC.unshare(_CLONE_NEWNET))
            self._namespace = _current()
        finally:
            _enter(here)
            os.close(here)
        case.at_the_end(os.close, self._namespace)
        self.run("ip", "link", "set", "lo", "up")

    @property
    def path(self):
        """Where `ip` finds it."""
        return f"/proc/{os.getpid()}/fd/{self._namespace}"

    @contextlib.contextmanager
    def inside(self):
        """What this thread opens or starts here is on this machine, and stays there."""
        here = _current()
        try:
            _enter(self._namespace)
            yield self
        finally:
            _enter(here)
            os.close(here)

    def attempt(self, *command, uid=None, **options):
        """A command on this machine, to its end, whatever that is."""
        words = [str(word) for word in command]
        options.setdefault("env", {**os.environ, "PATH": PATH})
        if uid is not None:
            words = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", *words]
        with self.inside():
            return subprocess.run(
                words, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60, check=False, **options
            )

    def run(self, *command, **options):
        """The same, if it ends well. Returns what it said."""
        done = self.attempt(*command, **options)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout


def join(one, other, *addresses):
    """Lays a wire between two machines. Each pair of addresses, with their prefixes, is for its two ends."""
    one.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", other.path)
    for pair in addresses:
        for machine, address in zip((one, other), pair):
            # Without `nodad` an IPv6 address is of no use for some seconds.
            nodad = ["nodad"] if ":" in address else []
            machine.run("ip", "address", "add", address, "dev", "eth0", *nodad)
    for machine in (one, other):
        machine.run("ip", "link", "set", "eth0", "up")


def _current():
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _enter(namespace):
    _check(_LIBC.setns(namespace, _CLONE_NEWNET))


def _check(answer):
    if answer != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
