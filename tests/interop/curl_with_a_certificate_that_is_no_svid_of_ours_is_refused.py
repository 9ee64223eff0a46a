"""Expired, from a stranger's root under our name, with two names, with a DNS name only: each beside the good one."""

import time

from support.app import App
from support.certificates import TrustDomain
from support.curl import REFUSED
from support.curl import curl
from support.sidecar import WEB
from support.sidecar import start_inbound
from support.wait import until


def test(case):
    app = App(case)
    sidecar = start_inbound(case, app.address)
    ours, strangers = case.trust_domain, TrustDomain(case.directory / "stranger")
    short = ours.svid(WEB, file="short", seconds=1)
    born = time.time()
    until(lambda: time.time() > born + 2, "the short SVID to expire")
    bad = {
        "expired": short,
        "another root": strangers.svid(WEB),
        "two IDs": ours.svid(WEB, file="two", names=f"URI:{ours.id(WEB)}, URI:{ours.id('admin')}"),
        "DNS only": ours.svid(WEB, file="dns", names="DNS:web.example.org"),
        "upper case": ours.svid(WEB, file="upper", names="URI:spiffe://EXAMPLE.org/ns/default/sa/web"),
    }
    for what, svid in bad.items():
        answer = curl(f"https://{sidecar.inbound}/", svid=svid)
        assert answer.exit in REFUSED and answer.status == 0, (what, answer)
    assert app.requests == []
    until(lambda: [one["decision"] for one in sidecar.records()].count("refused") >= len(bad), "a record of each refusal")
    assert curl(f"https://{sidecar.inbound}/", svid=ours.svid(WEB)).status == 200
