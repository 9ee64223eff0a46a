"""The identity's files: one that is missing, one that does not belong, one that is empty. Each is named."""

from support.starts import good
from support.starts import refused


def test(case):
    for name, spoil in {
        "missing": lambda svid: svid.key.unlink(),
        "another": lambda svid: svid.key.write_bytes(case.trust_domain.svid("another").key.read_bytes()),
        "empty": lambda svid: svid.key.write_text(""),
    }.items():
        path, _, svid = good(case, f"{name}-key")
        spoil(svid)
        said = refused(case, f"{name}-key", path, svid.key)
        assert "PRIVATE KEY" not in said, said

    path, _, svid = good(case, "no-certificate")
    svid.certificate.unlink()
    refused(case, "no-certificate", path, svid.certificate)
