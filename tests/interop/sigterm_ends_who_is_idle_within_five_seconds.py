"""SIGTERM when nothing is under way: whoever is merely connected keeps neither an authority nor a sidecar."""

import http.client
import signal

from support.app import App
from support.authority import Authority
from support.authority import JoinedPair

SECONDS = 5


def test(case):
    # Both sidecars follow the authority by calls that have no end.
    authority = Authority(case).start()
    pair = JoinedPair(case, App(case).address, [authority])
    # Kept open by callers, and between the two.
    kept = [http.client.HTTPConnection(pair.entry, timeout=20) for _ in range(20)]
    for connection in kept:
        connection.request("GET", "/")
        answer = connection.getresponse()
        assert answer.status == 200 and answer.read() and not answer.will_close
    for program in (authority.program, pair.server.program, pair.client.program):
        program.signal(signal.SIGTERM)
        assert program.ended(SECONDS) == 0, program.last_words()
        assert "what is left is cut" not in program.last_words(), program.last_words()
