"""`portreeve injector` as a cluster runs it, and an API server's part of the talk."""

import base64
import copy
import http.client
import json
import socket
import ssl
import uuid

import jsonpatch
import yaml

from support import window
from support.sidecar import rewrite_config
from support.wait import until

HOST = "portreeve-injector.portreeve-system.svc"


class Injector:
    """A running injector, from the configuration that a cluster gives it."""

    def __init__(self, case, config, files, **sidecar):
        """`config` is the text of its ConfigMap; only where things are is another."""
        self.case = case
        self.files = files
        self.config = yaml.safe_load(config)
        self.address, self.admin = case.address(), case.address()
        self.records_file = case.directory / "injector.jsonl"
        here = {
            "listen": self.address,
            "certificate": str(files / "injector.crt"),
            "key": str(files / "injector.key"),
            "audit": {"file": str(self.records_file)},
            "admin": {"listen": self.admin},
        }
        self.config.update(here)
        self.config["authority"]["roots"] = str(files / "root.crt")
        self.config["sidecar"].update(sidecar)
        path = rewrite_config(case.directory / "injector.yaml", self.config)
        self.program = case.start("injector", [case.binary, "injector", "--config", path])
        self.program.listens_on(self.address).listens_on(self.admin)

    def connect(self, roots=None, host=HOST):
        """A connection as an API server makes it: it knows the service's name and its `caBundle`."""
        context = ssl.create_default_context(cafile=str(roots or self.files / "injector-ca.crt"))
        ip, port = self.address.rsplit(":", 1)
        connection = http.client.HTTPSConnection(ip, int(port), timeout=10, context=context)
        connection.connect = lambda: _connect(connection, context, ip, int(port), host)
        return connection

    def ask(self, body, path="/inject", method="POST", kind="application/json", roots=None):
        """Status and body of an answer."""
        connection = self.connect(roots)
        try:
            connection.request(method, path, body, {"content-type": kind} if kind else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def review(self, pod, roots=None, **more):
        """The `response` to a review of `pod`."""
        question = review(pod, **more)
        status, body = self.ask(json.dumps(question), roots=roots)
        assert status == 200, (status, body)
        answer = json.loads(body)
        assert (answer["apiVersion"], answer["kind"]) == ("admission.k8s.io/v1", "AdmissionReview"), answer
        response = answer["response"]
        assert response["uid"] == question["request"]["uid"], answer
        return response

    def inject(self, pod):
        """The pod that comes of it."""
        response = self.review(pod)
        assert response["allowed"] is True and response["patchType"] == "JSONPatch", response
        patch = jsonpatch.JsonPatch(json.loads(base64.b64decode(response["patch"], validate=True)))
        return patch.apply(copy.deepcopy(pod))

    def refuse(self, pod):
        """What a pod is refused with."""
        response = self.review(pod)
        assert response["allowed"] is False and "patch" not in response, response
        return response["status"]["message"]

    def keep(self, pod):
        """Asserts that nothing is to be changed."""
        response = self.review(pod)
        assert response["allowed"] is True and "patch" not in response, response

    def ask_admin(self, path):
        """Status and text of an admin page."""
        return window.ask(self.admin, path)

    def records(self):
        """What it has recorded, one dictionary per whole line."""
        lines = self.records_file.read_text().split("\n")[:-1]
        return [record for record in map(json.loads, lines) if "audit" not in record]

    def record(self, **fields):
        """Waits for a record with these fields."""
        found = until(lambda: [one for one in self.records() if fields.items() <= one.items()], f"a record {fields}")
        return found[-1]


def review(pod, kind="Pod", operation="CREATE"):
    """What an API server asks about a pod."""
    resource = {"group": "", "version": "v1", "resource": "pods"}
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": str(uuid.uuid4()),
            "kind": {"group": "", "version": "v1", "kind": kind},
            "resource": resource,
            "requestKind": {"group": "", "version": "v1", "kind": kind},
            "requestResource": resource,
            "name": pod["metadata"].get("name", ""),
            "namespace": pod["metadata"].get("namespace", "shop"),
            "operation": operation,
            "userInfo": {
                "username": "system:serviceaccount:kube-system:replicaset-controller",
                "groups": ["system:serviceaccounts", "system:authenticated"],
            },
            "object": pod,
            "oldObject": None,
            "dryRun": False,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
        },
    }


def _connect(connection, context, ip, port, host):
    """Connects to the address, and asks for the certificate of the name."""
    plain = socket.create_connection((ip, port), 10)
    connection.sock = context.wrap_socket(plain, server_hostname=host)
