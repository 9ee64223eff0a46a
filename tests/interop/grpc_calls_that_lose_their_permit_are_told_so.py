"""A stream and a call that waits lose their permit: PERMISSION_DENIED for both, the app learns of it, and the connection serves on."""

import queue
import signal

import grpc
from support.grpcs import NAME
from support.grpcs import GrpcApp
from support.grpcs import GrpcClient
from support.sidecar import ORDERS
from support.sidecar import WEB
from support.sidecar import Pair
from support.sidecar import permit


def test(case):
    app = GrpcApp(case)
    pair = Pair(case, app.address, app_protocol="http2")
    client = GrpcClient(case, pair.entry)
    asked = queue.Queue()
    stream = client.bidirectional(iter(asked.get, None), timeout=30)
    asked.put(b"one")
    assert next(stream) == b"ONE"
    waiting = client.wait.future(b"", timeout=30)
    assert app.waiting.wait(10), "the call did not reach the app"

    # Nothing but calls of one method may go on.
    pair.server.rewrite_policy(
        permit(case.trust_domain.id(WEB), ORDERS, name="web-calls")
        + "".join(
            f'@id("no-{method}")\nforbid(principal, action in Action::"http", resource in Route::"orders:/{NAME}/{method}");\n'
            for method in ("Bidirectional", "Wait")
        )
    )
    pair.server.program.signal(signal.SIGHUP)
    try:
        raise AssertionError(f"the stream goes on: {next(stream)}")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.PERMISSION_DENIED, error
        assert error.details() == "permit_withdrawn", error
    assert waiting.code() == grpc.StatusCode.PERMISSION_DENIED
    assert app.cancelled.wait(10), "the app did not learn of it"
    assert client.unary(b"more", timeout=10) == b"more"
    for method, status in (("Bidirectional", 200), ("Wait", 403)):
        record = pair.server.record(path=f"/{NAME}/{method}", status=status, decision="permit", reason="permit_withdrawn")
        assert record["withdrawn_policies"] == [f"no-{method}"], record
        assert record["withdrawn_reason"] == "forbidden", record
    asked.put(None)
