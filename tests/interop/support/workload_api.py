"""A sidecar with a Workload API, and its clients."""

import shutil
import tempfile
from pathlib import Path

from support.sidecar import ORDERS
from support.sidecar import WEB
from support.sidecar import permit
from support.sidecar import start


class WorkloadApi:
    """`web`'s sidecar with a socket. A socket's path is short: it is not in the test's directory."""

    def __init__(self, case, **settings):
        self.svid = case.trust_domain.svid(WEB)
        place = tempfile.mkdtemp(prefix="api-")
        case.at_the_end(shutil.rmtree, place)
        self.socket = Path(place) / "api.sock"
        door = {"listen": case.address(), "to": case.address(), "expect": case.trust_domain.id(ORDERS), "service": ORDERS}
        doors = {"outbound": [door], "workload_api": {"socket": str(self.socket), **settings}}
        self.sidecar = start(case, WEB, self.svid, doors, permit(self.svid.id, ORDERS))

    @property
    def endpoint(self):
        """As SPIFFE_ENDPOINT_SOCKET has it."""
        return f"unix://{self.socket}"

    def renew(self, case):
        """Gives the sidecar another certificate."""
        fresh = case.trust_domain.svid(WEB, file="fresh")
        for kind in ("key", "crt"):
            shutil.move(fresh.key.with_suffix(f".{kind}"), self.svid.key.with_suffix(f".{kind}"))
