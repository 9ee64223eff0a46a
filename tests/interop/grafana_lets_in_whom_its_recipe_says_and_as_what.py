"""Grafana's side of the recipe in `deploy/edge/README.md`, as Grafana documents it, over what an app behind an edge is really sent."""

import configparser
import json
import re
import time
from pathlib import Path

import jmespath
from jwcrypto import jwk
from jwcrypto import jws
from jwcrypto.common import JWException

from support.openid import World

POLICY = """
@id("all") permit(principal is User, action in Action::"http", resource in Service::"web");
"""
README = Path(__file__).resolve().parents[2] / "deploy" / "edge" / "README.md"


class Monitored(World):
    """An edge under the name that the recipe has, and a second app below it."""

    name = "grafana.example.org"

    def make_origin(self):
        return f"https://{self.name}"

    def start(self, policy, **sessions):
        self.more_routes = [{"host": self.name, "path": "/other", "app": self.app.address, "service": "web"}]
        return super().start(policy, **sessions)


def test(case):
    world = Monitored(case).start(POLICY)
    people = {
        "alice": {"groups": ["eng", "ops"], "email_verified": True},
        "bob": {"groups": ["eng"], "email_verified": True},
        "carol": {"groups": ["devops"], "email_verified": True},
        "dave": {"email_verified": True},
        # Whose address it is, nobody has seen: it may be alice's.
        "mallory": {"groups": ["ops"], "email_verified": False},
    }
    for sub, claims in people.items():
        world.provider.says(sub, email=f"{sub}@corp.example", name=sub, **claims)

    roles = {"alice": "Admin", "bob": "Viewer", "carol": "Viewer", "dave": "Viewer"}
    recipe = read_recipe()
    for sub, role in roles.items():
        browser, token = assertion_for(world, recipe, sub, "/")
        told = grafana(recipe, browser, token)
        assert told == {"login": f"corp/{sub}", "email": f"{sub}@corp.example", "role": role}, told

    _, token = assertion_for(world, recipe, "mallory", "/")
    refuses(recipe, browser, token, "email_verified")
    # What is for another app is not for this one, whoever it is of.
    _, token = assertion_for(world, recipe, "alice", "/other/a")
    refuses(recipe, browser, token, "aud")
    # Each word of the recipe counts.
    _, token = assertion_for(world, recipe, "alice", "/")
    expected = json.loads(recipe["expect_claims"])
    assert set(expected) == {"iss", "aud", "email_verified"}, expected
    for name, other in [("iss", "https://evil.example"), ("aud", "https://grafana.example.org/x"), ("email_verified", "true")]:
        wrong = {**recipe, "expect_claims": json.dumps({**expected, name: other})}
        refuses(wrong, browser, token, name)
    # A signature of somebody else's is none, though its key has the name of ours.
    head = json.loads(jws.base64url_decode(token.split(".")[0]))
    forger = jwk.JWK.generate(kty="EC", crv="P-256", kid=head["kid"])
    forged = jws.JWS(jws.base64url_decode(token.split(".")[1]))
    forged.add_signature(forger, alg="ES256", protected=json.dumps(head))
    refuses(recipe, browser, forged.serialize(compact=True), "signature")


def read_recipe():
    """What the README tells Grafana."""
    blocks = re.findall(r"```ini\n(.*?)```", README.read_text(), re.DOTALL)
    recipes = [block for block in blocks if "[auth.jwt]" in block]
    assert len(recipes) == 1, blocks
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(recipes[0])
    recipe = dict(parser["auth.jwt"])
    assert recipe["enabled"] == "true", recipe
    return recipe


def assertion_for(world, recipe, sub, path):
    """Somebody's browser, and what the app is sent when they ask for `path`."""
    browser = world.browser()
    browser.visit(world.url(path))
    world.provider.sign_in(browser, sub)
    assert browser.status == 200, (sub, browser.seen, browser.page)
    [token] = world.app.requests[-1].header(recipe["header_name"])
    return browser, token


def grafana(recipe, browser, token):
    """Whom Grafana takes `token` for: https://grafana.com/docs/grafana/latest/setup-grafana/configure-access/configure-authentication/jwt/"""
    answer = browser.fetch(recipe["jwk_set_url"])
    assert answer.status == 200, answer.page
    signed = jws.JWS()
    signed.deserialize(token)
    try:
        signed.verify(jwk.JWKSet.from_json(answer.page))
    except JWException as error:
        raise Refused("signature") from error
    claims = json.loads(signed.payload)
    if not claims["iat"] - 60 <= time.time() <= claims["exp"] + 60:
        raise Refused("exp")
    for name, expected in json.loads(recipe["expect_claims"]).items():
        found = claims.get(name)
        # The registered claim `aud` must have it among its values; all others must be just that.
        good = expected in ([found] if isinstance(found, str) else found) if name == "aud" else same(found, expected)
        if not good:
            raise Refused(name)
    return {
        "login": claims[recipe["username_claim"]],
        "email": claims[recipe["email_claim"]],
        "role": jmespath.search(recipe["role_attribute_path"], claims),
    }


def same(found, expected):
    """As Go compares: no type is another."""
    return type(found) is type(expected) and found == expected


def refuses(recipe, browser, token, why):
    """Grafana lets nobody in by `token`."""
    try:
        told = grafana(recipe, browser, token)
    except Refused as refused:
        assert str(refused) == why, refused
    else:
        raise AssertionError(f"{told} was let in")


class Refused(Exception):
    """By the first check that fails."""
