"""Status, message and details of a failed call arrive as sent: at once, after a message, from the library."""

import grpc
from support.grpcs import GrpcApp
from support.grpcs import GrpcClient
from support.sidecar import Pair


def test(case):
    app = GrpcApp(case)
    client = GrpcClient(case, Pair(case, app.address, app_protocol="http2").entry)

    error = failure(lambda: client.fail(b"", timeout=20))
    assert error.code() == grpc.StatusCode.FAILED_PRECONDITION, error
    assert error.details() == "not today: 100 % sure"
    assert dict(error.trailing_metadata())["grpc-status-details-bin"] == b"\x00details"

    answers = client.fail_late(b"", timeout=20)
    assert next(answers) == b"first"
    error = failure(lambda: next(answers))
    assert (error.code(), error.details()) == (grpc.StatusCode.DATA_LOSS, "the tape ended")
    assert dict(error.trailing_metadata())["grpc-status-details-bin"] == b"\x01details"

    assert failure(lambda: client.unknown(b"", timeout=20)).code() == grpc.StatusCode.UNIMPLEMENTED


def failure(call):
    """The error that a call ends with."""
    try:
        call()
    except grpc.RpcError as error:
        return error
    raise AssertionError("the call did not fail")
