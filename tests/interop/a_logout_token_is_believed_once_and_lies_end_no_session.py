"""Logout tokens, each lie beside the truth, signed as the provider signs: what is true ends what it names, once, and nothing else."""

import base64
import json
import time
import urllib.parse
import uuid

from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS

from support.openid import World

POLICY = '@id("eng") permit(principal in Group::"corp/eng", action in Action::"http", resource in Service::"web");'
EVENT = "http://schemas.openid.net/event/backchannel-logout"


def test(case):
    world = World(case).start(POLICY)
    world.provider.says("bob", email="bob@corp.example", groups=["eng"])
    alice, sid = signed_in(world, "alice")
    bob, _ = signed_in(world, "bob")
    for name, lie in lies(world, sid).items():
        status, why = posts(world, lie)
        assert status == 400 and why, (name, status, why)
        assert here(world, alice) and here(world, bob), name

    # True, of a session that is not here: nothing to do, and done. Of one that is somebody else's: not theirs to end.
    assert posts(world, told(world, sid="not-here"))[0] == 200
    assert posts(world, told(world, sid=sid, sub="bob"))[0] == 200
    assert here(world, alice) and here(world, bob)

    truth = told(world, sid=sid)
    assert posts(world, truth) == (200, None)
    assert not here(world, alice) and here(world, bob)
    assert posts(world, truth) == (400, "logout_token_used")

    # Of a person: all that is theirs ends, and nothing of anybody else's.
    both = [signed_in(world, "alice")[0] for _ in range(2)]
    assert all(here(world, browser) for browser in both)
    assert posts(world, told(world, sub="alice"))[0] == 200
    assert not any(here(world, browser) for browser in both) and here(world, bob)


def lies(world, sid):
    """What must be refused, by name. All but the first three are the truth with one thing changed."""
    now = int(time.time())
    other = JWK.generate(kty="RSA", size=2048, kid=world.provider.key()["kid"])
    # What a confused verifier would take for a shared secret is known to everybody.
    shared = JWK(kty="oct", k=base64.urlsafe_b64encode(world.provider.key().export_to_pem()).decode().rstrip("="))
    header, body, signature = told(world, sid=sid).split(".")
    return {
        "nothing": None,
        "no token": "abc",
        "no signature": f"{header}.{body}.",
        "two signatures": f"{header}.{body}.{signature}.{signature}",
        "another key": told(world, key=other, sid=sid),
        "a shared secret": told(world, key=shared, header={"alg": "HS256"}, sid=sid),
        "a key of its own": told(world, key=other, header={"jwk": other.export_public(as_dict=True)}, sid=sid),
        "a key elsewhere": told(world, header={"jku": "https://evil.example/keys"}, sid=sid),
        "another key's name": told(world, header={"kid": "other"}, sid=sid),
        "critical": told(world, header={"crit": ["b64"], "b64": True}, sid=sid),
        "an access token's type": told(world, header={"typ": "at+jwt"}, sid=sid),
        "a nonce": told(world, sid=sid, nonce="n"),
        "of nobody": told(world),
        "no event": told(world, sid=sid, events={}),
        "no events": told(world, sid=sid, events=None),
        "another event": told(world, sid=sid, events={"http://schemas.openid.net/event/other": {}}),
        "an event as text": told(world, sid=sid, events=EVENT),
        "for another client": told(world, sid=sid, aud="other"),
        "for nobody": told(world, sid=sid, aud=None),
        "by another issuer": told(world, sid=sid, iss="https://evil.example"),
        "over": told(world, sid=sid, iat=now - 700, exp=now - 600),
        "to come": told(world, sid=sid, iat=now + 600, exp=now + 700),
        "never made": told(world, sid=sid, iat=None),
        "without a number": told(world, sid=sid, jti=None),
        "a number that is none": told(world, sid=sid, jti=7),
        "a session that is none": told(world, sid=7),
    }


def told(world, key=None, header=(), **claims):
    """A logout token by the provider, but for what is said otherwise. A claim that is None is left out."""
    provider, now = world.provider, int(time.time())
    key = key or provider.key()
    usual = {"iss": provider.issuer, "aud": "edge", "iat": now, "exp": now + 120, "jti": str(uuid.uuid4()), "events": {EVENT: {}}}
    body = {name: value for name, value in {**usual, **claims}.items() if value is not None}
    head = {"alg": "RS256", "typ": "logout+jwt", "kid": provider.key()["kid"], **dict(header)}
    jws = JWS(json.dumps(body))
    jws.add_signature(key, None, json.dumps(head))
    return jws.serialize(compact=True)


def posts(world, token):
    """What the edge says to it: a status, and why not."""
    form = {"logout_token": token} if token is not None else {"other": "x"}
    answer = world.browser().fetch(
        world.url("/.portreeve/backchannel-logout/corp"), "POST", urllib.parse.urlencode(form),
        content_type="application/x-www-form-urlencoded",
    )
    assert answer.headers["cache-control"] == "no-store", answer.headers
    return answer.status, json.loads(answer.page)["error_description"] if answer.status == 400 else None


def signed_in(world, who):
    """A new browser in which they have signed in, and the provider's name of that session."""
    browser = world.browser()
    browser.visit(world.url("/a"))
    world.provider.sign_in(browser, who)
    assert browser.status == 200, (browser.seen, browser.page)
    return browser, world.provider.session()


def here(world, browser):
    """Whether the app is reached with its session."""
    return browser.fetch(world.url("/a")).status == 200
