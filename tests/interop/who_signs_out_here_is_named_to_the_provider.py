"""Sign-out leads to the provider with the ID token as a hint: many ask whom to sign out without it, or do not lead back."""

import base64
import json
import urllib.parse

from support.openid import World

POLICY = '@id("eng") permit(principal in Group::"corp/eng", action in Action::"http", resource in Service::"web");'


def test(case):
    world = World(case).start(POLICY)
    alice = world.browser()
    alice.visit(world.url("/a"))
    world.provider.sign_in(alice, "alice")
    assert alice.status == 200, (alice.seen, alice.page)

    # Another site's form signs nobody out.
    place = world.url("/.portreeve/sign-out")
    alice.fetch(place, "POST", "", origin="https://evil.example", sec_fetch_site="cross-site")
    assert alice.status == 403 and alice.fetch(world.url("/a")).status == 200, alice.page

    alice.visit(place)
    alice.submit()
    onward = next(url for _status, url in alice.seen if url.startswith(world.provider.issuer))
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(onward).query))
    assert query["post_logout_redirect_uri"] == place and query["client_id"] == "edge", query
    body = query["id_token_hint"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    assert (claims["iss"], claims["aud"], claims["sub"]) == (world.provider.issuer, "edge", "alice"), claims
    # Over here already, whatever becomes of it there.
    assert alice.fetch(world.url("/a")).status == 401, alice.page
