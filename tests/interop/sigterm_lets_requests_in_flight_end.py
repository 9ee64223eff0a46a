"""SIGTERM to either sidecar: nobody new is let in, what is in flight is answered, and the exit code is 0."""

import concurrent.futures
import signal

from support.app import App
from support.curl import curl
from support.programs import accepts
from support.sidecar import Pair
from support.wait import until

IN_FLIGHT = 10


def test(case):
    for which in ("client", "server"):
        app = App(case)
        pair = Pair(_Named(case, which), app.address)
        sidecar = getattr(pair, which)
        door = pair.entry if which == "client" else pair.server.inbound
        with concurrent.futures.ThreadPoolExecutor(IN_FLIGHT) as pool:
            calls = [pool.submit(curl, f"http://{pair.entry}/held") for _ in range(IN_FLIGHT)]
            app.holds(IN_FLIGHT)
            sidecar.program.signal(signal.SIGTERM)
            until(lambda: not accepts(door), f"the {which}'s door to close")
            sidecar.program.check()
            app.release()
            answers = [call.result() for call in calls]
        assert [answer.status for answer in answers] == [200] * IN_FLIGHT, (which, answers)
        assert sidecar.program.ended() == 0, (which, sidecar.program.last_words())
        ended = [record for record in sidecar.records() if record.get("status") == 200]
        assert len(ended) == IN_FLIGHT, (which, sidecar.records())


class _Named:
    """A case whose sidecars have names of their own: this test starts two pairs."""

    def __init__(self, case, name):
        self._case = case
        self.directory = case.directory / name
        self.directory.mkdir()

    def __getattr__(self, name):
        return getattr(self._case, name)
