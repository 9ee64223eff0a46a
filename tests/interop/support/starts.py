"""Starts that must fail: with exit code 1 and a message for a person."""

import json

from support.sidecar import ORDERS
from support.sidecar import permit
from support.sidecar import write_config


def good(case, name):
    """A configuration that would run: the file, the settings in it, and the SVID."""
    svid = case.trust_domain.svid(ORDERS, file=name)
    door = {"listen": case.address(), "service": ORDERS, "app": case.address()}
    path, config = write_config(case, name, svid, {"inbound": door}, permit(svid.id, ORDERS))
    return path, config, svid


def refused(case, name, path, *places):
    """Starts with `path`, and returns what was said. All `places` must be named in it."""
    program = case.start(f"{name}-run", [case.binary, "run", "--config", path])
    code = program.ended()
    said = program.last_words()
    assert code == 1, (name, code, said)
    assert "panicked" not in said and "RUST_BACKTRACE" not in said, (name, said)
    for place in places:
        assert str(place) in said, f"{name}: `{place}` is not named in: {said}"
    assert len(said.strip().splitlines()) <= 12, (name, said)
    return said


def save(path, config):
    """Writes a spoilt configuration."""
    path.write_text(json.dumps(config, indent=2))
