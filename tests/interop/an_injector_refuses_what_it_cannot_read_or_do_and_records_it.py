"""A webhook over TLS, asked as an API server asks: each question that is refused beside one that is answered, with its record."""

import copy
import json
import ssl

from support.injector import Injector
from support.injector import review
from support.kubernetes import Tools
from support.kubernetes import named
from support.kubernetes import pod_of
from support.wait import until


def test(case):
    tools = Tools(case)
    config = named(tools.kustomize("overlays/development"), "ConfigMap", "portreeve-injector")["data"]["injector.yaml"]
    injector = Injector(case, config, tools.files)
    orders = pod_of(named(tools.kustomize("example"), "Deployment", "orders"), "shop")
    questions_that_are_none(injector, orders)
    nobody_else_is_believed(injector)
    pods_that_are_not_changed(injector, orders)
    pods_that_are_not_made(injector, orders)
    what_is_counted(injector)
    starts_that_are_refused(case, injector)


def questions_that_are_none(injector, pod):
    """What is no review gets a status of HTTP: an API server makes no pod of that."""
    good = json.dumps(review(pod))
    assert injector.ask(good)[0] == 200
    assert injector.ask(good, kind="application/json; charset=utf-8")[0] == 200
    old = json.dumps({**review(pod), "apiVersion": "admission.k8s.io/v1beta1"})
    for status, said, asked in [
        (404, "/inject", {"body": good, "path": "/"}),
        (405, "only POST", {"body": None, "method": "GET"}),
        (415, "application/json", {"body": good, "kind": "text/plain"}),
        (415, "application/json", {"body": good, "kind": None}),
        (413, "4 MiB", {"body": good + " " * (4 << 20)}),
        (400, "line 1, column", {"body": good[:-1]}),
        (400, "line 1, column", {"body": b"\xff"}),
        (400, "admission.k8s.io/v1beta1", {"body": old}),
    ]:
        found = injector.ask(**asked)
        assert found[0] == status and said in found[1].decode(), (status, said, found)
    assert injector.ask(good + " " * (3 << 20))[0] == 200


def nobody_else_is_believed(injector):
    """An API server believes no other CA, and no other name."""
    for refused in [{"roots": injector.files / "root.crt"}, {"host": "portreeve-injector.other.svc"}]:
        try:
            injector.connect(**refused).request("POST", "/inject")
            raise AssertionError(f"believed by {refused}")
        except ssl.SSLCertVerificationError:
            pass


def pods_that_are_not_changed(injector, pod):
    """What is about something else, or wants none, passes as it is."""
    for more in [{"kind": "Deployment"}, {"operation": "UPDATE"}]:
        answer = injector.review(pod, **more)
        assert answer["allowed"] is True and "patch" not in answer, answer
    injector.keep(changed(pod, ["metadata", "labels", "portreeve.dev/inject"], "disabled"))
    injector.inject(changed(pod, ["metadata", "labels", "portreeve.dev/inject"], "enabled"))
    record = injector.record(event="pod_review", decision="permit", reason="left_alone")
    assert record["namespace"] == "shop" and record["pod"] == "orders-5d59d67564-", record
    assert record["user"] == "system:serviceaccount:kube-system:replicaset-controller", record


def pods_that_are_not_made(injector, pod):
    """The whole way from an annotation to what `kubectl` shows; each passes without its one mistake."""
    config = ["metadata", "annotations", "portreeve.dev/config"]
    outbound = "outbound: [{ listen: '127.0.0.1:15001', to: 'web:15006', expect: '%s' }]"
    injector.inject(changed(pod, config, outbound % "spiffe://cluster.local/web"))
    cases = [
        (config, outbound % "web", "the sidecar's configuration: outbound[0].expect"),
        (config, "outbound: [{ listen: '0.0.0.0:15001' }]", "outbound[0].to"),
        (config, "limits: { conections: 1 }", "limits.conections"),
        (config, "identity: {}", "annotation `portreeve.dev/config`: `identity`"),
        (["metadata", "annotations", "portreeve.dev/app-port"], "https", "annotation `portreeve.dev/app-port`: `https`"),
        (["metadata", "annotations", "portreeve.dev/app-prot"], "80", "annotation `portreeve.dev/app-prot`: is no annotation"),
        (["metadata", "annotations", "portreeve.dev/transparent"], "enabled", "no `sidecar.init_image`"),
        (["metadata", "labels", "portreeve.dev/inject"], "yes", "label `portreeve.dev/inject`"),
        (["spec", "hostNetwork"], True, "spec.hostNetwork"),
        (["spec", "volumes"], [{"name": "portreeve-config", "emptyDir": {}}], "has a part of a sidecar"),
        (["spec", "initContainers"], [{"name": "portreeve", "image": "portreeve"}], "has a part of a sidecar"),
    ]
    for path, value, said in cases:
        refused = injector.refuse(changed(pod, path, value))
        assert refused.startswith("portreeve: ") and said in refused, (said, refused)
        record = injector.record(event="pod_review", decision="refused", detail=refused.removeprefix("portreeve: "))
        assert record["reason"] in ("mistakes", "already_there"), record
    # All mistakes at once.
    both = changed(pod, ["spec", "hostNetwork"], True)
    both = injector.refuse(changed(both, ["metadata", "annotations", "portreeve.dev/workers"], "none"))
    assert "spec.hostNetwork" in both and "portreeve.dev/workers" in both, both
    # A pod that has been here is the same the second time, and refused when it is changed under our names.
    done = injector.inject(pod)
    injector.keep(done)
    injector.refuse(changed(done, ["metadata", "annotations", "portreeve.dev/sidecar-config"], "{}"))


def what_is_counted(injector):
    """Metrics and readiness."""
    status, text = injector.ask_admin("/readyz")
    assert status == 200, text
    _, metrics = injector.ask_admin("/metrics")
    for result in ["injected", "kept", "left_alone", "mistakes", "already_there", "unreadable"]:
        assert f'portreeve_injector_reviews_total{{result="{result}"}}' in metrics, (result, metrics)
    assert 'portreeve_injector_handshakes_total{result="ok"}' in metrics, metrics
    until(
        lambda: injector.ask_admin("/metrics")[1].count("portreeve_injector_handshakes_total{") > 1,
        "the handshakes that failed to be counted",
    )


def starts_that_are_refused(case, injector):
    """What no pod could be given is said at the start, and not with each pod; the configuration beside it is what runs."""
    for number, (path, value, said) in enumerate([
        (["authority", "url"], "http://authority", "`http://authority` is not `https://host:port`"),
        (["authority", "roots"], "none.crt", "`authority.roots` cannot be given to sidecars"),
        (["certificate"], "none.crt", "`certificate` cannot be shown to API servers"),
        (["key"], str(injector.files / "root.key"), "`certificate` cannot be shown to API servers"),
        (["sidecar", "address"], "10.0.0.1", "sidecar.address: must be `0.0.0.0` or `::`"),
        (["sidecar", "memory_limit"], "much", "sidecar.memory_limit: `much`"),
        (["admin", "listen"], "0.0.0.0:15446", "admin.listen: `0.0.0.0:15446` is not on loopback"),
    ]):
        config = {**changed(injector.config, path, value), "listen": case.address()}
        program = case.start(f"bad-{number}", [case.binary, "injector", "--config",
                             case.write(f"bad-{number}.yaml", json.dumps(config))])
        assert program.ended() == 1 and said in program.last_words(), (path, program.last_words())


def changed(pod, path, value):
    """`pod` with something else at a place."""
    pod = copy.deepcopy(pod)
    place = pod
    for name in path[:-1]:
        place = place.setdefault(name, {})
    place[path[-1]] = value
    return pod
