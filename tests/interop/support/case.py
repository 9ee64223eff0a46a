"""What one test holds: its directory, its loopback address, and all it started, which ends with it."""

import contextlib
import socket
from pathlib import Path

from support.certificates import TrustDomain
from support.programs import Program


class Case:
    """One test's place in the world.

    `host` is a loopback address that no other test of this run has. Ports come from the kernel, and since outgoing
    connections leave from 127.0.0.1, none of them can take a port between the moment it is chosen and its use.
    """

    def __init__(self, directory, host, binary):
        self.directory = Path(directory)
        self.host = host
        self.binary = binary
        self._ending = contextlib.ExitStack()
        self._chosen = set()
        self._trust_domain = None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        return self._ending.__exit__(*exception)

    @property
    def trust_domain(self):
        """example.org, made when first asked for."""
        if self._trust_domain is None:
            self._trust_domain = TrustDomain(self.directory / "certificates")
        return self._trust_domain

    def address(self):
        """An address nobody listens on, as `host:port`."""
        while True:
            with socket.socket() as probe:
                probe.bind((self.host, 0))
                port = probe.getsockname()[1]
            if port not in self._chosen:
                self._chosen.add(port)
                return f"{self.host}:{port}"

    def write(self, file, text):
        """A file in the test's directory."""
        path = self.directory / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def start(self, name, command, **options):
        """A program that is stopped when the test ends."""
        program = Program(name, command, self.directory, **options)
        self._ending.callback(program.stop)
        return program

    def at_the_end(self, action, *arguments):
        """Something else to undo."""
        self._ending.callback(action, *arguments)
