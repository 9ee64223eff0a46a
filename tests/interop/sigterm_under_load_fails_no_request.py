"""Callers that ask without a pause: each is told to close, and no request that was sent goes without its answer."""

import signal

from support import nginx
from support.load import Load
from support.sidecar import Pair
from support.wait import until


def test(case):
    pair = Pair(case, nginx.app(case).address)
    load = Load(case, pair.entry)
    until(lambda: load.answered > 200, "some load")
    pair.client.program.signal(signal.SIGTERM)
    until(load.over, "the callers to be turned away", 30)
    assert load.failures == [], load.failures[:5]
    assert pair.client.program.ended() == 0, pair.client.program.last_words()
