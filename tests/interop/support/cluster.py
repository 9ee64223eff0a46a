"""The parts of a cluster that a pod meets: an API server that knows its tokens, and a kubelet that lays out its volumes."""

import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer

from jwcrypto.common import JWException
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS

ISSUER = "https://kubernetes.default.svc.cluster.local"


class ApiServer:
    """Answers TokenReviews over TLS for whoever shows `bearer`, by tokens that it signs itself."""

    def __init__(self, svid, bearer):
        self._key = JWK.generate(kty="EC", crv="P-256", kid="cluster")
        self.asked = []
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                path = "/apis/authentication.k8s.io/v1/tokenreviews"
                allowed = self.path == path and self.headers["authorization"] == f"Bearer {bearer}"
                answer = json.dumps(api.review(body) if allowed else {}).encode()
                self.send_response(201 if allowed else 403)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(svid.certificate, svid.key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.address = "{}:{}".format(*self._server.server_address)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def token(self, pod, audience):
        """What a kubelet is given for a pod."""
        account = {"name": pod["spec"]["serviceAccountName"]}
        namespace = pod["metadata"]["namespace"]
        claims = {
            "iss": ISSUER,
            "aud": [audience],
            "exp": int(time.time()) + 3600,
            "iat": int(time.time()),
            "sub": f"system:serviceaccount:{namespace}:{account['name']}",
            "kubernetes.io": {"namespace": namespace, "serviceaccount": account, "pod": {"name": pod["metadata"]["name"]}},
        }
        token = JWS(json.dumps(claims))
        token.add_signature(self._key, protected=json.dumps({"alg": "ES256", "kid": "cluster"}))
        return token.serialize(compact=True)

    def review(self, question):
        """What an API server says of a token."""
        spec = question["spec"]
        self.asked.append(spec["audiences"])
        status = {"authenticated": False, "error": "not one of ours"}
        try:
            token = JWS()
            token.deserialize(spec["token"], self._key)
            claims = json.loads(token.payload)
            audiences = [audience for audience in spec["audiences"] if audience in claims["aud"]]
            if audiences:
                extra = {"authentication.kubernetes.io/pod-name": [claims["kubernetes.io"]["pod"]["name"]]}
                user = {"username": claims["sub"], "groups": ["system:serviceaccounts"], "extra": extra}
                status = {"authenticated": True, "audiences": audiences, "user": user}
        except JWException:
            pass
        return {"apiVersion": question["apiVersion"], "kind": question["kind"], "status": status}


def lay_out(pod, place, api):
    """Writes what the kubelet mounts into the sidecar of `pod`, and returns the path of its configuration.

    Only the folders are others: those of the container are put in their place.
    """
    annotations = pod["metadata"]["annotations"]
    told, state = place / "told", place / "state"
    told.mkdir(parents=True)
    state.mkdir()
    for volume in pod["spec"]["volumes"]:
        for source in volume.get("projected", {}).get("sources", []):
            for item in source.get("downwardAPI", {}).get("items", []):
                annotation = item["fieldRef"]["fieldPath"].removeprefix("metadata.annotations['").removesuffix("']")
                (told / item["path"]).write_text(annotations[annotation])
            if "serviceAccountToken" in source:
                token = source["serviceAccountToken"]
                (told / token["path"]).write_text(api.token(pod, token["audience"]))
    [sidecar] = [one for one in pod["spec"]["initContainers"] if one["name"] == "portreeve"]
    mounts = {mount["mountPath"]: mount["name"] for mount in sidecar["volumeMounts"]}
    assert mounts == {"/etc/portreeve": "portreeve-config", "/var/lib/portreeve": "portreeve-state"}, mounts
    path = told / "portreeve.yaml"
    path.write_text(path.read_text().replace("/var/lib/portreeve", str(state)))
    return path
