"""A real client sees a close frame with 1008, the server behind us the end of its connection; another WebSocket goes on."""

import signal
import threading

from support.sidecar import ORDERS
from support.sidecar import WEB
from support.sidecar import Pair
from support.sidecar import permit
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.sync.server import serve


def test(case):
    ended = threading.Event()

    def echo(socket):
        for message in socket:
            socket.send(message)
        if socket.request.path == "/lost":
            ended.set()

    def answer(socket):
        try:
            echo(socket)
        except ConnectionClosed:
            ended.set()

    server = serve(answer, case.host, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    case.at_the_end(server.shutdown)
    pair = Pair(case, "{}:{}".format(*server.socket.getsockname()))

    with (
        connect(f"ws://{pair.entry}/lost", open_timeout=20) as lost,
        connect(f"ws://{pair.entry}/kept", open_timeout=20) as kept,
    ):
        for socket in (lost, kept):
            socket.send("hello")
            assert socket.recv(timeout=20) == "hello"
        pair.server.rewrite_policy(
            permit(case.trust_domain.id(WEB), ORDERS)
            + '@id("no-more")\nforbid(principal, action, resource in Route::"orders:/lost");\n'
        )
        pair.server.program.signal(signal.SIGHUP)
        try:
            raise AssertionError(f"it goes on: {lost.recv(timeout=20)}")
        except ConnectionClosed as closed:
            assert (closed.rcvd.code, closed.rcvd.reason) == (1008, "permit_withdrawn"), closed
        assert ended.wait(20), "the server did not see the end"
        kept.send("still")
        assert kept.recv(timeout=20) == "still"
    record = pair.server.record(path="/lost", reason="permit_withdrawn")
    assert (record["status"], record["withdrawn_policies"]) == (101, ["no-more"]), record
