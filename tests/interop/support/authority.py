"""`portreeve authority` as a user runs it, and sidecars that join it."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from support.sidecar import Sidecar
from support.sidecar import rewrite_config
from support.wait import until

DOMAIN = "authority.example"


def spiffe_id(name):
    """A workload of the authority's trust domain."""
    return f"spiffe://{DOMAIN}/{name}"


class Authority:
    """A running authority, its operator's hands, and its records."""

    def __init__(self, case, name="authority", store=None, sealing_key=None, command=(), **more):
        self.case = case
        self.name = name
        self.directory = case.directory / name
        self.directory.mkdir(parents=True, exist_ok=True)
        self.address = case.address()
        # The path of a socket may have 107 bytes, and a test's own folder can be deep.
        place = tempfile.mkdtemp(prefix="portreeve-")
        case.at_the_end(shutil.rmtree, place, True)
        self.socket = Path(place) / "authority.sock"
        self.bundle = self.directory / "ca.pem"
        self.config = {
            "trust_domain": DOMAIN,
            "listen": self.address,
            "socket": str(self.socket),
            "store": store or {"sqlite": "authority.db"},
            "sealing_key_file": str(sealing_key or self.directory / "sealing.key"),
            "bundle_file": str(self.bundle),
            "audit": {"file": str(self.directory / "deeds.jsonl")},
            **more,
        }
        self.path = self.rewrite()
        self._command = [*command, case.binary, "authority", "--config", self.path]
        self.program = None

    def rewrite(self):
        """Writes its configuration."""
        return rewrite_config(self.directory / "authority.yaml", self.config)

    def start(self):
        """Starts it and waits until it answers."""
        self.program = self.case.start(self.name, self._command)
        self.program.listens_on(self.address)
        until(lambda: self.order("authority", "keys", check=False).returncode == 0, f"{self.name} to take orders", 20)
        return self

    def order(self, *words, check=True):
        """Orders it about with the command line."""
        command = [self.case.binary, *words, "--socket", self.socket]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=30)
        assert not check or done.returncode == 0, (words, done.stdout, done.stderr)
        return done

    def token(self, name):
        """A file with a join token for `name`."""
        done = self.order("token", "create", "--id", spiffe_id(name))
        path = self.case.directory / f"{name}.token"
        path.write_text(done.stdout)
        return path

    def records(self):
        """What it has recorded, one dictionary per whole line."""
        path = self.directory / "deeds.jsonl"
        lines = path.read_text().split("\n")[:-1] if path.exists() else []
        return [record for record in map(json.loads, lines) if "audit" not in record]


def joined(case, name, doors, policy, authorities, **identity):
    """A sidecar that gets its identity from one of `authorities`, ready."""
    directory = case.directory / name
    policies = directory / "policy"
    policies.mkdir(parents=True)
    (policies / "policy.cedar").write_text(policy)
    config = {
        "trust_domain": DOMAIN,
        "identity": {
            "authority": {
                "url": [f"https://{authority.address}" for authority in authorities],
                "bundle": str(authorities[0].bundle),
                **identity,
            }
        },
        "workers": 1,
        **doors,
        "policy": {"dir": str(policies)},
        "audit": {"file": str(directory / "decisions.jsonl")},
        "admin": {"listen": case.address()},
    }
    path = rewrite_config(directory / "portreeve.yaml", config)
    program = case.start(name, [case.binary, "run", "--config", path])
    return Sidecar(program, config, directory / "decisions.jsonl", policies).ready()


class JoinedPair:
    """Two sidecars that joined with tokens, between a client on localhost and an app."""

    def __init__(self, case, app, authorities):
        permit = (
            f'@id("web-may-call")\npermit(principal == Workload::"{spiffe_id("web")}", '
            'action in Action::"http", resource in Service::"orders");\n'
        )
        first = authorities[0]
        server = {"inbound": {"listen": case.address(), "service": "orders", "app": app}}
        self.server = joined(
            case, "orders", server, permit, authorities, join_token_file=str(first.token("orders"))
        )
        client = {
            "outbound": [
                {
                    "listen": case.address(),
                    "to": self.server.inbound,
                    "expect": spiffe_id("orders"),
                    "service": "orders",
                }
            ]
        }
        self.client = joined(
            case, "web", client, permit, authorities, join_token_file=str(first.token("web"))
        )
        self.entry = self.client.outbound[0]
