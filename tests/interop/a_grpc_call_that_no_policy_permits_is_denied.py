"""A permit for one method of a gRPC service is not one for the next."""

import grpc
from support.grpcs import NAME
from support.grpcs import GrpcApp
from support.grpcs import GrpcClient
from support.sidecar import ORDERS
from support.sidecar import WEB
from support.sidecar import start_inbound
from support.sidecar import start_outbound


def test(case):
    app = GrpcApp(case)
    policy = (
        f'@id("unary-only")\npermit(principal == Workload::"{case.trust_domain.id(WEB)}", '
        f'action == Action::"POST", resource in Route::"{ORDERS}:/{NAME}/Unary");\n'
    )
    server = start_inbound(case, app.address, app_protocol="http2", policy=policy)
    client = GrpcClient(case, start_outbound(case, server.inbound).outbound[0])
    assert client.unary(b"yes", timeout=20) == b"yes"
    try:
        client.client_stream(iter([b"no"]), timeout=20)
        raise AssertionError("the call was answered")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.PERMISSION_DENIED, error
    assert len(app.metadata) == 1
    server.record(decision="deny", path=f"/{NAME}/ClientStream")
