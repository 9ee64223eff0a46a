"""Unary, server streaming, client streaming and bidirectional, the last with each answer before the next question."""

import queue

import grpc
from support.grpcs import GrpcApp
from support.grpcs import GrpcClient
from support.sidecar import Pair
from support.sidecar import WEB


def test(case):
    app = GrpcApp(case)
    pair = Pair(case, app.address, app_protocol="http2")
    client = GrpcClient(case, pair.entry)

    answer, call = client.unary.with_call(b"x" * 100_000, timeout=20, metadata=[("k", "v"), ("b-bin", b"\x00\xff")])
    assert answer == b"x" * 100_000
    # Of trailers, only those that tell how a call ended are let through.
    assert (call.code(), dict(call.trailing_metadata())) == (grpc.StatusCode.OK, {}), call.trailing_metadata()
    assert (app.metadata[-1]["k"], app.metadata[-1]["b-bin"]) == ("v", b"\x00\xff")
    assert client.unary(b"", timeout=20) == b""

    assert list(client.server_stream(b"500", timeout=20)) == [str(number).encode() for number in range(500)]
    assert list(client.server_stream(b"0", timeout=20)) == []
    assert client.client_stream(iter([b"a", b"b", b"c"]), timeout=20) == b"a,b,c"

    questions = queue.Queue()
    answers = client.bidirectional(iter(questions.get, None), timeout=20)
    for word in (b"one", b"two", b"three"):
        questions.put(word)
        assert next(answers) == word.upper()
    questions.put(None)
    assert list(answers) == []

    assert {one["x-portreeve-caller"] for one in app.metadata} == {case.trust_domain.id(WEB)}
    pair.server.record(door="inbound", method="POST", path="/portreeve.test.Echo/Bidirectional", status=200)
