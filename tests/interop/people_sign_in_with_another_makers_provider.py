"""PyPI's `oidc-provider-mock`, in the clear on loopback: taken only where the configuration says so by name."""

import json
import subprocess

from support.openid import Mock
from support.openid import World

POLICY = '@id("eng") permit(principal in Group::"corp/eng", action in Action::"http", resource in Service::"web");'


class Other(World):
    """The same with another provider."""

    def make_provider(self, **settings):
        return Mock(self, **settings)


def test(case):
    world = Other(case).start(POLICY)
    alice = world.browser()
    alice.visit(world.url("/a"))
    assert alice.url.startswith(world.provider.issuer), (alice.seen, alice.page)
    world.provider.sign_in(alice, "alice")
    assert alice.status == 200, (alice.seen, alice.page)
    seen = world.app.requests[-1]
    assert seen.header("x-forwarded-user") == ["alice"], seen
    assert seen.header("x-forwarded-groups") == ["eng"], seen

    stranger = world.browser()
    stranger.visit(world.url("/a"))
    world.provider.sign_in(stranger, "bob")
    assert stranger.status == 403, (stranger.seen, stranger.page)

    config = json.loads(json.dumps(world.edge.config))
    del config["edge"]["providers"]["corp"]["insecure_loopback"]
    file = case.write("careful.yaml", json.dumps(config))
    done = subprocess.run([case.binary, "check", "--config", file], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1, done
    assert "edge.providers.corp.issuer" in done.stdout + done.stderr, done
