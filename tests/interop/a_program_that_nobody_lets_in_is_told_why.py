"""`portreeve login` where somebody says no, where the provider has no such grant for us, or where no edge of ours answers."""

from support.login import Machine
from support.openid import World

POLICY = """
@id("all") permit(principal is User, action in Action::"http", resource in Service::"web");
"""


def test(case):
    world = World(case, programs=True)
    world.more_of_the_provider = {"device_login": True}
    world.more_of_the_route = {"host": case.host}
    world.start(POLICY)
    site = f"https://{world.edge_at}"
    machine = Machine(case, "laptop", site, world.web.bundle)
    login, place = machine.login("--provider", "corp")
    world.provider.turn_away(world.browser(), place)
    assert login.ended(60) == 3, login.last_words()
    assert "it was not let in: somebody said no" in login.stderr.read_text(), login.last_words()
    assert machine.files() == []
    world.edge.record(decision="refused", reason="access_denied")

    def refused(*words, code=1, said):
        ended, printed, complaint = machine.run("login", *words)
        assert (ended, printed) == (code, ""), (words, printed, complaint)
        assert said in complaint, (words, complaint)

    roots = ("--roots", world.web.bundle)
    refused(site, *roots, "--provider", "other", said="say who is to be asked, as `provider`: one of corp")
    refused(site, said="the certificate of")
    refused(world.provider.issuer, *roots, said="the edge says no (status 404)")
    refused(f"{site}/a", code=2, said="it has a path or a query")
    refused(f"http://{world.edge_at.replace('127', '10')}", code=2, said="write `https://HOST`")
    refused(f"https://{case.address()}", *roots, said="cannot be reached")

    # The client there is not allowed the grant: the edge's log names the provider.
    grants = ["authorization_code", "refresh_token"]
    world.provider.stop()
    client = {**world.provider._settings["client"], "grant_types": grants}
    world.provider.start(client=client)
    refused(site, *roots, said="`corp` says no (`invalid_request`): is the client there allowed the device grant?")
    log = world.edge.program.last_words()
    assert "a program cannot be let in" in log and "corp" in log, log
