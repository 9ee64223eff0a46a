"""gRPC with Google's own library, without generated code: messages are bytes, methods are names."""

import concurrent.futures
import threading

import grpc

NAME = "portreeve.test.Echo"


class GrpcApp:
    """An app over h2c. It remembers the metadata of each call, and which calls the caller gave up."""

    def __init__(self, case):
        self.metadata = []
        self.cancelled = threading.Event()
        self.waiting = threading.Event()
        handlers = {
            "Unary": grpc.unary_unary_rpc_method_handler(self._unary),
            "ServerStream": grpc.unary_stream_rpc_method_handler(self._server_stream),
            "ClientStream": grpc.stream_unary_rpc_method_handler(self._client_stream),
            "Bidirectional": grpc.stream_stream_rpc_method_handler(self._bidirectional),
            "Fail": grpc.unary_unary_rpc_method_handler(self._fail),
            "FailLate": grpc.unary_stream_rpc_method_handler(self._fail_late),
            "Wait": grpc.unary_unary_rpc_method_handler(self._wait),
        }
        server = grpc.server(concurrent.futures.ThreadPoolExecutor(8))
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(NAME, handlers)])
        self.address = f"{case.host}:{server.add_insecure_port(f'{case.host}:0')}"
        server.start()
        case.at_the_end(lambda: server.stop(None).wait(5))

    def _remember(self, context):
        self.metadata.append(dict(context.invocation_metadata()))

    def _unary(self, request, context):
        self._remember(context)
        context.set_trailing_metadata([("seen", str(len(request)))])
        return request

    def _server_stream(self, request, context):
        self._remember(context)
        for number in range(int(request)):
            yield str(number).encode()

    def _client_stream(self, requests, context):
        self._remember(context)
        return b",".join(requests)

    def _bidirectional(self, requests, context):
        self._remember(context)
        for request in requests:
            yield request.upper()

    def _fail(self, request, context):
        context.set_trailing_metadata([("grpc-status-details-bin", b"\x00details")])
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not today: 100 % sure")

    def _fail_late(self, request, context):
        yield b"first"
        context.set_trailing_metadata([("grpc-status-details-bin", b"\x01details")])
        context.abort(grpc.StatusCode.DATA_LOSS, "the tape ended")

    def _wait(self, request, context):
        # The callback comes when the call is over, however it ends; nobody answers this one.
        over = threading.Event()
        context.add_callback(over.set)
        self.waiting.set()
        if over.wait(30):
            self.cancelled.set()
        return b""


class GrpcClient:
    """A caller that knows only the address it was given."""

    def __init__(self, case, address):
        # A pool of its own: channels to one address share connections otherwise.
        self.channel = grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
        case.at_the_end(self.channel.close)
        self.unary = self.channel.unary_unary(f"/{NAME}/Unary")
        self.server_stream = self.channel.unary_stream(f"/{NAME}/ServerStream")
        self.client_stream = self.channel.stream_unary(f"/{NAME}/ClientStream")
        self.bidirectional = self.channel.stream_stream(f"/{NAME}/Bidirectional")
        self.fail = self.channel.unary_unary(f"/{NAME}/Fail")
        self.fail_late = self.channel.unary_stream(f"/{NAME}/FailLate")
        self.wait = self.channel.unary_unary(f"/{NAME}/Wait")
        self.unknown = self.channel.unary_unary(f"/{NAME}/Nonsense")
