"""`portreeve login` at a certified provider: curl is served with the token, and no longer when the session is over."""

import http.client
import json
import os
import shutil
import ssl
import stat
import subprocess
import tempfile
from pathlib import Path

from support.curl import curl
from support.login import Machine
from support.openid import World
from support.ticks import ticks

POLICY = """
@id("eng") permit(principal in Group::"corp/eng", action in Action::"http", resource in Service::"web");
"""


def test(case):
    world = World(case, programs=True)
    world.more_of_the_provider = {"device_login": True}
    world.more_of_the_route = {"host": case.host}
    world.more_routes = [{"host": case.host, "path": "/ticks", "app": ticks(case), "service": "web"}]
    # A socket's path is short.
    place = tempfile.mkdtemp(prefix="portreeve-")
    case.at_the_end(shutil.rmtree, place, True)
    socket = Path(place) / "admin.sock"
    world.more_of_the_sidecar = {"admin": {"socket": str(socket)}}
    world.start(POLICY)
    site = f"https://{world.edge_at}"
    laptop = Machine(case, "laptop", site, world.web.bundle)

    code, printed, said = laptop.run("token", site)
    assert (code, printed) == (1, "") and f"`portreeve login {site}`" in said, said
    is_let_in(world, laptop, "alice")
    is_served(world, laptop)
    is_kept_to_itself(laptop)

    # Whom no policy lets in has a session, and is told no.
    world.provider.says("mallory", email="mallory@corp.example", groups=["sales"])
    other = Machine(case, "other", site, world.web.bundle)
    is_let_in(world, other, "mallory")
    answer = ask(world, "/a", other.token())
    assert (answer.status, json.loads(answer.body)["reason"]) == (403, "no_permit"), answer
    world.edge.record(caller="corp/mallory", decision="deny")

    # An operator ends it: the next request is nobody's, and what is in flight is cut.
    stream = in_flight(world, laptop.token())
    listed = order(case, socket, "session", "list", "--user", "corp/alice")
    assert 'by a program "portreeve/' in listed, listed
    order(case, socket, "session", "revoke", listed.split()[0])
    assert ended(stream), "a stream goes on after its session"
    answer = ask(world, "/a", laptop.token())
    assert (answer.status, json.loads(answer.body)["reason"]) == (401, "bad_token"), answer
    world.edge.record(caller="corp/alice", reason="permit_withdrawn", withdrawn_reason="session_revoked")
    code, printed, said = laptop.run("logout", site, "--roots", world.web.bundle)
    assert (code, said, laptop.files()) == (0, "", []), (printed, said)

    # A login in place of another ends that one; leaving ends it everywhere.
    is_let_in(world, laptop, "alice")
    first = laptop.token()
    is_let_in(world, laptop, "alice")
    second = laptop.token()
    assert ask(world, "/a", first).status == 401
    assert ask(world, "/a", second).status == 200
    code, printed, said = laptop.run("logout", site, "--roots", world.web.bundle)
    assert (code, said, laptop.files()) == (0, "", []), (printed, said)
    assert ask(world, "/a", second).status == 401
    code, printed, said = laptop.run("token", site)
    assert code == 1 and "you are not signed in" in said, said


def is_let_in(world, machine, who):
    """A person opens the address, and the program has its token."""
    login, place = machine.login()
    assert place.startswith(world.provider.issuer), place
    world.provider.let_in(world.browser(), place, who)
    assert login.ended(60) == 0, login.last_words()
    assert f"Signed in as corp/{who} until " in login.stdout.read_text(), login.last_words()
    world.edge.record(caller=f"corp/{who}", reason="program_signed_in")


def is_served(world, machine):
    """The application learns who it is, and nothing that stands for them."""
    answer = ask(world, "/a?b=c", machine.token())
    assert answer.status == 200, answer
    seen = world.app.requests[-1]
    assert (seen.path, seen.header("x-forwarded-user")) == ("/a?b=c", ["alice"]), seen
    assert seen.header("x-forwarded-groups") == ["eng"], seen
    assert seen.header("authorization") == [], seen
    count = len(world.app.requests)
    for options in ([], ["--header", "authorization: Bearer prt_" + "A" * 43]):
        assert curl(f"https://{world.edge_at}/a", *options).status == 401
    assert len(world.app.requests) == count


def is_kept_to_itself(machine):
    """Nobody else can read the token, and one that somebody could have read is not used."""
    (file,) = machine.files()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.stat()
    assert stat.S_IMODE(machine.folder().stat().st_mode) == 0o700
    assert sorted(json.loads(file.read_text())) == ["expires", "host", "token"]
    os.chmod(file, 0o644)
    code, printed, said = machine.run("token", machine.site)
    assert (code, printed) == (1, "") and "chmod 600" in said, said
    os.chmod(file, 0o600)
    kept = file.with_suffix(".kept")
    file.rename(kept)
    file.symlink_to(kept)
    code, printed, said = machine.run("token", machine.site)
    assert (code, printed) == (1, "") and "is a link" in said, said
    file.unlink()
    kept.rename(file)
    machine.token()


def ask(world, path, token):
    """curl, as the help text has it."""
    return curl(f"https://{world.edge_at}{path}", "--header", f"Authorization: Bearer {token}")


def in_flight(world, token):
    """An answer that has begun."""
    host, port = world.edge_at.rsplit(":", 1)
    tls = ssl.create_default_context(cafile=str(world.web.bundle))
    connection = http.client.HTTPSConnection(host, int(port), timeout=20, context=tls)
    connection.request("GET", "/ticks", headers={"authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    assert answer.read(1), "nothing came"
    return answer


def ended(answer):
    """Whether it breaks off; all of it would not."""
    try:
        answer.read()
    except (http.client.IncompleteRead, ConnectionError, ssl.SSLError):
        return True
    return False


def order(case, socket, *words):
    """What `portreeve` prints at the sidecar's socket."""
    command = [str(case.binary), *words, "--socket", str(socket)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return done.stdout
