"""A certified provider goes, comes back with other keys, and with a clock that is off: sessions stay, sign-ins are by what is right."""

from support.openid import World

POLICY = '@id("eng") permit(principal in Group::"corp/eng", action in Action::"http", resource in Service::"web");'


def test(case):
    world = World(case).start(POLICY)
    provider = world.provider
    alice = world.browser()
    assert sign_in(world, alice) == 200, (alice.seen, alice.page)

    provider.stop()
    assert alice.fetch(world.url("/a")).status == 200
    bob = world.browser()
    halted(world, bob)

    # Other keys by another name: looked for at once.
    provider.new_keys("second")
    provider.start()
    assert sign_in(world, world.browser()) == 200
    assert alice.fetch(world.url("/a")).status == 200

    # A minute is forgiven, more is not, in either direction.
    for skew, status in ((45, 200), (-45, 200), (150, 403)):
        provider.stop()
        provider.start(skew_seconds=skew)
        browser = world.browser()
        assert sign_in(world, browser) == status, (skew, browser.seen, browser.page)
    assert "from_the_future" in world.edge.program.last_words() or any(
        record.get("reason") == "from_the_future" for record in world.edge.records()
    ), world.edge.records()[-3:]
    provider.stop()
    # Its tokens of two minutes are over before they are here.
    provider.start(skew_seconds=-200, token_seconds=120)
    browser = world.browser()
    assert sign_in(world, browser) == 403, (browser.seen, browser.page)
    assert "expired" in world.edge.program.last_words()
    assert alice.fetch(world.url("/a")).status == 200


def sign_in(world, browser):
    """How it ends."""
    browser.visit(world.url("/a"))
    world.provider.sign_in(browser, "alice")
    return browser.status


def halted(world, browser):
    """Whoever comes while the provider is away gets as far as where it was."""
    try:
        browser.visit(world.url("/a"))
    except ConnectionRefusedError:
        return
    assert browser.status == 503, (browser.status, browser.page)
