"""A deadline that passes, and a cancel: the client is told the right status, and the app learns of both."""

import grpc
from support.grpcs import GrpcApp
from support.grpcs import GrpcClient
from support.sidecar import Pair


def test(case):
    app = GrpcApp(case)
    client = GrpcClient(case, Pair(case, app.address, app_protocol="http2").entry)

    try:
        client.wait(b"", timeout=0.5)
        raise AssertionError("the call was answered")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, error
    assert app.cancelled.wait(10), "the app did not learn that the deadline had passed"

    app.waiting.clear()
    app.cancelled.clear()
    call = client.wait.future(b"", timeout=30)
    assert app.waiting.wait(10), "the call did not reach the app"
    call.cancel()
    assert app.cancelled.wait(10), "the app did not learn of the cancel"
    assert call.code() == grpc.StatusCode.CANCELLED
