"""`https_web` with a certificate of openssl's: curl believes it by its roots, an authority by the system's, and no other."""

import json
import subprocess

from support.authority import Authority
from support.certificates import TrustDomain
from support.wait import until

OTHER = "other.example"


def test(case):
    web = TrustDomain(case.directory / "web", "web.example")
    server = web.svid("server", names=f"IP:{case.host}", subject="/CN=server")
    address = case.address()
    served = {
        "listen": address,
        "profile": "https_web",
        "certificate": str(server.certificate),
        "key": str(server.key),
    }
    Authority(case, "third", trust_domain=OTHER, federation=served).start()
    for version in ("--tlsv1.3", "--tls-max=1.2"):
        flags = version.split("=")
        command = ["curl", "-sS", "--fail", "--max-time", "20", *flags, "--cacert", web.bundle, f"https://{address}/"]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        assert [key["use"] for key in json.loads(done.stdout)["keys"]] == ["x509-svid", "jwt-svid"]

    relation = {"trust_domain": OTHER, "url": f"https://{address}/", "profile": "https_web"}
    other = TrustDomain(case.directory / "others", "web.example")
    outcomes = {}
    for name, roots in (("believing", web.bundle), ("doubting", other.bundle)):
        system = ("env", f"SSL_CERT_FILE={roots}")
        authority = Authority(case, name, federation={"with": [relation]}, command=system).start()
        until(lambda: fetched(authority), "an outcome")
        outcomes[name] = fetched(authority)[0]
    assert outcomes["believing"] == ("bundle_fetched", "permit", None), outcomes
    assert outcomes["doubting"] == ("bundle_refused", "deny", "not_believed"), outcomes


def fetched(authority):
    """What became of bundles."""
    records = [record for record in authority.records() if record["event"].startswith("bundle_")]
    return [(record["event"], record["decision"], record.get("reason")) for record in records]
