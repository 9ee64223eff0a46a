"""An authority that names the programs of this machine, and what names ours."""

import hashlib
import os
import sys
from pathlib import Path

from support.authority import Authority
from support.authority import spiffe_id

# The interpreter's own file: links to it are no programs.
PROGRAM = Path(sys.executable).resolve()


class Names:
    """An authority with a Workload API."""

    def __init__(self, case, **more):
        self.authority = Authority(case, workload_api={"socket": "unknown"}, **more)
        # A socket's path is short: it is beside the operator's.
        self.socket = self.authority.socket.parent / "api.sock"
        self.authority.config["workload_api"]["socket"] = str(self.socket)
        self.authority.rewrite()
        self.authority.start()

    @property
    def endpoint(self):
        """As SPIFFE_ENDPOINT_SOCKET has it."""
        return f"unix://{self.socket}"

    def enter(self, name, *selectors, ttl_s=3600):
        """An entry that names whoever has all `selectors`."""
        said = [word for selector in selectors for word in ("--selector", selector)]
        self.authority.order("entry", "create", *said, "--id", spiffe_id(name), "--svid-ttl-s", ttl_s, name)

    def delete(self, name):
        """Takes an entry away."""
        self.authority.order("entry", "delete", name)


def user():
    """Our user, as a selector."""
    return f"unix:uid:{os.geteuid()}"


def digest(path=PROGRAM):
    """What is in a program's file, as a selector."""
    return f"unix:sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
