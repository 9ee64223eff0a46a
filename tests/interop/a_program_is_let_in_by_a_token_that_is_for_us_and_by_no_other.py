"""Bearer tokens of programs, each lie beside the truth, signed as the provider signs: the app is reached by the true ones, and never sees them."""

import base64
import json
import time

from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS

from support.openid import World

POLICY = """
@id("ci") permit(principal in Group::"corp/ci", action in Action::"http", resource in Service::"web");
"""
AUDIENCE = "https://api.corp.example"


def test(case):
    world = World(case)
    world.more_of_the_provider = {"bearer_audiences": [AUDIENCE]}
    world.more_of_the_route = {"bearer": "corp"}
    world.start(POLICY)
    count = 0
    for name, truth in {
        "an access token": made(world),
        "of an old kind": made(world, header={"typ": "JWT"}),
        "of no kind": made(world, header={"typ": None}),
        "for others, too": made(world, aud=["https://other.example", AUDIENCE]),
    }.items():
        assert shown(world, truth)[0] == 200, (name, shown(world, truth))
        count = len(world.app.requests)
        request = world.app.requests[-1]
        assert request.header("x-forwarded-user") == ["build-7"] and request.header("authorization") == [], (name, request)
        assert request.header("x-portreeve-caller") == ["corp/build-7"], (name, request)
    world.edge.record(caller="corp/build-7", decision="permit")

    # Of somebody whom no policy lets in: not a login, and no challenge.
    status, headers = shown(world, made(world, sub="build-8", groups=["guests"]))
    assert status == 403 and "location" not in headers, headers
    for name, lie in lies(world).items():
        status, headers = shown(world, lie)
        assert status == 401 and "location" not in headers, (name, status, headers)
        assert headers["www-authenticate"].startswith("Bearer"), (name, headers)
    assert len(world.app.requests) == count, world.app.requests[count:]
    assert shown(world, made(world))[0] == 200

    # Whoever is signed in is that, whatever they show beside it; the app does not see it either.
    world.provider.says("alice", groups=["ci"])
    alice = world.browser()
    alice.visit(world.url("/a"))
    world.provider.sign_in(alice, "alice")
    assert alice.fetch(world.url("/b"), authorization=f"Bearer {made(world)}").status == 200, alice.page
    request = world.app.requests[-1]
    assert request.header("x-forwarded-user") == ["alice"] and request.header("authorization") == [], request

    said = world.edge.program.last_words() + json.dumps(world.edge.records())
    assert made(world).split(".")[2] not in said and "eyJ" not in said, said


def lies(world):
    """What must be refused, by name."""
    now = int(time.time())
    key = world.provider.key()
    other = JWK.generate(kty="RSA", size=2048, kid=key["kid"])
    shared = JWK(kty="oct", k=base64.urlsafe_b64encode(key.export_to_pem()).decode().rstrip("="))
    header, body, signature = made(world).split(".")
    event = {"http://schemas.openid.net/event/backchannel-logout": {}}
    return {
        "no token": "abc",
        "no signature": f"{header}.{body}.",
        "unsigned": f"{encoded({'alg': 'none', 'typ': 'at+jwt'})}.{body}.",
        "another body": f"{header}.{encoded({**usual(world), 'sub': 'root'})}.{signature}",
        "another key": made(world, key=other),
        "a shared secret": made(world, key=shared, header={"alg": "HS256"}),
        "a key of its own": made(world, key=other, header={"jwk": other.export_public(as_dict=True)}),
        "an algorithm that is not allowed": made(world, header={"alg": "RS384"}),
        "an ID token of our client": made(world, aud="edge", header={"typ": "JWT"}),
        "for our client, too": made(world, aud=["edge", AUDIENCE]),
        "for somebody else": made(world, aud="https://other.example"),
        "for nobody": made(world, aud=None),
        "for a place that begins like ours": made(world, aud=AUDIENCE + ".evil.example"),
        "by somebody else": made(world, iss="https://evil.example"),
        "over": made(world, exp=now - 120),
        "never over": made(world, exp=None),
        "over in years": made(world, exp=now + 10**8),
        "to come": made(world, nbf=now + 600),
        "of tomorrow": made(world, iat=now + 86400),
        "of nobody": made(world, sub=None),
        "a logout token": made(world, events=event, header={"typ": "logout+jwt"}),
        "a logout token in disguise": made(world, events=event),
        "with a name twice": twice(world),
    }


def usual(world):
    """What a true one says."""
    now = int(time.time())
    return {"iss": world.provider.issuer, "aud": AUDIENCE, "sub": "build-7", "iat": now, "exp": now + 300, "groups": ["ci"]}


def made(world, key=None, header=(), **claims):
    """A token by the provider, but for what is said otherwise. What is None is left out."""
    body = {name: value for name, value in {**usual(world), **claims}.items() if value is not None}
    return signed(world, json.dumps(body), key, header)


def twice(world):
    """One that says two things of whom it is for."""
    return signed(world, json.dumps({**usual(world), "aud": "https://other.example"})[:-1] + f', "aud": "{AUDIENCE}"}}')


def signed(world, body, key=None, header=()):
    """That text, signed."""
    own = world.provider.key()
    head = {"alg": "RS256", "typ": "at+jwt", "kid": own["kid"], **dict(header)}
    jws = JWS(body)
    jws.allowed_algs = ["RS256", "RS384", "HS256"]
    head = {name: value for name, value in head.items() if value is not None}
    if head["alg"] == "RS384":
        # The key itself says that it is for RS256 only.
        own = JWK(**{name: value for name, value in own.export(as_dict=True).items() if name != "alg"})
    jws.add_signature(key or own, None, json.dumps(head))
    return jws.serialize(compact=True)


def encoded(members):
    """As a part of a token."""
    return base64.urlsafe_b64encode(json.dumps(members).encode()).decode().rstrip("=")


def shown(world, token):
    """The status and the fields of the answer to a program that shows it."""
    browser = world.browser().fetch(world.url("/a"), authorization=f"Bearer {token}")
    return browser.status, browser.headers
