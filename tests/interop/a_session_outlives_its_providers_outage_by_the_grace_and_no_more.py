"""While a provider cannot be asked again, sessions stay for as long as the configuration says; asked again in time they go on, and end if not."""

import re

from support.openid import World
from support.wait import until

POLICY = '@id("eng") permit(principal in Group::"corp/eng", action in Action::"http", resource in Service::"web");'


def test(case):
    # Tokens of ten seconds; who could not be asked is asked again after a quarter of a minute.
    world = World(case, token_seconds=10).start(POLICY, refresh_grace_s=25)
    provider = world.provider
    alice = world.browser()
    alice.visit(world.url("/a"))
    provider.sign_in(alice, "alice")
    assert alice.status == 200, (alice.seen, alice.page)

    provider.leave()
    until(lambda: refreshes(world, "unavailable"), "the provider to be asked in vain", 30)
    assert alice.fetch(world.url("/a")).status == 200
    provider.come_back()
    until(lambda: refreshes(world, "ok"), "the provider to be asked again", 40)
    assert alice.fetch(world.url("/a")).status == 200 and not refreshes(world, "refused")

    provider.leave()
    until(lambda: alice.fetch(world.url("/a")).status != 200, "the grace to be over", 90)
    assert alice.status == 401, alice.page
    reached = len(world.app.requests)
    # That the provider is back does not bring it back.
    provider.come_back()
    assert alice.fetch(world.url("/a")).status == 401 and len(world.app.requests) == reached
    # She is still signed in there: a navigation leads through it and back.
    alice.visit(world.url("/a"))
    assert alice.status == 200 and len(world.app.requests) == reached + 1, alice.seen


def refreshes(world, result):
    """How often the provider was asked again with such a result."""
    text = world.edge.ask_admin("/metrics")[1]
    found = re.findall(rf'^portreeve_session_refreshes_total\{{.*result="{result}".*\}} (\d+)$', text, re.MULTILINE)
    return sum(map(int, found))
