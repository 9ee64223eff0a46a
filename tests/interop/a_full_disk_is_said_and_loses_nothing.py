"""An authority that can write no more says so, and names nobody meanwhile; with room again, all that it had promised is there."""

import sys

from support.authority import Authority
from support.authority import DOMAIN
from support.authority import spiffe_id
from support.sidecar import rewrite_config
from support.wait import until

# Files may grow no further than this: to a program, a disk that is full. The signal that goes with it is ignored, as
# there is none with a disk.
FULL = """
import os, resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
os.execv(sys.argv[2], sys.argv[2:])
"""


def test(case):
    authority = Authority(case).start()
    first = authority.token("first").read_text()
    authority.program.stop()
    # What is kept in one file afterwards, and a little.
    room = (authority.directory / "authority.db").stat().st_size + 64 * 1024
    narrow = Authority(case, command=[sys.executable, "-c", FULL, str(room)])
    narrow.config["listen"] = authority.address
    narrow.address = authority.address
    rewrite_config(narrow.path, narrow.config)
    narrow.start()
    made = []

    def is_full():
        done = narrow.order("token", "create", "--id", spiffe_id("more"), check=False)
        if done.returncode == 0:
            made.append(done.stdout)
            return False
        assert "the database" in done.stderr and "panicked" not in done.stderr, done.stderr
        return True

    until(is_full, "a disk that is full", 60)
    assert made, "there was no room from the start"
    # The sidecar is told to come again: nothing was named that could not be noted.
    code, said = join(case, narrow, "narrow", first)
    assert code is None, said
    until(
        lambda: [record for record in narrow.records() if record.get("reason") == "store_unavailable"],
        "a record of the refusal", 20,
    )
    narrow.program.stop()

    wide = Authority(case)
    wide.config["listen"] = wide.address = authority.address
    rewrite_config(wide.path, wide.config)
    wide.start()
    entries = wide.order("entry", "list").stdout
    assert entries.count(spiffe_id("more")) == len(made), (len(made), entries)
    code, said = join(case, wide, "wide", made[-1])
    assert code is None, said
    until(
        lambda: [record for record in wide.records() if record["decision"] == "permit" and "serial" in record],
        "somebody to be named", 20,
    )


def join(case, authority, name, token):
    """Starts a sidecar with `token`; it goes on trying where the authority cannot answer."""
    directory = case.directory / f"sidecar-{name}"
    (directory / "policy").mkdir(parents=True)
    (directory / "policy" / "policy.cedar").write_text('@id("any")\npermit(principal, action, resource);\n')
    (directory / "token").write_text(token)
    config = {
        "trust_domain": DOMAIN,
        "identity": {"authority": {
            "url": f"https://{authority.address}", "bundle": str(authority.bundle), "join_token_file": "token",
        }},
        "inbound": {"listen": case.address(), "service": "orders", "app": case.address()},
        "policy": {"dir": "policy"},
        "audit": {"stdout": True},
    }
    path = rewrite_config(directory / "portreeve.yaml", config)
    program = case.start(name, [case.binary, "run", "--config", path])
    try:
        program.ended(3)
    except AssertionError:
        return None, program.last_words()
    return program.ended(), program.last_words()
