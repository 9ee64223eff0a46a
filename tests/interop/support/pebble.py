"""Let's Encrypt's own test CA, from Debian's package, and the names by which it finds those whom it looks at."""

import json
import ssl
import urllib.request

from support.certificates import TrustDomain


class Pebble:
    """A CA that looks at port `port` of its hosts. `stop` and `start` as often as needed: it forgets everything."""

    def __init__(self, case, port, *, lifetime=7_776_000, rejects_nonces=5, external=None, hesitates=0):
        self._case = case
        self._starts = 0
        self.address = case.address()
        self._management = case.address()
        host = self.address.split(":")[0]
        self.web = TrustDomain(case.directory / "pebble-web", "pebble.example")
        server = self.web.svid("pebble", names=f"IP:{host}", subject="/CN=pebble")
        self.directory = f"https://{self.address}/dir"
        self.names = Names(case)
        config = {
            "listenAddress": self.address,
            "managementListenAddress": self._management,
            "certificate": str(server.certificate),
            "privateKey": str(server.key),
            # It never asks there: an edge has no such port.
            "httpPort": int(case.address().split(":")[1]),
            "tlsPort": int(port),
            "ocspResponderURL": "",
            "externalAccountBindingRequired": bool(external),
            "externalAccountMACKeys": external or {},
            "certificateValidityPeriod": lifetime,
        }
        self._config = case.write("pebble.json", json.dumps({"pebble": config}))
        self._environment = {
            # Some seconds at most, before it looks.
            "PEBBLE_VA_NOSLEEP": "0" if hesitates else "1",
            "PEBBLE_VA_SLEEPTIME": str(hesitates or 1),
            "PEBBLE_AUTHZREUSE": "0",
            "PEBBLE_WFE_NONCEREJECT": str(rejects_nonces),
        }
        self.start()

    def start(self):
        """It listens."""
        self._starts += 1
        self._root = None
        words = [f"{name}={value}" for name, value in self._environment.items()]
        command = ["env", *words, "pebble", "-config", self._config, "-dnsserver", self.names.address]
        self.program = self._case.start(f"pebble-{self._starts}", command).listens_on(self.address)
        return self

    def stop(self):
        """It is away."""
        self.program.stop()

    def root(self):
        """Whom browsers must believe: the root that it made when it started last."""
        if self._root is None:
            tls = ssl.create_default_context(cafile=str(self.web.bundle))
            url = f"https://{self._management}/roots/0"
            with urllib.request.urlopen(url, context=tls, timeout=10) as answer:
                self._root = self._case.write(f"pebble-root-{self._starts}.pem", answer.read().decode())
        return self._root

    def said(self):
        """What it said since it started last."""
        return self.program.stdout.read_text(errors="replace")

    def settings(self, **more):
        """As `edge.certificate` has it."""
        acme = {
            "directory": self.directory,
            "contact": ["mailto:ops@corp.example"],
            "agree_to_terms": True,
            "roots": str(self.web.bundle),
            "retry_s": 1,
            **more,
        }
        return {"acme": acme}


class Names:
    """Debian's `pebble-challtestsrv`: every name is where the test is, unless it `is_at` another place."""

    def __init__(self, case):
        self.address = case.address()
        self._management = case.address()
        command = [
            "pebble-challtestsrv", "-dns01", self.address, "-management", self._management, "-http01", "",
            "-https01", "", "-tlsalpn01", "", "-defaultIPv4", case.host, "-defaultIPv6", "",
        ]
        case.start("names", command).listens_on(self._management)

    def is_at(self, name, address):
        """`name` is there from now on."""
        self._ask("clear-a", {"host": f"{name}."})
        self._ask("add-a", {"host": f"{name}.", "addresses": [address]})

    def _ask(self, action, body):
        url = f"http://{self._management}/{action}"
        urllib.request.urlopen(url, json.dumps(body).encode(), timeout=10).close()
