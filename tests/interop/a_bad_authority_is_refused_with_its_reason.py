"""What an operator gets wrong about an authority is said at once, by name, and nothing is made or changed by it."""

import json
import subprocess

from support.authority import Authority
from support.sidecar import rewrite_config
from support.wait import until


def test(case):
    authority = Authority(case, "good").start()

    def run(*words):
        done = subprocess.run(
            [str(word) for word in (case.binary, *words)], capture_output=True, text=True, timeout=60, cwd=case.directory
        )
        said = done.stdout + done.stderr
        assert "panicked" not in said, said
        return done.returncode, said

    def spoilt(name, **changes):
        directory = case.directory / name
        directory.mkdir()
        config = {**authority.config, "listen": case.address(), "socket": "x.sock", **changes}
        return rewrite_config(directory / "authority.yaml", {k: v for k, v in config.items() if v is not None})

    def refused(name, *places, **changes):
        path = spoilt(name, **changes)
        for words in (("authority", "check"), ("authority",)):
            code, said = run(*words, "--config", path)
            assert code == 1, (name, words, said)
            for place in places:
                assert place in said, (name, words, place, said)

    code, said = run("authority", "check", "--config", authority.path)
    assert (code, said) == (0, "ok\n"), said

    refused("domain", "trust_domain: `Example.org`", trust_domain="Example.org")
    refused("store", "store: must have exactly one", store={})
    refused("unknown", "colour", colour="blue")
    refused("jwks", "no.json", proofs={"kubernetes": [{"name": "a", "issuer": "i", "jwks_file": "no.json"}]})
    refused("roots", "no.pem", proofs={"x509": [{"name": "a", "roots": "no.pem"}]})
    entries = case.write("written/a.yaml", json.dumps({"entries": [
        {"name": "a", "selectors": ["k8s:sb:x"], "spiffe_id": "spiffe://elsewhere.example/a"},
        {"name": "b", "selectors": [], "spiffe_id": "spiffe://authority.example/portreeve/b"},
    ]}))
    refused(
        "entries", "a.yaml: entries[0].spiffe_id", "a.yaml: entries[0].selectors[0]", "entries[1].selectors",
        "entries[1].spiffe_id", entries=str(entries.parent),
    )
    key = case.write("short.key", "00ff\n")
    refused("sealing", "short.key", sealing_key_file=str(key))

    # The port, the socket and the file of one that runs.
    taken = spoilt("port", listen=authority.address, store={"sqlite": "own.db"}, sealing_key_file="own.key")
    code, said = run("authority", "--config", taken)
    assert code == 1 and authority.address in said, said
    taken = spoilt("socket", socket=str(authority.socket), store={"sqlite": "own.db"}, sealing_key_file="own.key")
    code, said = run("authority", "--config", taken)
    assert code == 1 and str(authority.socket) in said and "another process listens" in said, said
    taken = spoilt("file", store={"sqlite": str(authority.directory / "authority.db")})
    code, said = run("authority", "--config", taken)
    assert code == 1 and "several need PostgreSQL" in said, said

    # The wrong sealing key for a store that has keys.
    authority.program.stop()
    other = case.write("other.key", "0" * 64 + "\n")
    wrong = spoilt(
        "wrong", store={"sqlite": str(authority.directory / "authority.db")}, sealing_key_file=str(other)
    )
    code, said = run("authority", "--config", wrong)
    assert code == 1 and "sealing key" in said, said

    # None of it has hurt the one that was good.
    authority.start()
    until(lambda: "active" in authority.order("authority", "keys").stdout, "its key")
    code, said = run("token", "create", "--id", "spiffe://authority.example/a", "--socket", case.directory / "no.sock")
    assert code == 1 and "no.sock" in said, said
