"""A policy that is mended lets the caller in; a broken one changes nothing and is told about."""

import signal

from support.app import App
from support.curl import curl
from support.sidecar import ORDERS
from support.sidecar import WEB
from support.sidecar import permit
from support.sidecar import start_inbound
from support.wait import until


def test(case):
    app = App(case)
    svid = case.trust_domain.svid(WEB)
    nobody = permit(case.trust_domain.id("nobody"), ORDERS, name="nobody")
    sidecar = start_inbound(case, app.address, policy=nobody)

    def status():
        return curl(f"https://{sidecar.inbound}/", svid=svid).status

    assert status() == 403
    sidecar.rewrite_policy(permit(svid.id, ORDERS, name="after-the-reload"))
    sidecar.program.signal(signal.SIGHUP)
    until(lambda: status() == 200, "the new policy to be in force")
    assert sidecar.record(decision="permit")["policies"] == ["after-the-reload"]

    said = len(sidecar.program.last_words())
    sidecar.rewrite_policy('@id("broken")\npermit(principal, action, resource in Srevice::"orders");\n')
    sidecar.program.signal(signal.SIGHUP)
    until(lambda: "policy.cedar" in sidecar.program.last_words()[said:], "the broken policy to be told about")
    assert status() == 200
    sidecar.program.check()
