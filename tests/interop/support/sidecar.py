"""Portreeve as a user runs it: a configuration file, a policy directory, `portreeve run --config FILE`."""

import json

from support import window
from support.wait import until

WEB = "web"
ORDERS = "orders"


def permit(caller, service, action='in Action::"http"', name="web-may-call"):
    """A policy that lets `caller` (a SPIFFE ID) do `action` to all of `service`."""
    return (
        f'@id("{name}")\n'
        f'permit(principal == Workload::"{caller}", action {action}, resource in Service::"{service}");\n'
    )


class Sidecar:
    """A running portreeve with its addresses and its records."""

    def __init__(self, program, config, records, policy):
        self.program = program
        self.config = config
        self.policy = policy
        self._records = records
        self.inbound = config.get("inbound", {}).get("listen")
        self.outbound = [door.get("listen") for door in config.get("outbound", [])]
        self.admin = config["admin"]["listen"]

    def records(self):
        """The records in the audit file, one dictionary per whole line."""
        lines = self._records.read_text().split("\n")[:-1] if self._records.exists() else []
        return [record for record in map(json.loads, lines) if "audit" not in record]

    def record(self, seconds=5.0, **fields):
        """Waits for a record with these fields."""

        def found():
            return [record for record in self.records() if fields.items() <= record.items()]

        try:
            return until(found, "a record", seconds)[0]
        except AssertionError:
            raise AssertionError(f"no record with {fields} among {self.records()[-5:]}") from None

    def ask_admin(self, path):
        """Status and text of an admin page."""
        return window.ask(self.admin, path)

    def ready(self):
        """Waits until the sidecar says that it is ready."""

        def says_so():
            self.program.check()
            try:
                return self.ask_admin("/readyz")[0] == 200
            except OSError:
                return False

        until(says_so, f"{self.program.name} to be ready", 20)
        return self

    def rewrite_policy(self, text):
        """Puts another policy in place of the one there is; the caller tells the sidecar."""
        (self.policy / "policy.cedar").write_text(text)


def write_config(case, name, svid, doors, policy):
    """Writes configuration and policy; returns the path of the one and the settings in it.

    The file is JSON, which is YAML. `doors` holds the `inbound` and `outbound` parts.
    """
    directory = case.directory / name
    policies = directory / "policy"
    policies.mkdir(parents=True)
    (policies / "policy.cedar").write_text(policy)
    config = {
        "trust_domain": case.trust_domain.name,
        "identity": {
            "files": {
                "certificate": str(svid.certificate),
                "key": str(svid.key),
                "bundle": str(case.trust_domain.bundle),
            }
        },
        "workers": 1,
        **doors,
        "policy": {"dir": f"{policies}/"},
        "audit": {"file": str(directory / "decisions.jsonl")},
        "admin": {"listen": case.address(), **doors.get("admin", {})},
    }
    return rewrite_config(directory / "portreeve.yaml", config), config


def rewrite_config(path, config):
    """Writes settings over a configuration file, and returns its path."""
    path.write_text(json.dumps(config, indent=2) + "\n")
    return path


def start(case, name, svid, doors, policy, cpu=None):
    """A sidecar, ready."""
    path, config = write_config(case, name, svid, doors, policy)
    program = case.start(name, [case.binary, "run", "--config", path], cpu=cpu)
    records = path.parent / "decisions.jsonl"
    return Sidecar(program, config, records, path.parent / "policy").ready()


def start_inbound(case, app, *, app_protocol=None, caller=None, policy=None, name="inbound", **settings):
    """The server's sidecar: the service `orders` behind mutual TLS. `web` may call it, unless `policy` says otherwise."""
    door = {"listen": case.address(), "service": ORDERS, "app": app}
    if app_protocol:
        door["app_protocol"] = app_protocol
    caller = caller or case.trust_domain.id(WEB)
    svid = case.trust_domain.svid(ORDERS, file=name)
    return start(case, name, svid, {"inbound": door, **settings}, policy or permit(caller, ORDERS))


def start_outbound(case, to, *, expect=None, name="outbound", **settings):
    """The client's sidecar: `web` on localhost, `orders` at the far side."""
    expect = expect or case.trust_domain.id(ORDERS)
    door = {"listen": case.address(), "to": to, "expect": expect, "service": ORDERS}
    svid = case.trust_domain.svid(WEB, file=name)
    return start(case, name, svid, {"outbound": [door], **settings}, permit(svid.id, ORDERS))


class Pair:
    """Two sidecars between a client on localhost and an app."""

    def __init__(self, case, app, app_protocol=None):
        self.server = start_inbound(case, app, app_protocol=app_protocol)
        self.client = start_outbound(case, self.server.inbound)
        self.entry = self.client.outbound[0]
