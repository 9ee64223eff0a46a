"""SPIFFE's own Python library beside a sidecar: the tokens are the authority's, and outlast its absence for a while."""

import shutil
import signal
import tempfile
from pathlib import Path

from spiffe import SpiffeId
from spiffe import TrustDomain
from spiffe import WorkloadApiClient
from spiffe.workloadapi.errors import WorkloadApiError
from support.authority import DOMAIN
from support.authority import Authority
from support.authority import joined
from support.authority import spiffe_id
from support.wait import until


def test(case):
    authority = Authority(case).start()
    place = tempfile.mkdtemp(prefix="api-")
    case.at_the_end(shutil.rmtree, place, True)
    socket = Path(place) / "api.sock"
    door = {"listen": case.address(), "to": case.address(), "expect": spiffe_id("orders"), "service": "orders"}
    doors = {"outbound": [door], "workload_api": {"socket": str(socket)}}
    policy = '@id("none") forbid (principal, action, resource);'
    web = joined(case, "web", doors, policy, [authority], join_token_file=str(authority.token("web")))

    with WorkloadApiClient(f"unix://{socket}") as client:
        first = client.fetch_jwt_svid(audience={"orders"}, timeout=20)
        assert str(first.spiffe_id) == spiffe_id("web")
        assert client.fetch_jwt_svid(audience={"orders"}, timeout=20).token == first.token
        valid = client.validate_jwt_svid(first.token, "orders", timeout=20)
        assert str(valid.spiffe_id) == spiffe_id("web")
        assert "INVALID_ARGUMENT" in refused(lambda: client.validate_jwt_svid(first.token, "billing", timeout=20))
        bundle = client.fetch_jwt_bundles(timeout=20).get_bundle_for_trust_domain(TrustDomain(DOMAIN))
        assert len(bundle.jwt_authorities) == 1
        another = SpiffeId(spiffe_id("orders"))
        assert "PERMISSION_DENIED" in refused(
            lambda: client.fetch_jwt_svid(audience={"orders"}, subject=another, timeout=20)
        )
        issued = [record for record in authority.records() if record["event"] == "jwt_svid_issue"]
        assert [(record["caller"], record["audience"]) for record in issued] == [(spiffe_id("web"), "orders")], issued
        assert not any(first.token in str(record) for record in authority.records())

        authority.program.signal(signal.SIGKILL)
        authority.program.ended()
        assert client.fetch_jwt_svid(audience={"orders"}, timeout=20).token == first.token
        assert "UNAVAILABLE" in refused(lambda: client.fetch_jwt_svid(audience={"billing"}, timeout=60))
        assert str(client.validate_jwt_svid(first.token, "orders", timeout=20).spiffe_id) == spiffe_id("web")

        authority.start()
        until(lambda: answered(client), "tokens again", 30)
        authority.order("revocation", "add", "--id", spiffe_id("web"))
        assert "PERMISSION_DENIED" in refused(lambda: client.fetch_jwt_svid(audience={"last"}, timeout=20))
    calls = [line for line in web.ask_admin("/metrics")[1].splitlines() if "workload_api_calls_total" in line]
    assert any('code="Unavailable",method="FetchJWTSVID"' in line for line in calls), calls


def answered(client):
    """Whether there is a token for an audience that had none before."""
    try:
        return client.fetch_jwt_svid(audience={"billing"}, timeout=20)
    except WorkloadApiError:
        return None


def refused(call):
    """What a call that must fail says."""
    try:
        answer = call()
    except WorkloadApiError as error:
        return str(error)
    raise AssertionError(f"it was answered: {answer}")
