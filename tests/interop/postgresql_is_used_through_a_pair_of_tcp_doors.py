"""psql and pgbench through two sidecars: large answers, notifications, cancelled statements, an end for whoever loses leave."""

import subprocess

from support.postgresql import Postgresql
from support.sidecar import WEB
from support.sidecar import permit
from support.sidecar import start
from support.wait import until

DB = "db"


def test(case):
    database = Postgresql(case)
    app = database.url.rsplit("@", 1)[1].split("/")[0]
    web = case.trust_domain.id(WEB)
    policy = permit(web, DB, '== Action::"connect"')
    inbound = {"listen": case.address(), "service": DB, "app": app}
    server = start(case, "server", case.trust_domain.svid(DB), {"tcp": {"inbound": [inbound]}}, policy)
    outbound = {
        "listen": case.address(), "to": inbound["listen"], "expect": case.trust_domain.id(DB), "service": DB,
    }
    client = start(case, "client", case.trust_domain.svid(WEB), {"tcp": {"outbound": [outbound]}}, policy)
    host, port = outbound["listen"].rsplit(":", 1)
    url = f"postgres://portreeve@{host}:{port}/postgres"

    def psql(*statements):
        commands = [word for statement in statements for word in ("-c", statement)]
        return run(database, "psql", "-X", "-q", "-A", "-t", *commands, url)

    assert psql("select 6 * 7").stdout == "42\n"
    assert len(psql("select repeat('x', 20000000)").stdout) == 20_000_001
    told = psql("listen news", "notify news, 'hello'").stdout
    assert 'Asynchronous notification "news" with payload "hello"' in told, told
    timed_out = psql("set statement_timeout = 100", "select pg_sleep(60)")
    assert "canceling statement" in timed_out.stderr, timed_out
    for door, sidecar in (("inbound", server), ("outbound", client)):
        record = sidecar.record(door=door, service=DB, protocol="TCP", decision="permit")
        assert (record["caller"], "status" in record) == (web, False), record
        until(lambda: any(record["bytes_out"] > 20_000_000 for record in sidecar.records()), "the large answer's record")

    init = run(database, "pgbench", "-i", "-q", "-s", "1", url)
    assert init.returncode == 0, init.stderr
    load = run(database, "pgbench", "-n", "-c", "8", "-j", "2", "-t", "50", "-C", url)
    assert "number of transactions actually processed: 400/400" in load.stdout, load.stdout + load.stderr
    assert "number of failed transactions: 0" in load.stdout, load.stdout

    # Who is not let in is reset, and the database never hears of it.
    client.rewrite_policy(permit(web, DB))
    reloaded(client)
    refused = psql("select 1")
    assert refused.returncode == 2 and "select" not in refused.stdout, refused
    client.record(door="outbound", decision="deny", reason="no_permit", service=DB)


def reloaded(sidecar):
    """Waits until the rewritten policy is in force."""
    text = 'portreeve_policy_loads_total{outcome="loaded"} 2'
    until(lambda: text in sidecar.ask_admin("/metrics")[1], "the policy to be loaded", 20)


def run(database, program, *words):
    """One of PostgreSQL's programs, to its end."""
    command = [database.binary(program), *words]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=90)
