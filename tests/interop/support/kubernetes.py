"""What is in `deploy/kubernetes`, rendered by the programs that a user has, and held against the schemas of Kubernetes."""

import base64
import copy
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import yaml

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy" / "kubernetes"
VERSION = "1.34"
NAMESPACE = "portreeve-system"
TRUST_DOMAIN = "cluster.local"

# No schema of these comes with Kubernetes: they are the Prometheus Operator's.
MONITORS = "monitoring.coreos.com/v1"


class Tools:
    """kubectl and helm, and a copy of `deploy/kubernetes` with the files that a user makes."""

    def __init__(self, case):
        self.case = case
        # Beside the virtual environment that this runs in: both are made by tests/setup.
        self.programs = Path(sys.prefix).parent / "kubernetes"
        self.place = case.directory / "deploy"
        shutil.copytree(DEPLOY, self.place, ignore=shutil.ignore_patterns("files"))
        self.files = case.directory / "files"
        self.make_files()
        (self.files / "database.url").write_text("postgres://portreeve@database.example/portreeve\n")
        for overlay in ["development", "production"]:
            shutil.copytree(self.files, self.place / "overlays" / overlay / "files")

    def make_files(self):
        """What the quick start makes first."""
        command = [self.case.binary, "injector", "files", "--dir", self.files, "--trust-domain", TRUST_DOMAIN]
        run(command)

    def kustomize(self, folder):
        """The objects that `kubectl apply -k` would send."""
        return objects(run([self.programs / "kubectl", "kustomize", self.place / folder]))

    def helm(self, *words):
        """The objects that `helm install` would send."""
        return objects(run([*self.helm_words(), *words]))

    def helm_words(self, without=None):
        """The command, with the files; with one less, if one is named."""
        files = {
            "rootCertificate": "root.crt",
            "rootKey": "root.key",
            "sealingKey": "sealing.key",
            "injectorCertificate": "injector.crt",
            "injectorKey": "injector.key",
            "injectorCa": "injector-ca.crt",
            "databaseUrl": "database.url",
        }
        named = [f"files.{value}={self.files / file}" for value, file in files.items() if value != without]
        chart = self.place / "chart"
        return [self.programs / "helm", "template", "portreeve", chart, "-n", NAMESPACE, "--set-file", ",".join(named)]


def run(command, check=True):
    """What a command says on standard output."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60, check=False)
    if not check:
        return done
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


def objects(text):
    """The objects of a manifest, each by its kind, namespace and name."""
    found = {}
    for one in yaml.safe_load_all(text):
        if one is None:
            continue
        metadata = one["metadata"]
        key = (one["kind"], metadata.get("namespace"), metadata["name"])
        assert key not in found, f"{key} is there twice"
        found[key] = one
    assert found, "nothing was rendered"
    return found


def validate(one):
    """Holds an object against the schema of its kind, in which nothing may be that is not known."""
    kubernetes_validate.validate(one, VERSION, strict=True)


def named(found, kind, name):
    """The one object of that kind whose name begins so, whatever kustomize has put behind it."""
    pattern = re.compile(re.escape(name) + r"(-[0-9a-z]{10})?$")
    [one] = [one for (its, _, full), one in found.items() if its == kind and pattern.match(full)]
    return one


def restricted(spec):
    """What in a pod's spec the Pod Security level `restricted` does not allow: the rules of its standard, one by one."""
    wrong = []
    pod = spec.get("securityContext", {})
    for name in ["hostNetwork", "hostPID", "hostIPC"]:
        if spec.get(name):
            wrong.append(name)
    kinds = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
    for volume in spec.get("volumes", []):
        wrong += [f"volume {volume['name']}: {kind}" for kind in volume if kind != "name" and kind not in kinds]
    if pod.get("sysctls"):
        wrong.append("sysctls")
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        name, own = container["name"], container.get("securityContext", {})
        capabilities = own.get("capabilities", {})
        profile = own.get("seccompProfile", pod.get("seccompProfile", {})).get("type")
        rules = {
            "privileged": not own.get("privileged", False),
            "allowPrivilegeEscalation": own.get("allowPrivilegeEscalation") is False,
            "capabilities.drop": "ALL" in capabilities.get("drop", []),
            "capabilities.add": set(capabilities.get("add", [])) <= {"NET_BIND_SERVICE"},
            "runAsNonRoot": own.get("runAsNonRoot", pod.get("runAsNonRoot")) is True,
            "runAsUser": own.get("runAsUser", pod.get("runAsUser")) != 0,
            "seccompProfile": profile in ("RuntimeDefault", "Localhost"),
            "procMount": own.get("procMount", "Default") == "Default",
            "hostPort": not any(port.get("hostPort") for port in container.get("ports", [])),
        }
        wrong += [f"container {name}: {rule}" for rule, holds in rules.items() if not holds]
    return wrong


def pod_of(deployment, namespace):
    """The pod that a deployment's controllers would ask for."""
    template = copy.deepcopy(deployment["spec"]["template"])
    metadata = {"generateName": f"{deployment['metadata']['name']}-5d59d67564-", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {**metadata, **template["metadata"]}, "spec": template["spec"]}


def decoded(secret, key):
    """What a Secret has under `key`."""
    return base64.b64decode(secret["data"][key])


def pretty(value):
    """YAML as people read it, in the order in which it was written."""
    return yaml.safe_dump(value, sort_keys=False, width=120)


def as_json(value):
    """For a message."""
    return json.dumps(value, indent=2, sort_keys=True)
