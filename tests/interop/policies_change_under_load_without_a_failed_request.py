"""The policy is replaced many times, and broken ones are put in its place, while callers ask without a pause."""

import re
import signal

from support.app import App
from support.load import Load
from support.sidecar import ORDERS
from support.sidecar import WEB
from support.sidecar import Pair
from support.sidecar import permit
from support.wait import until


def test(case):
    app = App(case)
    pair = Pair(case, app.address)
    load = Load(case, pair.entry, threads=4)
    until(lambda: load.answered > 50, "some load")
    web = case.trust_domain.id(WEB)

    def loads(outcome):
        found = re.search(rf'policy_loads_total{{outcome="{outcome}"}} (\d+)', pair.server.ask_admin("/metrics")[1])
        return int(found[1]) if found else 0

    def put(text):
        # In one step: half a file may be a whole set.
        (pair.server.policy / "next").write_text(text)
        (pair.server.policy / "next").rename(pair.server.policy / "policy.cedar")
        pair.server.program.signal(signal.SIGHUP)

    for number in range(100):
        put(permit(web, ORDERS, name=f"web-may-call-{number}"))
        until(lambda: loads("loaded") > number + 1, "the policy to be loaded")
    for number in range(20):
        put(f"{permit(web, ORDERS)}permit(principal, action == {number}")
        until(lambda: loads("refused") > number, "the policy to be refused")
    answered = load.answered
    until(lambda: load.answered > answered + 50, "more load")
    load.stop()
    assert load.failures == [], load.failures[:5]
    assert pair.server.records()[-1]["policies"] == ["web-may-call-99"]
