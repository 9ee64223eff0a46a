"""Sign-out here reaches a certified provider, sign-out there reaches us: behind the browser's back, and through it."""

import urllib.parse

from support.openid import World
from support.wait import until

POLICY = '@id("eng") permit(principal in Group::"corp/eng", action in Action::"http", resource in Service::"web");'


def test(case):
    world = World(case).start(POLICY)
    behind_the_back(world)
    through_the_browser(world)
    from_here(world)


def behind_the_back(world):
    """She signs out at the provider; her other browser, signed in apart, stays."""
    alice, elsewhere = signed_in(world), signed_in(world)
    alice.visit(world.provider.issuer + "/session/end")
    alice.submit(logout="yes")
    until(lambda: status(world, alice) == 401, "the session to end")
    assert status(world, elsewhere) == 200
    assert "backchannel.success" in world.provider.program.last_words()
    assert world.edge.records()

    # What the provider told once ends nothing twice, nor does what it never told.
    forged = "logout_token=" + urllib.parse.quote("e30.e30.e30")
    url = world.url("/.portreeve/backchannel-logout/corp")
    elsewhere.fetch(url, "POST", forged, content_type="application/x-www-form-urlencoded")
    assert elsewhere.status == 400, elsewhere.page
    assert status(world, elsewhere) == 200


def through_the_browser(world):
    """A page of the provider's shows ours in a frame."""
    alice = signed_in(world)
    url = world.url("/.portreeve/frontchannel-logout/corp?")
    sid = world.provider.session()
    for query in ({"iss": "https://evil.example", "sid": sid}, {"sid": sid}, {"iss": world.provider.issuer}):
        alice.fetch(url + urllib.parse.urlencode(query))
        assert alice.status == 400, (query, alice.page)
        assert status(world, alice) == 200, query
    alice.fetch(url + urllib.parse.urlencode({"iss": world.provider.issuer, "sid": sid}))
    assert alice.status == 200, alice.page
    until(lambda: status(world, alice) == 401, "the session to end")


def from_here(world):
    """She signs out here, is sent to the provider, and must prove who she is to come again."""
    alice = signed_in(world)
    old = alice.cookies()["__Host-portreeve-session"]
    alice.visit(world.url("/.portreeve/sign-out"))
    assert status(world, alice) == 200, "a link alone signed her out"
    alice.visit(world.url("/.portreeve/sign-out"))
    alice.submit()
    assert alice.url.startswith(world.provider.issuer), (alice.url, alice.page)
    alice.submit(logout="yes")
    assert alice.url.startswith(world.url("/.portreeve/sign-out")), alice.seen
    assert "__Host-portreeve-session" not in alice.cookies()
    assert status(world, alice) == 401
    thief = world.browser()
    thief.fetch(world.url("/a"), cookie=f"__Host-portreeve-session={old}")
    assert thief.status == 401, "a cookie outlived its session"
    alice.visit(world.url("/a"))
    assert alice.url.startswith(world.provider.issuer) and "password" in alice.page, alice.seen


def signed_in(world):
    """A new browser, in which she has signed in."""
    browser = world.browser()
    browser.visit(world.url("/a"))
    world.provider.sign_in(browser, "alice")
    assert browser.status == 200, (browser.seen, browser.page)
    return browser


def status(world, browser):
    """How the app is reached now."""
    return browser.fetch(world.url("/a")).status
