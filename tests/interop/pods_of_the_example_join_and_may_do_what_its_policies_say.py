"""From manifests to requests: the example's pods, injected, each on a machine of its own, with the tokens that a kubelet gives
them, get their names and policies from the authority that the overlay describes, and do what the README says."""

import json
import shutil
import tempfile

import yaml

from support.app import App
from support.cluster import ApiServer
from support.cluster import lay_out
from support.injector import Injector
from support.kubernetes import Tools
from support.kubernetes import decoded
from support.kubernetes import named
from support.kubernetes import pod_of
from support.names import NameServer
from support.network import Machine
from support.network import join
from support.wait import until

ORDERS = "10.78.0.2"
BEARER = "of-the-authority"


def test(case):
    tools = Tools(case)
    found, example = tools.kustomize("overlays/development"), tools.kustomize("example")
    config = yaml.safe_load(named(found, "ConfigMap", "portreeve-injector")["data"]["injector.yaml"])
    config["authority"]["url"] = f"https://{ORDERS}:15443"
    injector = Injector(case, yaml.safe_dump(config), tools.files)
    pods = {name: pod_of(named(example, "Deployment", name), "shop") for name in ["orders", "web"]}
    for name, pod in pods.items():
        pod["metadata"]["name"] = f"{name}-1"

    web, orders = Machine(case), Machine(case)
    join(web, orders, ("10.78.0.1/24", f"{ORDERS}/24"))
    with web.inside():
        # A cluster's DNS, which knows the headless service.
        names = NameServer(case, "127.0.0.1", {"orders.shop.svc.cluster.local": ORDERS})
    pods["web"]["metadata"]["annotations"]["portreeve.dev/config"] += f"names: {{ servers: ['{names.address}'] }}\n"
    pods = {name: injector.inject(pod) for name, pod in pods.items()}
    with orders.inside():
        api = ApiServer(case.trust_domain.svid("api", names="IP:127.0.0.1"), BEARER)
        authority = start_authority(case, found, api)
        # Where the example has its application: on loopback alone.
        app = App(case, ("127.0.0.1", 8080))
        server = start_sidecar(case, pods["orders"], api, "orders")
    with web.inside():
        client = start_sidecar(case, pods["web"], api, "web")
    ready(orders, server)
    ready(web, client)
    assert api.asked and all(audiences == ["portreeve"] for audiences in api.asked), api.asked

    allowed = ask(web, "http://127.0.0.1:15001/orders/7")
    assert allowed["status"] == 200, (allowed, client.last_words(), server.last_words())
    caller = "spiffe://cluster.local/ns/shop/sa/web"
    assert ["x-portreeve-caller", caller] in json.loads(allowed["body"])["headers"], allowed
    assert ask(web, "http://127.0.0.1:15001/orders/7", "-X", "POST")["status"] == 403
    assert ask(web, "http://127.0.0.1:15001/ledger/2026")["status"] == 403
    # Nobody gets there otherwise: not past the sidecar, and not without a certificate.
    assert ask(web, f"http://{ORDERS}:8080/orders/7")["status"] == 0
    assert ask(web, f"https://{ORDERS}:15006/orders/7", "--insecure")["status"] == 0
    # What the kubelet asks gets there, and nothing else does.
    [container] = pods["orders"]["spec"]["containers"]
    probe = container["readinessProbe"]["httpGet"]
    assert ask(web, f"http://{ORDERS}:{probe['port']}{probe['path']}")["status"] == 200
    assert ask(web, f"http://{ORDERS}:{probe['port']}/ledger/2026")["status"] == 404
    assert [request.path for request in app.requests] == ["/orders/7", "/orders/7"], app.requests
    named_pods(authority)


def start_authority(case, found, api):
    """The authority of the overlay; only where things are is another, and the API server."""
    place = case.directory / "authority"
    mounts = {"keys": "Secret", "entries": "ConfigMap", "policies": "ConfigMap"}
    for folder, kind in mounts.items():
        (place / folder).mkdir(parents=True)
        one = named(found, kind, "portreeve-authority" if kind == "Secret" else f"portreeve-{folder}")
        for key in one["data"]:
            content = decoded(one, key) if kind == "Secret" else one["data"][key].encode()
            (place / folder / key).write_bytes(content)
    token = case.write("authority/account/token", BEARER)
    text = named(found, "ConfigMap", "portreeve-authority")["data"]["authority.yaml"]
    text = text.replace("/etc/portreeve", str(place)).replace("/var/lib/portreeve", str(place))
    config = yaml.safe_load(text.replace("/run/portreeve", str(place)))
    [cluster] = config["proofs"]["kubernetes"]
    path = cluster["token_review"]["url"].removeprefix("https://kubernetes.default.svc")
    cluster["token_review"] = {
        "url": f"https://{api.address}{path}", "ca_file": str(case.trust_domain.bundle), "token_file": str(token),
    }
    config["audit"] = {"file": str(place / "deeds.jsonl")}
    # The path of a socket may have 107 bytes, and a test's own folder can be deep.
    sockets = tempfile.mkdtemp(prefix="portreeve-")
    case.at_the_end(shutil.rmtree, sockets, True)
    config["socket"] = f"{sockets}/authority.sock"
    path = case.write("authority/authority.yaml", yaml.safe_dump(config))
    program = case.start("authority", [case.binary, "authority", "--config", path])
    program.listens_on(f"{ORDERS}:15443")
    return place / "deeds.jsonl"


def start_sidecar(case, pod, api, name):
    """What the container's command starts, with what the kubelet gives it."""
    path = lay_out(pod, case.directory / "pods" / name, api)
    return case.start(name, [case.binary, "run", "--config", path])


def ready(machine, sidecar):
    """What the kubelet asks of the sidecar itself."""

    def says_so():
        sidecar.check()
        return ask(machine, "http://127.0.0.1:15020/readyz")["status"] == 200

    until(says_so, f"{sidecar.name} to be ready", 30)


def ask(machine, url, *options):
    """A curl on a machine: status and body."""
    said = machine.attempt("curl", "--silent", "--max-time", "10", "--write-out", "\n%{http_code}", *options, url).stdout
    body, _, status = said.rpartition("\n")
    return {"status": int(status), "body": body}


def named_pods(deeds):
    """Both were named by what their tokens say, and not by what they asked for."""
    lines = [json.loads(line) for line in deeds.read_text().split("\n")[:-1]]
    issued = [line for line in lines if line.get("event") == "svid_issue" and line["decision"] == "permit"]
    found = {(line["spiffe_id"], line["proof"]) for line in issued}
    for name in ["orders", "web"]:
        assert (f"spiffe://cluster.local/ns/shop/sa/{name}", "kubernetes") in found, lines
    selectors = " ".join(line["selectors"] for line in issued)
    assert "k8s:pod:orders-1" in selectors and "k8s:pod:web-1" in selectors, selectors
