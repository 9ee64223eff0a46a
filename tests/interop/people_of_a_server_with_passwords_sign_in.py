"""Canaille: pages with passwords, tokens signed with RS512, dates with fractions, refreshes without ID tokens, and tokens for nobody."""

from support.canaille import CanailleWorld
from support.wait import until

POLICY = '@id("eng") permit(principal in Group::"corp/eng", action in Action::"http", resource in Service::"web");'


def test(case):
    # Tokens of ten seconds are asked for again all the time.
    world = CanailleWorld(case, token_seconds=10).start(POLICY)
    provider = world.provider

    # A client made on its command line gets tokens that are for nobody: for us, too, they are not.
    browser = world.browser()
    browser.visit(world.url("/a"))
    provider.sign_in(browser, "alice")
    assert browser.status == 403 and not world.app.requests, (browser.seen, browser.page)
    assert "__Host-portreeve-session" not in browser.cookies()
    assert "`aud` is missing or malformed" in world.edge.program.last_words(), world.edge.program.last_words()
    provider.know_the_client()

    # A wrong password leads nowhere.
    mallory = world.browser()
    mallory.visit(world.url("/a"))
    provider.sign_in(mallory, "alice", "wrong")
    assert mallory.url.startswith(provider.issuer) and not world.app.requests, (mallory.seen, mallory.page)

    alice = world.browser()
    alice.visit(world.url("/a?b=c"))
    assert alice.url.startswith(provider.issuer), alice.seen
    provider.sign_in(alice, "alice")
    assert (alice.status, alice.url) == (200, world.url("/a?b=c")), (alice.seen, alice.page)
    seen = world.app.requests[-1]
    assert seen.header("x-forwarded-user") == ["alice"] and seen.header("x-forwarded-groups") == ["eng"], seen
    # It does not say that the address is hers (`email_verified`).
    assert seen.header("x-forwarded-email") == [], seen

    # In no group: known, and not let in.
    bob = world.browser()
    bob.visit(world.url("/a"))
    provider.sign_in(bob, "bob")
    assert bob.status == 403, (bob.seen, bob.page)
    world.edge.record(caller="corp/bob", decision="deny")

    # What its command line changes, a refresh tells: without an ID token, from its userinfo endpoint.
    provider.order("set", "group", "eng", "--members", "bob")
    until(lambda: bob.fetch(world.url("/a")).status == 200, "bob to be in the group", 60)
    until(lambda: alice.fetch(world.url("/a")).status == 403, "alice to be out of it", 60)
