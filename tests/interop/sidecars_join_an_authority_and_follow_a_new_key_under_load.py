"""Two join tokens, two sidecars; then the signing key is replaced, step by step, while callers ask without a pause."""

from support.app import App
from support.authority import Authority
from support.authority import JoinedPair
from support.authority import spiffe_id
from support.load import Load
from support.wait import until


def test(case):
    authority = Authority(case).start()
    app = App(case)
    pair = JoinedPair(case, app.address, [authority])
    load = Load(case, pair.entry, threads=4)
    until(lambda: load.answered > 50, "some load")

    def issued(name):
        return [
            record
            for record in authority.records()
            if record["event"] == "svid_issue" and record.get("spiffe_id") == spiffe_id(name)
        ]

    for step in ("prepare", "activate", "taint"):
        authority.order("authority", "rotate", step)
    for name in ("orders", "web"):
        until(lambda: len(issued(name)) == 2, f"{name} to renew", 20)
    # What they reached before the other had renewed, they reach anew: then nothing rests on the old key.
    count = []

    def made_anew():
        count.append(handshakes(pair.client))
        return "made anew" in pair.client.program.last_words()

    until(made_anew, "connections to be made anew", 20)
    # The last count may already have it; the one before was taken when nothing had been said yet.
    until(lambda: handshakes(pair.client) > count[-2], "a fresh tunnel", 20)
    answered = load.answered
    until(lambda: load.answered > answered + 200, "the old tunnel to be left")
    authority.order("authority", "rotate", "revoke")
    answered = load.answered
    until(lambda: load.answered > answered + 50, "more load")
    load.stop()
    assert load.failures == [], load.failures[:5]
    assert [record["proof"] for record in issued("web")] == ["join_token", "svid"], issued("web")
    assert authority.bundle.read_text().count("BEGIN CERTIFICATE") == 1


def handshakes(sidecar):
    """How many tunnels it has opened."""
    _, metrics = sidecar.ask_admin("/metrics")
    (line,) = [line for line in metrics.splitlines() if 'handshakes_total{door="outbound",result="ok"}' in line]
    return int(line.rsplit(" ", 1)[1])
