"""A PostgreSQL server of the test's own, from Debian's package."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path


class Postgresql:
    """A running server. It refuses to run as root, so root lends it Debian's own user."""

    def __init__(self, case):
        self.directory = Path(tempfile.mkdtemp(prefix="portreeve-"))
        case.at_the_end(shutil.rmtree, self.directory, True)
        host, port = case.address().rsplit(":", 1)
        self.url = f"postgres://portreeve@{host}:{port}/postgres"
        self._prefix = []
        if os.geteuid() == 0:
            shutil.chown(self.directory, "postgres")
            self._prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        data = self.directory / "data"
        self._run("initdb", "-D", data, "-A", "trust", "-U", "portreeve", "-N")
        server = [
            *self._prefix, self.binary("postgres"), "-D", data, "-p", port, "-c", f"listen_addresses={host}",
            "-c", f"unix_socket_directories={self.directory}", "-c", "fsync=off",
        ]
        self.program = case.start("postgresql", server)
        self.program.listens_on(f"{host}:{port}", 30)

    def _run(self, program, *words):
        command = [*self._prefix, self.binary(program), *words]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd="/", timeout=60)
        assert done.returncode == 0, done.stderr

    @staticmethod
    def binary(program):
        """Where one of its programs is."""
        # Debian keeps each version's programs apart, and off every path.
        found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))
        return found[-1] if found else program
