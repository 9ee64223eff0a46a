"""SIGKILL, a hundred times, while people ask: it is ready again, whoever signed in still is, and its records are whole."""

import http.client
import json
import signal
import threading

from support.openid import World
from support.wait import until

TIMES = 100
POLICY = '@id("people") permit(principal is User, action in Action::"http", resource in Service::"web");'


def test(case):
    world = World(case).start(POLICY)
    alice = world.browser()
    alice.visit(world.url("/"))
    world.provider.sign_in(alice, "alice")
    assert alice.status == 200, (alice.seen, alice.page)
    command = [case.binary, "run", "--config", case.directory / "edge" / "portreeve.yaml"]
    stopping = threading.Event()
    asking = threading.Thread(target=ask, args=(world, alice, stopping), daemon=True)
    asking.start()
    for number in range(TIMES):
        world.edge.program.signal(signal.SIGKILL)
        assert world.edge.program.ended() == -signal.SIGKILL
        world.edge.program = case.start(f"edge-{number}", command)
        world.edge.ready()
    stopping.set()
    asking.join(30)
    # Signed in once, and never again.
    assert alice.fetch(world.url("/last")).status == 200, alice.page
    assert world.app.requests[-1].header("x-forwarded-user") == ["alice"]
    lines = (case.directory / "edge" / "decisions.jsonl").read_text().split("\n")
    broken = [line for line in lines[:-1] if not is_whole(line)]
    assert not broken, broken[:3]
    # Of what an application was asked there is a record, but for what was under way when the end came.
    recorded = sum('"decision":"permit"' in line for line in lines)
    assert recorded >= len(world.app.requests) - TIMES, (recorded, len(world.app.requests))
    until(lambda: world.edge.ask_admin("/readyz")[0] == 200, "it to be ready")


def ask(world, browser, stopping):
    """Asks again and again; who is away is asked again."""
    while not stopping.is_set():
        try:
            browser.fetch(world.url("/"))
        except (OSError, http.client.HTTPException):
            stopping.wait(0.01)


def is_whole(line):
    """Whether it is a record."""
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
