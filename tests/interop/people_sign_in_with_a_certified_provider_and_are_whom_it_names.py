"""Forms, redirects and cookies of a certified provider, then the app: told who asks by us alone, and nobody whom no policy lets in."""

from support.openid import World

POLICY = """
@id("eng") permit(principal in Group::"corp/eng", action in Action::"http", resource in Service::"web");
"""


def test(case):
    world = World(case).start(POLICY)
    provider = world.provider
    stranger = world.browser()
    stranger.fetch(world.url("/a"))
    assert stranger.status == 401 and "location" not in stranger.headers, stranger.page

    alice = world.browser()
    alice.visit(world.url("/a?b=c"))
    assert alice.url.startswith(provider.issuer), alice.seen
    provider.sign_in(alice, "alice")
    assert (alice.status, alice.url) == (200, world.url("/a?b=c")), (alice.seen, alice.page)
    seen = world.app.requests[-1]
    assert seen.path == "/a?b=c"
    assert seen.header("x-forwarded-user") == ["alice"], seen
    assert seen.header("x-forwarded-email") == ["alice@corp.example"], seen
    assert seen.header("x-forwarded-groups") == ["eng"], seen
    assert seen.header("cookie") == [], seen
    cookie = alice.cookie("__Host-portreeve-session")
    assert cookie.secure and cookie.path == "/" and not cookie.domain_specified, vars(cookie)
    assert cookie.has_nonstandard_attr("HttpOnly"), vars(cookie)
    assert not [name for name in alice.cookies() if "login" in name], alice.cookies()
    world.edge.record(caller="corp/alice", decision="permit", path="/a")

    # Whoever is signed in and not let in is told so, and sent nowhere.
    provider.says("mallory", email="mallory@corp.example", groups=["sales"])
    mallory = world.browser()
    mallory.visit(world.url("/a"))
    provider.sign_in(mallory, "mallory")
    assert mallory.status == 403, (mallory.seen, mallory.page)
    count = len(world.app.requests)
    mallory.visit(world.url("/a"))
    assert (mallory.status, len(mallory.seen)) == (403, 1), mallory.seen
    assert len(world.app.requests) == count
    world.edge.record(caller="corp/mallory", decision="deny")

    # A code that was used, by whoever has seen the way back, is nobody's.
    back = next(url for _status, url in alice_seen(world) if "/callback/" in url)
    thief = world.browser()
    thief.visit(back)
    assert thief.status == 400, (thief.status, thief.page)
    assert "__Host-portreeve-session" not in thief.cookies()


def alice_seen(world):
    """The way of another sign-in, whose callback has been used."""
    browser = world.browser()
    browser.visit(world.url("/again"))
    world.provider.sign_in(browser, "alice")
    assert browser.status == 200, browser.seen
    return browser.seen
