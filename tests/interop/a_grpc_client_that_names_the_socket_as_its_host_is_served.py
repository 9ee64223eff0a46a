"""gRPC's own library over `unix:`, whose `:authority` is a path. All calls on one connection; then it is told to go."""

import signal

import grpc
from support.wait import until
from support.workload_api import WorkloadApi

MEANT = (("workload.spiffe.io", "true"),)


def test(case):
    api = WorkloadApi(case)
    with grpc.insecure_channel(f"unix:{api.socket}") as channel:
        svids = channel.unary_stream("/SpiffeWorkloadAPI/FetchX509SVID")
        bundles = channel.unary_stream("/SpiffeWorkloadAPI/FetchX509Bundles")
        mint = channel.unary_unary("/SpiffeWorkloadAPI/FetchJWTSVID")
        unknown = channel.unary_unary("/SpiffeWorkloadAPI/FetchWITSVID")
        # Again and again, so that the client's table of header fields is used.
        for _ in range(20):
            call = svids(b"", metadata=MEANT, timeout=20)
            assert api.svid.id.encode() in next(call)
            call.cancel()
        assert b"spiffe://example.org" in next(bundles(b"", metadata=MEANT, timeout=20))
        assert refusal(lambda: next(svids(b"", timeout=20))) == grpc.StatusCode.INVALID_ARGUMENT
        untrue = (("workload.spiffe.io", "True"),)
        assert refusal(lambda: next(svids(b"", metadata=untrue, timeout=20))) == grpc.StatusCode.INVALID_ARGUMENT
        long = (*MEANT, ("x-long", "a" * 7000))
        assert refusal(lambda: mint(b"\x0a\x06orders", metadata=long, timeout=20)) == grpc.StatusCode.UNAVAILABLE
        assert refusal(lambda: mint(b"", metadata=MEANT, timeout=20)) == grpc.StatusCode.INVALID_ARGUMENT
        assert refusal(lambda: unknown(b"", metadata=MEANT, timeout=20)) == grpc.StatusCode.UNIMPLEMENTED

        stream = svids(b"", metadata=MEANT, timeout=60)
        first = next(stream)
        api.renew(case)
        assert next(stream) != first
        api.sidecar.program.signal(signal.SIGTERM)
        assert refusal(lambda: next(stream)) == grpc.StatusCode.UNAVAILABLE
    until(lambda: not api.socket.exists(), "the socket to go")


def refusal(call):
    """The code of a call that must fail."""
    try:
        answer = call()
    except grpc.RpcError as error:
        return error.code()
    raise AssertionError(f"the call was answered: {answer}")
