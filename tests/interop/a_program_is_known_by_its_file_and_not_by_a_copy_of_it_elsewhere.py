"""Sidecars that get their names at the authority's socket: one from the named path, one from a copy, one from nowhere."""

import shutil

from support.authority import DOMAIN
from support.authority import spiffe_id
from support.programs_names import Names
from support.programs_names import digest
from support.programs_names import user
from support.sidecar import Sidecar
from support.sidecar import rewrite_config
from support.wait import until


def test(case):
    names = Names(case)
    named, copy = case.directory / "named", case.directory / "copy"
    for path in (named, copy):
        shutil.copy(case.binary, path)
    names.enter("named", user(), f"unix:path:{named}")
    web, _ = start(case, names, "named", named)
    assert spiffe_id("named") in web.ready().ask_admin("/status")[1]
    _, stranger = start(case, names, "stranger", copy)
    until(lambda: refusals(names), "a refusal", 20)
    assert "no identity issued" in stranger.last_words() or stranger.running()

    # What is in the file is the same wherever it is, also where it is no more.
    names.enter("known", user(), digest(named))
    known, program = start(case, names, "known", copy)
    assert spiffe_id("known") in known.ready().ask_admin("/status")[1]
    copy.unlink()
    names.enter("copied", user(), f"unix:path:{copy} (deleted)")
    names.enter("later", user(), f"unix:path:{copy}")
    # It is told of nothing that its path was worth: it has to call again, and has none.
    until(lambda: named_by(names, program.pid)[-1].get("spiffe_id") == spiffe_id("known"), "the next call", 20)
    until(lambda: "unix:path" not in named_by(names, program.pid)[-1]["selectors"], "a call without a path", 20)
    told = [record.get("spiffe_id", "") for record in named_by(names, program.pid)]
    assert set(told) == {spiffe_id("known")}, told


def named_by(names, pid):
    """What was found out of a process, each time that it called."""
    records = [record for record in names.authority.records() if record["event"] == "workload_attest"]
    return [record for record in records if record["source"].endswith(f" pid:{pid}")]


def refusals(names):
    """Callers that were nobody."""
    return [record for record in names.authority.records() if record.get("reason") == "no_entry"]


def start(case, names, name, binary):
    """A sidecar whose program is `binary`, and whose identity is from the authority's socket."""
    directory = case.directory / f"of-{name}"
    (directory / "policy").mkdir(parents=True)
    door = {"listen": case.address(), "to": case.address(), "expect": spiffe_id("orders"), "service": "orders"}
    config = {
        "trust_domain": DOMAIN,
        "identity": {"workload_api": names.endpoint},
        "workers": 1,
        "outbound": [door],
        "policy": {"dir": str(directory / "policy")},
        "audit": {"file": str(directory / "decisions.jsonl")},
        "admin": {"listen": case.address()},
    }
    path = rewrite_config(directory / "portreeve.yaml", config)
    program = case.start(name, [binary, "run", "--config", path])
    return Sidecar(program, config, directory / "decisions.jsonl", directory / "policy"), program
