"""Two authorities on one database federate with a third: each new root is fetched once, and a program hears of it."""

import shutil
import tempfile
from pathlib import Path

from spiffe import TrustDomain
from spiffe import WorkloadApiClient
from support.authority import Authority
from support.authority import joined
from support.postgresql import Postgresql
from support.wait import until

OTHER = "other.example"


def test(case):
    address = case.address()
    served = {"listen": address, "profile": "https_spiffe", "refresh_hint_s": 10}
    third = Authority(case, "third", trust_domain=OTHER, federation=served).start()
    first = case.write("other.pem", third.bundle.read_text())
    relation = {
        "trust_domain": OTHER,
        "url": f"https://{address}/",
        "profile": "https_spiffe",
        "spiffe_id": f"spiffe://{OTHER}/portreeve/authority",
        "bundle": str(first),
    }
    url = case.write("database.url", Postgresql(case).url)
    shared = {
        "store": {"postgres_url_file": str(url)},
        "sealing_key": case.directory / "sealing.key",
        "federation": {"with": [relation]},
    }
    one = Authority(case, "one", **shared).start()
    until(lambda: fetched(one), "the bundle to be fetched")
    another = Authority(case, "another", **shared).start()

    # This one's authority has never asked for it.
    place = Path(tempfile.mkdtemp(prefix="api-"))
    case.at_the_end(shutil.rmtree, place)
    door = {"listen": case.address(), "to": case.address(), "expect": f"spiffe://{OTHER}/orders", "service": "orders"}
    doors = {"outbound": [door], "workload_api": {"socket": str(place / "api.sock")}}
    joined(case, "web", doors, "", [another], join_token_file=str(one.token("web")))
    with WorkloadApiClient(f"unix://{place}/api.sock") as program:

        def roots():
            bundles = program.fetch_x509_bundles(timeout=20)
            bundle = bundles.get_bundle_for_trust_domain(TrustDomain(OTHER))
            return len(bundle.x509_authorities) if bundle else 0

        assert roots() == 1
        assert fetched(another) == []
        third.order("authority", "rotate", "prepare")
        until(lambda: roots() == 2, "the next root", 30)
    both = fetched(one) + fetched(another)
    assert [(record["roots"], record["trust_domain"]) for record in both] == [("1", OTHER), ("2", OTHER)], both
    assert int(both[0]["sequence"]) < int(both[1]["sequence"])


def fetched(authority):
    """What it has recorded of bundles."""
    return [record for record in authority.records() if record["event"].startswith("bundle_")]
