"""What a certified provider says of somebody at a refresh counts at once: other groups, and no more of them at all."""

import http.client

from support.openid import World
from support.wait import until

POLICY = """
@id("eng") permit(principal in Group::"corp/eng", action in Action::"http", resource in Service::"web");
@id("ops") permit(principal in Group::"corp/ops", action in Action::"http", resource in Service::"web");
"""


def test(case):
    # Tokens of 10 seconds: whoever refreshes does so all the time.
    world = World(case, token_seconds=10).start(POLICY)
    provider = world.provider
    alice = world.browser()
    alice.visit(world.url("/a"))
    provider.sign_in(alice, "alice")
    assert alice.status == 200, (alice.seen, alice.page)
    assert groups(world, alice) == ["eng"]

    provider.says("alice", email="alice@corp.example", groups=["ops"])
    until(lambda: groups(world, alice) == ["ops"], "the new group to arrive", 60)
    provider.says("alice", email="alice@corp.example", groups=["sales"])
    until(lambda: groups(world, alice) is None, "the old group to be gone", 60)
    # It has lasted for several refreshes, each with the token of the last. Whom the provider does not know any more has no session.
    provider.says("alice")
    until(lambda: ended(world, alice), "the session to end", 60)
    alice.visit(world.url("/a"))
    assert alice.url.startswith(provider.issuer) or alice.status != 200, alice.seen


def groups(world, browser):
    """What the app is told of the browser's groups; nothing if it is told nothing."""
    before = len(world.app.requests)
    if asked(world, browser) != 200:
        return None if browser.status == 403 else CUT
    assert len(world.app.requests) == before + 1
    return world.app.requests[-1].header("x-forwarded-groups")


def ended(world, browser):
    """Whether the browser is nobody's."""
    return asked(world, browser) == 401


def asked(world, browser):
    """How the app is reached now. What is in flight when its groups change is cut."""
    browser.status = None
    try:
        return browser.fetch(world.url("/a")).status
    except (http.client.HTTPException, ConnectionError):
        browser.status = None
        return None


CUT = "cut"
