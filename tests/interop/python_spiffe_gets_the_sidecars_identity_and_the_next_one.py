"""SPIFFE's own Python library, which names the socket as its host: one call of each kind, and a source that follows."""

import threading

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization import PublicFormat
from spiffe import WorkloadApiClient
from spiffe import X509Source
from spiffe.workloadapi.errors import WorkloadApiError
from support.wait import until
from support.workload_api import WorkloadApi


def test(case):
    api = WorkloadApi(case)
    with WorkloadApiClient(api.endpoint) as client:
        svid = client.fetch_x509_svid(timeout=20)
        assert str(svid.spiffe_id) == api.svid.id
        assert svid.leaf == x509.load_pem_x509_certificate(api.svid.certificate.read_bytes())
        assert public(svid.private_key.public_key()) == public(svid.leaf.public_key())
        root = x509.load_pem_x509_certificate(case.trust_domain.bundle.read_bytes())
        bundles = client.fetch_x509_bundles(timeout=20)
        assert bundles.get_bundle_for_trust_domain(svid.spiffe_id.trust_domain).x509_authorities == {root}
        try:
            client.fetch_jwt_svid(audience={"orders"}, timeout=20)
            raise AssertionError("a token without an authority")
        except WorkloadApiError as error:
            assert "UNAVAILABLE" in str(error), error

    told = threading.Event()
    with X509Source(socket_path=api.endpoint, timeout_in_seconds=20) as source:
        assert source.svid.leaf == svid.leaf
        source.subscribe_for_updates(told.set)
        api.renew(case)
        until(lambda: source.svid.leaf != svid.leaf, "the next certificate", 20)
        assert told.wait(5)
        assert str(source.svid.spiffe_id) == api.svid.id


def public(key):
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
