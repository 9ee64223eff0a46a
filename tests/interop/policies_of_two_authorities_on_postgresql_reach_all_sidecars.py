"""Policies reach sidecars from whichever authority publishes; kill -9 of one, and of both, costs no decision."""

import http.client
import signal
import subprocess

from support.app import App
from support.authority import DOMAIN
from support.authority import Authority
from support.authority import spiffe_id
from support.postgresql import Postgresql
from support.sidecar import Sidecar
from support.sidecar import permit
from support.sidecar import rewrite_config
from support.wait import until


def test(case):
    database = Postgresql(case)
    url = case.write("database.url", database.url)
    folders = {}
    both = []
    for name in ("one", "other"):
        folders[name] = case.directory / name / "policies"
        folders[name].mkdir(parents=True)
        write(folders[name], permit(spiffe_id("web"), "orders"))
        authority = Authority(
            case, name, store={"postgres_url_file": str(url)}, sealing_key=case.directory / "sealing.key",
            policy={"dir": "policies", "services": {"orders": {}}}, admin={"listen": case.address()},
        )
        both.append(authority.start())
    one, other = both
    # They have the same folder: what one has published the other need not publish.
    assert versions(one) == versions(other) == [1]

    app = App(case)
    orders = joined(case, "orders", both, {"inbound": {"listen": case.address(), "service": "orders", "app": app.address}})
    door = {"listen": case.address(), "to": orders.inbound, "expect": spiffe_id("orders"), "service": "orders"}
    web = joined(case, "web", both, {"outbound": [door]})
    decided(web, 200)

    # Each may publish, and all sidecars hear of it, whomever they follow.
    write(folders["other"], permit(spiffe_id("nobody"), "orders"))
    decided(web, 403)
    assert versions(one) == versions(other) == [2, 1]
    write(folders["one"], permit(spiffe_id("web"), "orders", name="again"))
    decided(web, 200)
    assert versions(one) == versions(other) == [3, 2, 1]

    other.order(
        "entry", "create", "callers", "--selector", "k8s:sa:web", "--id", spiffe_id("web"), "--group", "callers"
    )
    grouped = '@id("callers") permit(principal in WorkloadGroup::"callers", action, resource in Service::"orders");\n'
    write(folders["one"], grouped)
    until(lambda: versions(other)[0] == 4, "the set with a group")
    decided(web, 200)
    one.order("entry", "delete", "callers")
    decided(web, 403)

    one.program.signal(signal.SIGKILL)
    write(folders["other"], permit(spiffe_id("web"), "orders", name="from-the-other"))
    decided(web, 200)
    other.program.signal(signal.SIGKILL)
    checked = subprocess.run(
        [str(word) for word in (case.binary, "check", "--config", web.path)], capture_output=True, text=True, timeout=60
    )
    assert checked.returncode == 0 and "set 5" in checked.stdout, checked.stdout + checked.stderr
    assert web.program.stop() == 0
    again = started(case, "web-again", web.path, web.config)
    decided(again, 200)


def write(folder, text):
    """Puts another policy in place of the one there is, in one step."""
    (folder / "next").write_text(text)
    (folder / "next").rename(folder / "mesh.cedar")


def versions(authority):
    """The numbers of the sets that an authority lists."""
    listed = authority.order("authority", "policy").stdout.splitlines()
    return [int(line.split()[0]) for line in listed]


def joined(case, name, authorities, doors):
    """A sidecar that gets its identity and its policies from `authorities`, ready."""
    directory = case.directory / f"sidecar-{name}"
    directory.mkdir()
    config = {
        "trust_domain": DOMAIN,
        "identity": {
            "authority": {
                "url": [f"https://{authority.address}" for authority in authorities],
                "bundle": str(authorities[0].bundle),
                "join_token_file": str(authorities[0].token(name)),
                "state_dir": "state",
            }
        },
        "workers": 1,
        **doors,
        "policy": {"from_authority": True},
        "audit": {"file": str(directory / "decisions.jsonl")},
        "admin": {"listen": case.address()},
    }
    return started(case, name, rewrite_config(directory / "portreeve.yaml", config), config)


def started(case, name, path, config):
    """The sidecar with this configuration, ready."""
    program = case.start(name, [case.binary, "run", "--config", path])
    sidecar = Sidecar(program, config, path.parent / "decisions.jsonl", None).ready()
    sidecar.path = path
    return sidecar


def decided(web, status):
    """Waits until a request of `web` is answered with `status`."""

    def answered():
        connection = http.client.HTTPConnection(web.outbound[0], timeout=10)
        try:
            connection.request("GET", "/orders/7")
            return connection.getresponse().status == status
        finally:
            connection.close()

    until(answered, f"{status}", 20)
