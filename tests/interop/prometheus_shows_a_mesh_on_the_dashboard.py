"""A real Prometheus scrapes a mesh by our rules: every query of the dashboard has data, and an alert names its cause."""

import http.client
import json
import re
import socket
import ssl
import threading
import urllib.parse
import urllib.request
from pathlib import Path

from spiffe import WorkloadApiClient
from support.app import App
from support.authority import Authority
from support.authority import joined
from support.authority import spiffe_id
from support.openid import World
from support.sidecar import rewrite_config
from support.wait import until

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
POLICY = f"""
@id("web-may-call")
permit(principal == Workload::"{spiffe_id("web")}", action, resource);

@id("not-this")
forbid(principal, action, resource in Route::"orders:/denied");

@id("would-be-denied") @shadow("to see what it would do")
forbid(principal, action == Action::"GET", resource in Route::"orders:/shadow");
"""
PEOPLE = """
@id("people") permit(principal is User, action in Action::"http", resource in Service::"web");
"""


def test(case):
    mesh = Mesh(case)
    prometheus = Prometheus(case, {
        "portreeve": [mesh.orders.admin, mesh.web.admin, mesh.edge.admin],
        "portreeve-authority": [mesh.authority.config["admin"]["listen"]],
    })
    mesh.live()
    queries = dashboard()
    silent = set(queries)

    def all_speak():
        mesh.more()
        silent.difference_update([query for query in silent if prometheus.ask(query)])
        return not silent

    try:
        until(all_speak, "every query of the dashboard to have data", 60)
    finally:
        assert not silent, "\n".join(["no data for:", *sorted(silent)])
    until(lambda: all(rule["health"] != "unknown" for rule in prometheus.rules()), "every rule to be asked", 60)
    broken = [rule for rule in prometheus.rules() if rule["health"] != "ok"]
    assert not broken, broken
    named = {alert["labels"]["alertname"]: alert for alert in prometheus.alerts()}
    alert = named["PortreevePolicyRefused"]
    assert alert["annotations"]["summary"] == f"{mesh.orders.admin} keeps older policies: policy.cedar:1:8", alert


def dashboard():
    """The queries of all panels, as Grafana asks them when all jobs and instances are chosen."""
    board = json.loads((DEPLOY / "grafana" / "portreeve.json").read_text())
    queries = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    assert len(queries) > 40, queries
    known = {"$job": ".*", "$instance": ".*", "$__rate_interval": "20s"}
    return [re.sub(r"\$\w+", lambda found: known[found[0]], query) for query in queries]


class Prometheus:
    """Debian's, with the rules of `deploy/prometheus`."""

    def __init__(self, case, jobs):
        self._address = case.address()
        scrapes = [
            {"job_name": job, "static_configs": [{"targets": targets}]} for job, targets in jobs.items()
        ]
        settings = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(DEPLOY / "prometheus" / "portreeve.rules.yaml")],
            "scrape_configs": scrapes,
        }
        file = rewrite_config(case.directory / "prometheus.yaml", settings)
        case.start("prometheus", [
            "prometheus", f"--config.file={file}", f"--storage.tsdb.path={case.directory / 'prometheus'}",
            f"--web.listen-address={self._address}",
        ]).listens_on(self._address, 30)

    def ask(self, query):
        """What the query has for answers now."""
        return self._get("/api/v1/query?" + urllib.parse.urlencode({"query": query}))["result"]

    def rules(self):
        """All of them, with how they fare."""
        return [rule for group in self._get("/api/v1/rules")["groups"] for rule in group["rules"]]

    def alerts(self):
        """Those that are set off, be it not for long enough yet."""
        return self._get("/api/v1/alerts")["alerts"]

    def _get(self, path):
        connection = http.client.HTTPConnection(self._address, timeout=10)
        try:
            connection.request("GET", path)
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        assert answer["status"] == "success", (path, answer)
        return answer["data"]


class Mesh:
    """An authority that federates with another, two sidecars of its own, and an edge."""

    def __init__(self, case):
        self._case = case
        serves = {"listen": case.address(), "profile": "https_spiffe"}
        other = Authority(case, "other", trust_domain="other.example", federation=serves).start()
        relation = {
            "trust_domain": "other.example", "url": f"https://{serves['listen']}", "bundle": str(other.bundle),
            "profile": "https_spiffe", "spiffe_id": "spiffe://other.example/portreeve/authority",
        }
        self.authority = Authority(
            case, admin={"listen": case.address()},
            federation={"listen": case.address(), "profile": "https_spiffe", "with": [relation]},
        ).start()
        self._api = self.authority.socket.with_name("orders.sock")
        self.app = App(case)
        self.world = World(case, token_seconds=10)
        self.orders = self._orders()
        self.web = self._web()
        self.world.start(PEOPLE)
        self.edge = self.world.edge
        self.alice = self.world.browser()

    def live(self):
        """Does once what leaves a trace for good: somebody signs in, a token is fetched, a permit is withdrawn."""
        self.alice.visit(self.world.url("/"))
        self.world.provider.sign_in(self.alice, "alice")
        assert self.alice.status == 200, self.alice.page
        with WorkloadApiClient(f"unix://{self._api}") as client:
            client.fetch_jwt_svid(audience={"anybody"}, timeout=20)
        self._flood()
        self._bundle()
        held = threading.Thread(target=self.ask, args=("/held",), daemon=True)
        held.start()
        self.app.holds(1)
        self.orders.rewrite_policy(POLICY + '@id("no-more") forbid(principal, action, resource in Route::"orders:/held");')
        held.join(30)
        assert not held.is_alive(), "what lost its permit goes on"
        self.orders.record(path="/held", reason="permit_withdrawn")
        self.orders.rewrite_policy("permit(")

    def more(self):
        """Does what counters must see more than once."""
        for path in ("/", "/denied", "/shadow"):
            self.ask(path)
        for _ in range(30):
            self.ask("/often")
        self.ask("/", door=1)
        self._ask(self.web.config["tcp"]["outbound"][0]["listen"], "/")
        self.alice.fetch(self.world.url("/"))
        with socket.create_connection(self.orders.inbound.rsplit(":", 1), timeout=10) as stranger:
            stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
            stranger.recv(100)

    def ask(self, path, door=0):
        """The status that `web` gets."""
        return self._ask(self.web.outbound[door], path)

    @staticmethod
    def _ask(address, path):
        connection = http.client.HTTPConnection(address, timeout=30)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()

    def _flood(self):
        """More pings than requests give reason for."""
        with socket.create_connection(self.web.outbound[0].rsplit(":", 1), timeout=30) as flood:
            try:
                flood.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000"))
                flood.sendall((bytes.fromhex("000008060000000000") + bytes(8)) * 50_000)
                while flood.recv(65536):
                    pass
            except ConnectionError:
                pass

    def _bundle(self):
        """Reads the authority's bundle as another trust domain does."""
        context = ssl.create_default_context(cafile=str(self.authority.bundle))
        # It shows an SVID, which names no host.
        context.check_hostname = False
        where = self.authority.config["federation"]["listen"]
        with urllib.request.urlopen(f"https://{where}/", context=context, timeout=20) as answer:
            assert answer.status == 200

    def _orders(self):
        """A service with all that a sidecar can do for it."""
        case = self._case
        doors = {
            "inbound": {
                "listen": case.address(), "service": "orders", "app": self.app.address,
                "app_ready": {"path": "/healthz"}, "rate_limits": [{"requests": 20, "period_s": 1}],
            },
            "tcp": {"inbound": [{"listen": case.address(), "service": "db", "app": self.app.address}]},
            "workload_api": {"socket": str(self._api)},
        }
        token = str(self.authority.token("orders"))
        return joined(case, "orders", doors, POLICY, [self.authority], join_token_file=token)

    def _web(self):
        """Its caller, and one of a service that is not there."""
        case = self._case
        here = {"to": self.orders.inbound, "expect": spiffe_id("orders"), "service": "orders"}
        gone = {"to": case.address(), "expect": spiffe_id("gone"), "service": "gone"}
        database = {"to": self.orders.config["tcp"]["inbound"][0]["listen"], "expect": spiffe_id("orders"), "service": "db"}
        doors = {
            "outbound": [{"listen": case.address(), **here}, {"listen": case.address(), **gone}],
            "tcp": {"outbound": [{"listen": case.address(), **database}]},
        }
        token = str(self.authority.token("web"))
        return joined(case, "web", doors, POLICY, [self.authority], join_token_file=token)
