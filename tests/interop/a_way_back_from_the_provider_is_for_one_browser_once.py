"""What somebody brings back from a provider signs in the browser that began, once, whole, and from that provider; nothing else signs in anybody."""

import urllib.parse

from support.openid import World

POLICY = '@id("eng") permit(principal in Group::"corp/eng", action in Action::"http", resource in Service::"web");'
SESSION = "__Host-portreeve-session"


def test(case):
    world = World(case).start(POLICY)
    alice, brought = came_back(world)
    assert brought["iss"] == world.provider.issuer, brought

    # Another browser with all of it: what signs a victim in as the attacker. It uses nothing up.
    assert returns(world, world.browser(), brought) == (400, False)
    # Her own browser, which has begun, without what ties the two together.
    for wrong in ({"state": None}, {"state": ""}, {"state": brought["state"][:-1]}, {"state": "x" * 4000}):
        assert returns(world, alice, {**brought, **wrong}) == (400, False), wrong
    # Of a provider that is not there.
    assert returns(world, alice, brought, name="other") == (400, False)
    assert returns(world, alice, brought) == (303, True)
    assert alice.fetch(world.url("/a")).status == 200
    assert world.app.requests[-1].header("x-forwarded-user") == ["alice"], world.app.requests[-1]
    count = len(world.app.requests)

    # Twice, by whoever.
    assert returns(world, world.browser(), brought) == (400, False)

    # Each is the truth with one thing changed; what was wrong cannot be tried again with what is right.
    for wrong, status in (
        ({"iss": "https://evil.example"}, 403),
        ({"iss": world.provider.issuer + "/"}, 403),
        # It always says so (RFC 9207): without, it may be another's.
        ({"iss": None}, 403),
        ({"code": "abc"}, 403),
        ({"code": ""}, 400),
        ({"code": None}, 400),
        ({"code": None, "error": "access_denied"}, 403),
        ({"error": "access_denied"}, 403),
    ):
        browser, brought = came_back(world)
        assert returns(world, browser, {**brought, **wrong}) == (status, False), wrong
        assert returns(world, browser, brought) == (400, False), wrong
    # Of another sign-in of the same browser.
    browser, first = came_back(world)
    browser, second = came_back(world, browser)
    assert returns(world, browser, {**first, "code": second["code"]}) == (403, False)
    # And the other one is not hurt.
    assert len(world.app.requests) == count

    # Nothing that stands for anybody is told to whoever reads logs and records.
    said = world.edge.program.last_words() + str(world.edge.records())
    for secret in (alice.cookies()[SESSION], brought["code"], brought["state"], "s3cret: %"):
        assert secret not in said, secret


def came_back(world, browser=None):
    """A browser that is about to come back, and what it brings."""
    browser = browser or world.browser()
    browser.stops_before = world.url("/.portreeve/callback/")
    browser.visit(world.url("/a"))
    if not browser.url.startswith(browser.stops_before):
        world.provider.sign_in(browser, "alice")
    assert browser.url.startswith(browser.stops_before), browser.seen
    query = urllib.parse.parse_qsl(urllib.parse.urlsplit(browser.url).query)
    browser.stops_before = None
    return browser, dict(query)


def returns(world, browser, brought, name="corp"):
    """Comes back with that, but for what is None: the status, and whether somebody is signed in then."""
    brought = {name: value for name, value in brought.items() if value is not None}
    place = world.url(f"/.portreeve/callback/{name}?") + urllib.parse.urlencode(brought)
    browser.fetch(place, accept="text/html", sec_fetch_mode="navigate", sec_fetch_dest="document")
    return browser.status, SESSION in browser.cookies()
