"""An edge whose certificates are from a CA, and what is seen of it from outside."""

import http.client
import os
import socket
import ssl

from support.app import App
from support.pebble import Pebble
from support.sidecar import start
from support.wait import until

POLICY = '@id("all") permit(principal, action in Action::"http", resource in Service::"web");'


class WebEdge:
    """An app behind an edge for `hosts`, which anybody may see."""

    def __init__(self, case, hosts, name="edge", at=None, sessions=None, pebble=None, **settings):
        self.case = case
        self.name = name
        self.hosts = hosts
        self.at = at or case.address()
        self.app = App(case)
        port = self.at.rsplit(":", 1)[1]
        self.pebble = pebble or Pebble(case, port, **settings)
        self._sessions = sessions or {
            "store": {"sqlite": str(case.directory / "sessions.db")},
            "key_file": str(case.directory / "session.key"),
        }
        self.more = {}
        self.starts = 0
        self.sidecar = None

    def start(self):
        """It runs, which is not to say that it has a certificate."""
        case = self.case
        self.starts += 1
        routes = [{"host": host, "app": self.app.address, "service": "web"} for host in self.hosts]
        # Nobody signs in here.
        provider = {"issuer": f"https://{case.host}:9/", "client_id": "edge"}
        door = {
            "listen": self.at,
            "certificate": self.pebble.settings(**self.more),
            "providers": {"corp": provider},
            "sessions": self._sessions,
            "routes": routes,
        }
        name = f"{self.name}-{self.starts}"
        self.sidecar = start(case, name, case.trust_domain.svid(name), {"edge": door}, POLICY)
        return self

    def stop(self):
        """It is told to, and ends well."""
        assert self.sidecar.program.stop() == 0, self.sidecar.program.last_words()

    def shown(self, host, *, root=None, alpn=("http/1.1",)):
        """A TLS connection for `host`, whose certificate must be of the CA."""
        tls = ssl.create_default_context(cafile=str(root or self.pebble.root()))
        tls.set_alpn_protocols(list(alpn))
        address, port = self.at.rsplit(":", 1)
        return tls.wrap_socket(socket.create_connection((address, int(port)), 20), server_hostname=host)

    def certificate(self, host, root=None):
        """The serial of what is shown for `host`; nothing, if there is none yet."""
        try:
            with self.shown(host, root=root) as connection:
                return connection.getpeercert()["serialNumber"]
        except (ssl.SSLError, ConnectionError):
            return None

    def has_certificate(self, host, seconds=60):
        """Waits for it, and returns its serial."""
        return until(lambda: self.certificate(host), f"a certificate for {host}", seconds)

    def page(self, host, path="/"):
        """Status and body of a page, over a chain that is believed."""
        with self.shown(host) as connection:
            lines = [f"GET {path} HTTP/1.1", f"host: {host}", "connection: close"]
            connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            return answer.status, answer.read().decode()

    def alert(self, host, *, alpn=("http/1.1",)):
        """What whoever comes for `host` is told in place of a certificate."""
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
        tls.set_alpn_protocols(list(alpn))
        address, port = self.at.rsplit(":", 1)
        plain = socket.create_connection((address, int(port)), 20)
        try:
            with tls.wrap_socket(plain, server_hostname=host) as connection:
                raise AssertionError(f"{host} is shown {connection.getpeercert(True)!r}")
        except ssl.SSLError as error:
            # Python has no name for some.
            return error.reason or str(error)

    def remarks(self):
        """What `/readyz` says beside that it is ready."""
        status, text = self.sidecar.ask_admin("/readyz")
        assert status == 200, text
        return text

    def metric(self, name, **labels):
        """The value of one that is counted; 0 where it was not."""
        wanted = {f'{key}="{value}"' for key, value in labels.items()}
        for line in self.sidecar.ask_admin("/metrics")[1].splitlines():
            if line.startswith(name + "{"):
                inside, value = line[len(name) + 1 :].rsplit("} ", 1)
                if wanted <= set(inside.split(",")):
                    return float(value)
        return 0

    def orders(self, host, result="issued"):
        """How many orders for `host` ended so here."""
        return self.metric("portreeve_acme_orders_total", host=host, result=result)


def sealed_with(case):
    """The key of sessions that several edges share."""
    key = case.write("session.key", os.urandom(32).hex())
    key.chmod(0o600)
    return str(key)
