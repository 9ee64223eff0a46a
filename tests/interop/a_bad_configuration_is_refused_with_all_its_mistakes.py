"""Unknown keys, bad addresses, two identities, text that is no YAML: exit 1, each mistake by its path."""

from support.starts import good
from support.starts import refused
from support.starts import save


def test(case):
    path, config, _ = good(case, "unknown-key")
    config["inbound"]["lisen"] = config["inbound"].pop("listen")
    save(path, config)
    refused(case, "unknown-key", path, "lisen")

    path, config, _ = good(case, "two-mistakes")
    config["inbound"]["listen"] = "nowhere"
    config["trust_domain"] = "Not A Domain"
    save(path, config)
    refused(case, "two-mistakes", path, "inbound.listen", "trust_domain")

    path, config, _ = good(case, "two-identities")
    config["identity"]["embedded"] = {"dir": "ca", "id": "spiffe://example.org/ns/default/sa/orders"}
    save(path, config)
    refused(case, "two-identities", path, "identity")

    path, config, _ = good(case, "no-audit")
    del config["audit"]
    save(path, config)
    refused(case, "no-audit", path, "audit")

    path, _, _ = good(case, "no-yaml")
    path.write_text("inbound: [unclosed\n")
    refused(case, "no-yaml", path, path.name)

    missing = path.with_name("missing.yaml")
    refused(case, "missing", missing, missing)
