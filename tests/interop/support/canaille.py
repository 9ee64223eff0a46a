"""Canaille, an identity server with accounts and passwords, behind TLS: another maker's, who reads the standards in his own way."""

import json
import os
import subprocess
import sys
from pathlib import Path

from support.openid import World

PASSWORD = "correct horse battery"
SECRET = "s3cret: %"


class CanailleWorld(World):
    """The same with Canaille as the provider."""

    def make_provider(self, **settings):
        return Canaille(self, **settings)


class Canaille:
    """The server, with alice in the group `eng`, and bob in none."""

    def __init__(self, world, token_seconds=3600):
        self._world = world
        case = world.case
        self.address = case.address()
        # It has a slash of its own at the end.
        self.issuer = f"https://{self.address}/"
        folder = case.directory / "canaille"
        folder.mkdir()
        self._environment = {**os.environ, "CANAILLE_CONFIG": str(folder / "canaille.toml")}
        key = json.loads(_output({**os.environ, "CANAILLE_CONFIG": ""}, "jwk", "create", "rsa", "--size", "2048", "--format", "json"))
        members = ", ".join(f"{name} = {json.dumps(value)}" for name, value in key.items())
        (folder / "canaille.toml").write_text(
            'SECRET_KEY = "known to nobody else"\n'
            f"OAUTH2_TOKEN_EXPIRES_IN = {{authorization_code = {token_seconds}, refresh_token = {token_seconds}}}\n"
            "[CANAILLE]\nJAVASCRIPT = false\nHTMX = false\n"
            f"[CANAILLE_SQL]\nDATABASE_URI = \"sqlite:///{folder / 'canaille.sqlite'}\"\n"
            f"[CANAILLE_OIDC]\nACTIVE_JWKS = [{{{members}}}]\n"
        )
        self.order("install")
        for name in ("alice", "bob"):
            self.order(
                "create", "user", "--user-name", name, "--password", PASSWORD, "--given-name", name.title(),
                "--family-name", "Archer", "--emails", f"{name}@corp.example",
            )
        self.order("create", "group", "--display-name", "eng", "--members", "alice")
        self._client = self._create_client()
        host = self.address.split(":")[0]
        server = world.web.svid("provider", names=f"IP:{host}", subject="/CN=provider")
        command = [PROGRAM, "run", "--bind", self.address, "--certfile", server.certificate, "--keyfile", server.key]
        settings = f"CANAILLE_CONFIG={self._environment['CANAILLE_CONFIG']}"
        self.program = case.start("canaille", ["env", settings, *command]).listens_on(self.address)

    def order(self, *words):
        """What its command line says."""
        return _output(self._environment, *words)

    def know_the_client(self):
        """Without this its tokens are for nobody at all (`aud: []`)."""
        self.order("set", "client", "edge", "--audience", self._client)

    def settings(self):
        """As `edge.providers.*` has it."""
        secret = self._world.case.write("client-secret", SECRET)
        return {
            "issuer": self.issuer,
            "client_id": "edge",
            "client_secret_file": str(secret),
            "roots": str(self._world.web.bundle),
            "scopes": ["openid", "email", "profile", "groups"],
            # What it signs with if nothing else is said.
            "algorithms": ["RS512"],
        }

    @staticmethod
    def sign_in(browser, who, password=PASSWORD):
        """Fills in name, password and consent, each on a page of its own."""
        browser.submit(login=who)
        browser.submit(password=password)
        if 'value="accept"' in browser.page:
            browser.submit(answer="accept")

    def _create_client(self):
        origin = self._world.origin
        words = ["create", "client", "--client-id", "edge", "--client-secret", SECRET, "--client-name", "Edge"]
        words += ["--redirect-uris", f"{origin}/.portreeve/callback/corp"]
        words += ["--post-logout-redirect-uris", f"{origin}/.portreeve/sign-out"]
        words += ["--token-endpoint-auth-method", "client_secret_basic", "--response-types", "code"]
        for grant in ("authorization_code", "refresh_token"):
            words += ["--grant-types", grant]
        for scope in ("openid", "email", "profile", "groups"):
            words += ["--scope", scope]
        return json.loads(self.order(*words))["id"]


def _output(environment, *words):
    command = [PROGRAM, *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


PROGRAM = str(Path(sys.executable).with_name("canaille"))
