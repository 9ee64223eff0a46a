"""SPIFFE's own Python library at an authority's socket: certificates, tokens, bundles, and what changes of them."""

import subprocess
import threading

from cryptography import x509
from spiffe import JwtSource
from spiffe import SpiffeId
from spiffe import TrustDomain
from spiffe import WorkloadApiClient
from spiffe import X509Source
from spiffe.workloadapi.errors import WorkloadApiError
from support.authority import DOMAIN
from support.authority import spiffe_id
from support.programs_names import PROGRAM
from support.programs_names import Names
from support.programs_names import digest
from support.programs_names import user
from support.wait import until


def test(case):
    names = Names(case)
    with WorkloadApiClient(names.endpoint) as client:
        # Refusals first, each beside what is let through below.
        names.enter("other", "unix:path:/usr/bin/other", user())
        assert "PERMISSION_DENIED" in refused(lambda: client.fetch_x509_svid(timeout=20))
        assert "PERMISSION_DENIED" in refused(lambda: client.fetch_jwt_bundles(timeout=20))
        shown = show(case, names.endpoint)
        assert shown.returncode == 1 and "no identity issued" in shown.stderr, shown
        names.enter("user", user(), ttl_s=4)
        names.enter("program", user(), f"unix:path:{PROGRAM}", digest())
        # Our own program at the socket is the user's, and no Python.
        shown = show(case, names.endpoint)
        assert shown.returncode == 0 and f"SPIFFE ID    {spiffe_id('user')}" in shown.stdout, shown
        assert f"bundle       {DOMAIN}: 1 roots" in shown.stdout, shown

        svids = client.fetch_x509_svids(timeout=20)
        assert [str(svid.spiffe_id) for svid in svids] == [spiffe_id("program"), spiffe_id("user")]
        root = x509.load_pem_x509_certificate(names.authority.bundle.read_bytes())
        bundle = client.fetch_x509_bundles(timeout=20).get_bundle_for_trust_domain(TrustDomain(DOMAIN))
        assert bundle.x509_authorities == {root}
        for svid in svids:
            svid.leaf.verify_directly_issued_by(root)

        tokens = client.fetch_jwt_svids(audience={"orders"}, timeout=20)
        assert [str(token.spiffe_id) for token in tokens] == [spiffe_id("program"), spiffe_id("user")]
        one = client.fetch_jwt_svid(audience={"orders", "billing"}, subject=SpiffeId(spiffe_id("user")), timeout=20)
        assert one.audience == {"orders", "billing"}
        valid = client.validate_jwt_svid(one.token, "billing", timeout=20)
        assert str(valid.spiffe_id) == spiffe_id("user")
        assert "INVALID_ARGUMENT" in refused(lambda: client.validate_jwt_svid(one.token, "others", timeout=20))
        another = SpiffeId(spiffe_id("other"))
        assert "PERMISSION_DENIED" in refused(
            lambda: client.fetch_jwt_svid(audience={"orders"}, subject=another, timeout=20)
        )

    told = threading.Event()
    with X509Source(socket_path=names.endpoint, timeout_in_seconds=20) as source:
        source.subscribe_for_updates(told.set)
        before = source.svid.leaf
        assert str(source.svid.spiffe_id) == spiffe_id("program")
        # The other of the two lives for four seconds: the whole state comes again, with what has not changed.
        until(told.is_set, "the next certificate", 20)
        assert source.svid.leaf == before
        names.delete("program")
        until(lambda: str(source.svid.spiffe_id) == spiffe_id("user"), "what is left", 20)
    with JwtSource(socket_path=names.endpoint, timeout_in_seconds=20) as source:
        old = keys(source)
        for step in ("prepare", "activate", "taint"):
            names.authority.order("authority", "rotate", step)
        until(lambda: len(keys(source)) == 2 and old < keys(source), "the next key", 20)
        minted = source.fetch_svid(audience={"orders"})
        assert str(minted.spiffe_id) == spiffe_id("user")
        names.authority.order("authority", "rotate", "revoke")
        until(lambda: len(keys(source)) == 1 and old.isdisjoint(keys(source)), "the old key to go", 20)

    names.authority.order("revocation", "add", "--id", spiffe_id("user"))
    with WorkloadApiClient(names.endpoint) as client:
        assert "PERMISSION_DENIED" in refused(lambda: client.fetch_x509_svid(timeout=20))
    until(lambda: reasons(names) == {"no_entry", "revoked", None}, "the records of all of it")


def reasons(names):
    """Why programs were nobody; None for those that were somebody."""
    records = names.authority.records()
    return {record.get("reason") for record in records if record["event"] == "workload_attest"}


def keys(source):
    """The names of the keys that tokens are checked with."""
    return set(source.get_bundle_for_trust_domain(TrustDomain(DOMAIN)).jwt_authorities)


def show(case, endpoint):
    """What `svid show` says of a socket."""
    command = [str(case.binary), "svid", "show", endpoint]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def refused(call):
    """What a call that must fail says."""
    try:
        answer = call()
    except WorkloadApiError as error:
        return str(error)
    raise AssertionError(f"it was answered: {answer}")
