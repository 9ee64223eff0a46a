"""Either names whoever comes; both publish the same roots; kill -9 of one costs no request and no renewal."""

import signal

from support.app import App
from support.authority import Authority
from support.authority import JoinedPair
from support.authority import spiffe_id
from support.load import Load
from support.postgresql import Postgresql
from support.wait import until

SVID_SECONDS = 4


def test(case):
    database = Postgresql(case)
    url = case.write("database.url", database.url)
    key = case.directory / "sealing.key"
    both = [
        Authority(
            case, name, store={"postgres_url_file": str(url)}, sealing_key=key, svid_ttl_s=SVID_SECONDS,
            issues_per_second=1000,
        ).start()
        for name in ("one", "other")
    ]
    one, other = both
    assert one.bundle.read_text() == other.bundle.read_text()
    app = App(case)
    pair = JoinedPair(case, app.address, both)
    load = Load(case, pair.entry, threads=4)
    until(lambda: load.answered > 50, "some load")
    one.program.signal(signal.SIGKILL)

    def renewed(name):
        return [
            record
            for record in other.records()
            if record["event"] == "svid_issue" and record.get("spiffe_id") == spiffe_id(name)
        ]

    for name in ("orders", "web"):
        until(lambda: len(renewed(name)) > 2, f"{name} to be renewed by the other", 30)
    load.stop()
    assert load.failures == [], load.failures[:5]
    one.start()
    one.order("entry", "create", "later", "--selector", "k8s:sa:later", "--id", spiffe_id("later"))
    until(lambda: "later" in other.order("entry", "list").stdout, "the other to learn of the entry")
