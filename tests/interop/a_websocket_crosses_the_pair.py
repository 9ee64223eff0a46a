"""Text, binary, large messages, pings and the closing handshake, between a real client and a real server."""

import threading

from support.sidecar import Pair
from support.sidecar import WEB
from websockets.sync.client import connect
from websockets.sync.server import serve


def test(case):
    callers = []

    def echo(socket):
        callers.append(socket.request.headers.get("x-portreeve-caller"))
        for message in socket:
            socket.send(message)

    server = serve(echo, case.host, 0, max_size=None)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    case.at_the_end(server.shutdown)
    app = "{}:{}".format(*server.socket.getsockname())
    pair = Pair(case, app)

    with connect(f"ws://{pair.entry}/chat", max_size=None, open_timeout=20) as socket:
        for message in ("hello", b"\x00\xff" * 10, "", "x" * 3_000_000):
            socket.send(message)
            assert socket.recv(timeout=20) == message
        assert socket.ping().wait(20), "no pong"
    assert (socket.close_code, socket.close_reason) == (1000, "")
    assert callers == [case.trust_domain.id(WEB)]
    pair.server.record(door="inbound", path="/chat", status=101, decision="permit")
    pair.client.record(door="outbound", path="/chat", status=101, decision="permit")
