"""The overlays and the chart, rendered by kubectl and helm: the same objects, each by its schema, with rights that are few,
pods of the level `restricted`, configurations without mistakes, and names that lead somewhere."""

import base64
import re

import yaml

from support.kubernetes import MONITORS
from support.kubernetes import NAMESPACE
from support.kubernetes import Tools
from support.kubernetes import as_json
from support.kubernetes import decoded
from support.kubernetes import named
from support.kubernetes import pod_of
from support.kubernetes import restricted
from support.kubernetes import run
from support.kubernetes import validate


def test(case):
    tools = Tools(case)
    for overlay, values in [("development", []), ("production", ["-f", tools.place / "chart" / "values-production.yaml"])]:
        ours = tools.kustomize(f"overlays/{overlay}")
        theirs = tools.helm(*values)
        # The namespace is kustomize's to make, and helm's `--create-namespace`; NOTES.txt says how it is labelled.
        assert common(ours).keys() - common(theirs).keys() == {("Namespace", None, NAMESPACE)}
        assert common(theirs).keys() <= common(ours).keys(), common(theirs).keys() - common(ours).keys()
        for key, one in common(theirs).items():
            assert one == common(ours)[key], f"{overlay} {key}: {as_json(one)}\nis not\n{as_json(common(ours)[key])}"
        for found in [ours, theirs]:
            look_at(case, tools, found, overlay)
    example = tools.kustomize("example")
    for one in example.values():
        validate(one)
    for name in ["orders", "web"]:
        assert restricted(pod_of(named(example, "Deployment", name), "shop")["spec"]) == []
    monitors(tools)
    values_that_are_refused(tools)


def look_at(case, tools, found, overlay):
    """One way of rendering by itself."""
    for one in found.values():
        validate(one)
        assert one["metadata"].get("namespace", NAMESPACE) == NAMESPACE, one
    rights(found)
    for name in ["authority", "injector"]:
        deployment = named(found, "Deployment", f"portreeve-{name}")
        assert restricted(pod_of(deployment, NAMESPACE)["spec"]) == []
        hangs_together(found, deployment)
    hooks = named(found, "MutatingWebhookConfiguration", "portreeve-injector")["webhooks"]
    bundles = {base64.b64decode(hook["clientConfig"]["caBundle"]) for hook in hooks}
    assert bundles == {decoded(named(found, "Secret", "portreeve-injector"), "injector-ca.crt")}, bundles
    replicas = named(found, "Deployment", "portreeve-authority")["spec"]["replicas"]
    assert replicas == {"development": 1, "production": 2}[overlay]
    images = {container["image"] for deployment in found.values() if deployment["kind"] == "Deployment"
              for container in deployment["spec"]["template"]["spec"]["containers"]}
    injector = yaml.safe_load(named(found, "ConfigMap", "portreeve-injector")["data"]["injector.yaml"])
    assert images == {injector["sidecar"]["image"]}, (images, injector)
    starts(case, found, overlay)


def rights(found):
    """All that anybody may do in the cluster: the authority may ask whose token one is."""
    [role] = [one for one in found.values() if one["kind"] in ("Role", "ClusterRole")]
    assert role["rules"] == [{"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]}]
    [binding] = [one for one in found.values() if one["kind"] in ("RoleBinding", "ClusterRoleBinding")]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert [subject["name"] for subject in binding["subjects"]] == ["portreeve-authority"]
    spec = named(found, "Deployment", "portreeve-injector")["spec"]["template"]["spec"]
    assert spec["automountServiceAccountToken"] is False


def hangs_together(found, deployment):
    """Labels find their pods, ports their names, mounts their volumes, and volumes what is in them."""
    name = deployment["metadata"]["name"]
    template = deployment["spec"]["template"]
    labels = template["metadata"]["labels"].items()
    assert deployment["spec"]["selector"]["matchLabels"].items() <= labels
    service = named(found, "Service", name)
    assert service["spec"]["selector"].items() <= labels
    [container] = template["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports.keys()
    policy = named(found, "NetworkPolicy", name)
    assert policy["spec"]["podSelector"]["matchLabels"].items() <= labels
    opened = {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]}
    assert opened == set(ports.values()), (opened, ports)
    for budget in [one for one in found.values() if one["kind"] == "PodDisruptionBudget" and one["metadata"]["name"] == name]:
        assert budget["spec"]["selector"]["matchLabels"].items() <= labels
        assert budget["spec"]["minAvailable"] < deployment["spec"]["replicas"]
    volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes.keys()
    for volume in volumes.values():
        for kind, field, key in [("ConfigMap", "configMap", "name"), ("Secret", "secret", "secretName"),
                                 ("PersistentVolumeClaim", "persistentVolumeClaim", "claimName")]:
            if field in volume:
                assert (kind, NAMESPACE, volume[field][key]) in found, volume


def starts(case, found, overlay):
    """What is in the ConfigMaps and Secrets, laid out as in a pod, is what the authority finds nothing wrong with."""
    place = case.directory / "authority" / f"{overlay}-{len(list(case.directory.glob('authority/*')))}"
    mounts = {"keys": "Secret", "entries": "ConfigMap", "policies": "ConfigMap", "authority": "ConfigMap"}
    names = {"keys": "portreeve-authority", "authority": "portreeve-authority"}
    for folder, kind in mounts.items():
        (place / folder).mkdir(parents=True)
        one = named(found, kind, names.get(folder, f"portreeve-{folder}"))
        for key in one["data"]:
            content = decoded(one, key) if kind == "Secret" else one["data"][key].encode()
            (place / folder / key).write_bytes(content)
    # What the kubelet brings with the service account.
    account = place / "serviceaccount"
    account.mkdir()
    (account / "ca.crt").write_bytes((place / "keys" / "root.crt").read_bytes())
    (account / "token").write_text("of-the-kubelet\n")
    path = place / "authority" / "authority.yaml"
    text = path.read_text().replace("/etc/portreeve", str(place))
    text = text.replace("/var/run/secrets/kubernetes.io/serviceaccount", str(account))
    path.write_text(text.replace("/var/lib/portreeve", str(place)).replace("/run/portreeve", str(place)))
    assert run([case.binary, "authority", "check", "--config", path]).strip() == "ok"


def common(found):
    """What both ways should have: without what each adds, and configurations by what they say."""
    # kustomize puts the digest of what is read once behind its name; helm puts it into an annotation.
    ends = re.compile(r"^(portreeve-(?:authority|injector))-[0-9a-z]{10}$")
    same = {}
    for (kind, namespace, name), one in found.items():
        one = yaml.safe_load(as_json(one))
        name = ends.sub(r"\1", name)
        one["metadata"]["name"] = name
        labels = one["metadata"].get("labels", {})
        for label in ["app.kubernetes.io/managed-by", "helm.sh/chart"]:
            labels.pop(label, None)
        if kind == "Deployment":
            template = one["spec"]["template"]
            template["metadata"].get("annotations", {}).pop("checksum/config", None)
            if not template["metadata"].get("annotations"):
                template["metadata"].pop("annotations", None)
            for volume in template["spec"]["volumes"]:
                if "configMap" in volume:
                    volume["configMap"]["name"] = ends.sub(r"\1", volume["configMap"]["name"])
            template["spec"]["volumes"].sort(key=lambda volume: volume["name"])
        if kind == "ConfigMap":
            one["data"] = {
                key: yaml.safe_load(text) if key.endswith(".yaml") else text for key, text in one["data"].items()
            }
        # Base64 may be in lines.
        for hook in one.get("webhooks", []):
            hook["clientConfig"]["caBundle"] = "".join(hook["clientConfig"]["caBundle"].split())
        if kind == "Secret":
            one["data"] = {key: decoded(one, key).decode() for key in one["data"]}
        same[kind, namespace, name] = one
    return same


def monitors(tools):
    """No schema of these comes with Kubernetes. Their kinds and fields are few; what they look for must be there."""
    overlay = tools.place / "overlays" / "development" / "kustomization.yaml"
    text = overlay.read_text()
    overlay.write_text(text + "components: [../../components/monitoring]\n")
    ours = common(tools.kustomize("overlays/development"))
    theirs = common(tools.helm("--set", "monitors=true"))
    overlay.write_text(text)
    found = {key: one for key, one in ours.items() if one["apiVersion"] == MONITORS}
    assert found == {key: one for key, one in theirs.items() if one["apiVersion"] == MONITORS}
    assert {kind for kind, _, _ in found} == {"PodMonitor", "ServiceMonitor"}, found.keys()
    pods = found["PodMonitor", NAMESPACE, "portreeve-sidecars"]["spec"]
    assert pods.keys() == {"namespaceSelector", "selector", "podMetricsEndpoints"}, pods
    injected = yaml.safe_load((tools.place / "injected" / "orders.yaml").read_text())
    assert pods["selector"]["matchLabels"].items() <= injected["metadata"]["labels"].items()
    ports = {port["name"] for port in injected["spec"]["initContainers"][0]["ports"]}
    assert {endpoint["port"] for endpoint in pods["podMetricsEndpoints"]} <= ports, ports
    services = found["ServiceMonitor", NAMESPACE, "portreeve"]["spec"]
    assert services.keys() == {"selector", "endpoints"}, services
    [expression] = services["selector"]["matchExpressions"]
    for name in expression["values"]:
        service = ours["Service", NAMESPACE, name]
        assert service["metadata"]["labels"][expression["key"]] == name
        assert {endpoint["port"] for endpoint in services["endpoints"]} <= {port["name"] for port in service["spec"]["ports"]}


def values_that_are_refused(tools):
    """The chart's schema, and files that are not given; each beside what is rendered."""
    tools.helm("--set", "authority.store=postgresql,authority.replicas=3")
    tools.helm("--set", "files.secrets=false")
    for value, without, said in [
        ("authority.replicas=2", None, "/authority/replicas"),
        ("authority.store=mysql", None, "/authority/store"),
        ("imagePullPolicy=Sometimes", None, "/imagePullPolicy"),
        ("trustdomain=a", None, "trustdomain"),
        ("files.secrets=true", "rootKey", "--set-file files.rootKey=DIR/root.key"),
        ("files.secrets=false", "injectorCa", "--set-file files.injectorCa=DIR/injector-ca.crt"),
    ]:
        done = run([*tools.helm_words(without), "--set", value], check=False)
        assert done.returncode != 0 and said in done.stderr, (value, done.stdout[-500:], done.stderr)
