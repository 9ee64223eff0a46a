"""Python's own HTTPS and cryptography, and SPIFFE's library, read the bundle endpoint, before and after a new key."""

import base64
import json
import ssl
import urllib.request

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization import PublicFormat
from cryptography.hazmat.primitives.serialization import load_der_public_key
from jwt import PyJWK
from spiffe import JwtBundle
from spiffe import TrustDomain
from support.authority import DOMAIN
from support.authority import Authority
from support.wait import until


def test(case):
    address = case.address()
    authority = Authority(case, federation={"listen": address, "profile": "https_spiffe"}).start()
    before = read(address, authority)
    assert len(before["x509-svid"]) == len(before["jwt-svid"]) == 1
    assert before["refresh"] == 300
    authority.order("authority", "rotate", "prepare")
    until(lambda: len(read(address, authority)["x509-svid"]) == 2, "the next root")
    after = read(address, authority)
    assert after["sequence"] > before["sequence"]
    assert set(before["x509-svid"]) < set(after["x509-svid"])
    assert len(after["jwt-svid"]) == 2


def read(address, authority):
    """What is served, checked key by key."""
    roots = authority.bundle.read_text()
    # The server shows an SVID: a root of the trust domain vouches for it, and it names no host.
    context = ssl.create_default_context(cadata=roots)
    context.check_hostname = False
    with urllib.request.urlopen(f"https://{address}/", context=context, timeout=10) as answer:
        assert answer.status == 200
        assert answer.headers["content-type"] == "application/json"
        document = json.load(answer)
    known = {root.public_bytes(Encoding.DER) for root in x509.load_pem_x509_certificates(roots.encode())}
    found = {"x509-svid": [], "jwt-svid": []}
    for key in document["keys"]:
        shown = PyJWK({**key, "alg": "ES256"}).key
        if key["use"] == "x509-svid":
            assert "kid" not in key
            (certificate,) = key["x5c"]
            root = x509.load_der_x509_certificate(base64.b64decode(certificate))
            assert public(root.public_key()) == public(shown)
            found["x509-svid"].append(root.public_bytes(Encoding.DER))
        else:
            found[key["use"]].append(key["kid"])
    # The file and the endpoint may be told of a change a moment apart.
    assert known & set(found["x509-svid"])
    # The library wants what the Workload API tells: the keys for tokens alone.
    tokens = [key for key in document["keys"] if key["use"] == "jwt-svid"]
    bundle = JwtBundle.parse(TrustDomain(DOMAIN), json.dumps({"keys": tokens}).encode())
    assert set(bundle.jwt_authorities) == set(found["jwt-svid"])
    for name, key in bundle.jwt_authorities.items():
        assert load_der_public_key(public(key)), name
    return {**found, "sequence": document["spiffe_sequence"], "refresh": document["spiffe_refresh_hint"]}


def public(key):
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
