"""Pods of the example, as a cluster's controllers would ask for them: what the injector makes of them is what
`deploy/kubernetes/injected` shows, and what it shows is allowed, is a pod, and starts with a configuration without mistakes."""

import copy
import difflib
import re

import kubernetes_validate
import yaml

from support.injector import Injector
from support.kubernetes import DEPLOY
from support.kubernetes import Tools
from support.kubernetes import named
from support.kubernetes import pod_of
from support.kubernetes import restricted
from support.kubernetes import run
from support.kubernetes import validate

# What `injected/` shows in place of the roots, which are others each time.
ROOTS = "portreeve.dev/sidecar-roots"
SHOWN = "the certificates of root.crt\n"


def test(case):
    tools = Tools(case)
    config = named(tools.kustomize("overlays/development"), "ConfigMap", "portreeve-injector")["data"]["injector.yaml"]
    injector = Injector(case, config, tools.files, init_image="portreeve-init-net:0.1.0")
    example = tools.kustomize("example")
    orders = pod_of(named(example, "Deployment", "orders"), "shop")
    web = pod_of(named(example, "Deployment", "web"), "shop")
    transparent = copy.deepcopy(orders)
    transparent["metadata"]["annotations"].update({
        "portreeve.dev/transparent": "enabled",
        "portreeve.dev/exclude-inbound-ports": "9090",
        "portreeve.dev/policy": "configmap/orders-policy",
        "portreeve.dev/workers": "2",
        "portreeve.dev/cpu-limit": "500m",
    })
    differences = []
    for name, pod in [("orders", orders), ("web", web), ("transparent", transparent)]:
        validate(pod)
        done = injector.inject(pod)
        validate(done)
        injector.keep(done)
        differences += difference(case, name, done)
        starts(case, tools, name, done)
        wrong = restricted(done["spec"])
        if name == "transparent":
            # The one container that may change the network is all that keeps such a pod from the strictest level.
            assert wrong and all(rule.startswith("container portreeve-init-net: ") for rule in wrong), wrong
        else:
            assert wrong == [], wrong
    assert not differences, "\n".join(differences)
    # What the README writes beside a pod is understood.
    shown = re.search(r"```yaml\n(metadata:.*?)```", (DEPLOY / "README.md").read_text(), re.DOTALL).group(1)
    written = copy.deepcopy(orders)
    written["metadata"]["annotations"] = yaml.safe_load(shown)["metadata"]["annotations"]
    written = injector.inject(written)["metadata"]["annotations"]["portreeve.dev/sidecar-config"]
    assert yaml.safe_load(written)["inbound"]["concurrent_requests"] == 200, written
    # Neither oracle lets everything pass.
    bad = injector.inject(orders)
    bad["spec"]["initContainers"][0]["restartPolcy"] = "Always"
    try:
        validate(bad)
        raise AssertionError("a misspelt field is valid")
    except kubernetes_validate.ValidationError as error:
        assert "restartPolcy" in str(error), error
    bad["spec"]["initContainers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    assert restricted(bad["spec"]) == ["container portreeve: allowPrivilegeEscalation"]


def difference(case, name, done):
    """How a pod differs from the file that shows it, line by line. What it is is kept beside the other files of the test."""
    shown = copy.deepcopy(done)
    roots = shown["metadata"]["annotations"][ROOTS]
    assert roots.startswith("-----BEGIN CERTIFICATE-----\n"), roots
    shown["metadata"]["annotations"][ROOTS] = SHOWN
    text = yaml.dump(shown, Dumper=Literal, sort_keys=False, width=120)
    case.write(f"injected/{name}.yaml", text)
    file = DEPLOY / "injected" / f"{name}.yaml"
    expected = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    return list(difflib.unified_diff(expected, text.splitlines(), str(file), "the pod", lineterm=""))


def starts(case, tools, name, done):
    """What the kubelet would write for the sidecar is what `portreeve check` finds nothing wrong with."""
    place = case.directory / "pods" / name
    place.mkdir(parents=True)
    annotations = done["metadata"]["annotations"]
    [told] = [volume["projected"] for volume in done["spec"]["volumes"] if volume["name"] == "portreeve-config"]
    [items] = [source["downwardAPI"]["items"] for source in told["sources"] if "downwardAPI" in source]
    for item in items:
        annotation = item["fieldRef"]["fieldPath"].removeprefix("metadata.annotations['").removesuffix("']")
        (place / item["path"]).write_text(annotations[annotation])
    assert (place / "ca.pem").read_text() == (tools.files / "root.crt").read_text()
    [token] = [source["serviceAccountToken"] for source in told["sources"] if "serviceAccountToken" in source]
    assert token["audience"] == "portreeve", token
    (place / token["path"]).write_text("of-the-kubelet\n")
    # Folders that are volumes there.
    config = (place / "portreeve.yaml").read_text()
    policies = place / "policies"
    policies.mkdir()
    (policies / "orders.cedar").write_text(
        '@id("anybody-reads") permit (principal, action in Action::"read", resource in Service::"orders");\n'
    )
    config = config.replace("/var/lib/portreeve", str(place)).replace("/etc/portreeve-policy", str(policies))
    (place / "portreeve.yaml").write_text(config)
    said = run([case.binary, "check", "--config", place / "portreeve.yaml"])
    assert said.startswith("ok"), said
    # The same that the second container of a pod does, as far as it needs no kernel.
    for container in done["spec"]["initContainers"]:
        if container["name"] == "portreeve-init-net":
            words = [word for word in container["args"] if word != "--apply"]
            words = [str(place / "portreeve.yaml") if word.startswith("/etc/portreeve/") else word for word in words]
            rules = run([case.binary, *words])
            uid = done["spec"]["initContainers"][1]["securityContext"]["runAsUser"]
            for rule in [f"meta skuid {uid} accept", "redirect to :15101", "redirect to :15006", "9090"]:
                assert rule in rules, (rule, rules)


class Literal(yaml.SafeDumper):
    """Writes texts of several lines as they are."""


def _literal(dumper, text):
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


Literal.add_representer(str, _literal)
