"""SIGTERM, a hundred times, to either sidecar of a pair or to both: what the application received is answered, whole and once."""

import collections
import concurrent.futures
import signal

from support.fleet import ANSWERED
from support.fleet import HTTP1
from support.fleet import HTTP2
from support.fleet import REFUSED
from support.fleet import Counter
from support.fleet import Fleet
from support.programs import accepts
from support.sidecar import start_inbound
from support.sidecar import start_outbound
from support.wait import until

# A hundred times the second for which a door stays open, in lanes, on a machine that has other things to do.
DEADLINE_SECONDS = 300
LANES = 4
ROUNDS = 25
DRAIN_SECONDS = 20
# What else may become of a request, which the application then must not have received: nobody listened, or the caller's
# sidecar said that the far side is not there.
TURNED_AWAY = {(REFUSED, 0), (0, 502), (0, 503), (0, 504)}
HELD = [(http, method) for http in (HTTP1, HTTP2) for method in ("GET", "POST")]


def test(case):
    app = Counter(case)
    lanes = [Lane(case, app, number) for number in range(LANES)]
    with concurrent.futures.ThreadPoolExecutor(LANES) as pool:
        for run in [pool.submit(lane.run) for lane in lanes]:
            run.result()
    outcomes = {number: outcome for lane in lanes for number, outcome in lane.fleet.outcomes.items()}
    seen = collections.Counter((app.received.get(number, 0), outcome) for number, outcome in outcomes.items())
    good = {(1, ANSWERED), *((0, outcome) for outcome in TURNED_AWAY)}
    assert seen.keys() <= good, seen
    assert app.received.keys() <= outcomes.keys()
    assert seen[1, ANSWERED] > LANES * ROUNDS * len(HELD), seen


class Lane:
    """A pair of sidecars, and callers that never cease."""

    def __init__(self, case, app, number):
        self._case = case
        self._app = app
        self._number = number
        drain = {"drain_deadline_ms": DRAIN_SECONDS * 1000}
        self._server = start_inbound(case, app.address, name=f"inbound-{number}", **drain)
        self._client = start_outbound(case, self._server.inbound, name=f"outbound-{number}", **drain)
        ways = [(HTTP1, "GET"), (HTTP2, "POST")] if number % 2 else [(HTTP1, "POST"), (HTTP2, "GET")]
        self.fleet = Fleet(case, app, self._client.outbound[0], ways)

    def run(self):
        """One end after the other."""
        for number in range(ROUNDS):
            which = ([self._client], [self._server], [self._client, self._server])[number % 3]
            self._round(f"{self._number}-{number}", which)
        self.fleet.stop()

    def _round(self, name, ending):
        self.fleet.answered(10)
        gate = self._app.gate(name)
        waiting = [self.fleet.held(name, http, method) for http, method in HELD]
        self._app.holds(name, len(HELD))
        if self._client in ending:
            self.fleet.shut()
        for sidecar in ending:
            sidecar.program.signal(signal.SIGTERM)
        for sidecar in ending:
            turns_away_before_its_door_closes(sidecar)
        gate.set()
        for thread in waiting:
            thread.join(DRAIN_SECONDS)
            assert not thread.is_alive(), "a request that was held has no answer"
        for sidecar in ending:
            assert sidecar.program.ended(DRAIN_SECONDS) == 0, sidecar.program.last_words()
            assert "what is left is cut" not in sidecar.program.last_words(), sidecar.program.last_words()
            self._again(sidecar, name)
        self.fleet.open()

    def _again(self, sidecar, name):
        directory = sidecar.policy.parent
        command = [self._case.binary, "run", "--config", directory / "portreeve.yaml"]
        sidecar.program = self._case.start(f"{directory.name}-after-{name}", command)
        sidecar.ready()


def turns_away_before_its_door_closes(sidecar):
    """Whoever sees the door closed has been told by `/readyz` not to come. What it holds keeps it there meanwhile."""
    door = sidecar.inbound or sidecar.outbound[0]
    until(lambda: not accepts(door), f"the door of {sidecar.program.name} to close", DRAIN_SECONDS)
    status, said = sidecar.ask_admin("/readyz")
    assert status == 503 and "draining" in said, (status, said)
