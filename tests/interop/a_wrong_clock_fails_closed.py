"""An authority whose clock is a day or a year off: nobody is believed who should not be, and what is said names the reason."""

from support.app import App
from support.authority import Authority
from support.authority import joined
from support.authority import spiffe_id
from support.sidecar import rewrite_config
from support.wait import until


def test(case):
    authority = Authority(case, root_ttl_s=30 * 86400).start()
    app = App(case)
    permit = '@id("any")\npermit(principal, action, resource);\n'
    doors = {"inbound": {"listen": case.address(), "service": "orders", "app": app.address}}
    # The twin: with the right time it works.
    sidecar = joined(
        case, "orders", doors, permit, [authority], join_token_file=str(authority.token("orders"))
    )
    sidecar.program.stop()
    authority.program.stop()

    for number, (offset, reason) in enumerate(
        [
            # Before its root begins and after it ends, an authority does not even start.
            ("-24h", "not in force"),
            ("+400d", "not in force"),
            ("-400d", "not in force"),
            # What one that is ahead signs has not begun for whoever knows the time.
            ("+24h", "not valid yet"),
        ]
    ):
        wrong = Authority(case, f"authority{number}", command=["faketime", "-f", offset], root_ttl_s=30 * 86400)
        # It has the state of the one that knew the time.
        for file in ("authority.db", "sealing.key", "ca.pem"):
            (wrong.directory / file).write_bytes((authority.directory / file).read_bytes())
        program = case.start(wrong.name, wrong._command)

        def ended_or_listens():
            return not program.running() or wrong.socket.exists()

        until(ended_or_listens, f"{offset} to start or to end", 20)
        if program.running():
            done = wrong.order("token", "create", "--id", spiffe_id("orders"), "--ttl-s", "864000")
            token = case.write(f"token{number}", done.stdout)
            attempt = case.directory / f"attempt{number}"
            attempt.mkdir()
            config = dict(sidecar.config, identity={"authority": {
                "url": f"https://{wrong.address}", "bundle": str(authority.bundle), "join_token_file": str(token),
            }}, audit={"file": str(attempt / "decisions.jsonl")})
            path = rewrite_config(attempt / "portreeve.yaml", config)
            run = case.start(f"attempt{number}-run", [case.binary, "run", "--config", path])
            assert run.ended() == 1, offset
            said = run.last_words()
        else:
            assert program.ended() == 1, offset
            said = program.last_words()
        assert reason in said, (offset, said)
        assert "panicked" not in said, said
        program.stop()
    assert not [record for record in sidecar.records() if record.get("decision") == "permit"]
