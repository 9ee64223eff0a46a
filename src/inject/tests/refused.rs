//! What no pod can have, each beside its twin.

use serde_json::json;

use crate::inject::Outcome;
use crate::inject::tests::Bench;
use crate::inject::tests::annotated;
use crate::inject::tests::pod;
use crate::inject::tests::transparent;
use crate::inject::tests::with;

/// An annotation, what is written there, and what is said of it.
const ANNOTATIONS: [(&str, &str, &str); 19] = [
    ("sevice", "a", "is no annotation of ours"),
    ("inject", "enabled", "is a label"),
    ("service", "a b", "`a b`"),
    ("app-port", "0", "`0`: must be from 1 to 65535"),
    (
        "app-port",
        "web",
        "`web`: must be from 1 to 65535, or the name",
    ),
    ("app-port", "15006", "`15006`: is a port of the sidecar's"),
    ("app-protocol", "grpc", "`grpc`: must be `http1` or `http2`"),
    (
        "transparent",
        "true",
        "`true`: must be `enabled` or `disabled`",
    ),
    (
        "exclude-networks",
        "::/0",
        "is of use only with `portreeve.dev/transparent: enabled`",
    ),
    (
        "policy",
        "configmap/A",
        "`configmap/A`: must be `authority`, or",
    ),
    ("workers", "0", "`0`"),
    ("cpu-limit", "1e3", "`1e3`: `e3` is no unit"),
    ("memory-request", "0", "`0`: it must be above zero"),
    ("config", "- a", "must be sections of the configuration"),
    ("config", "{", ""),
    (
        "config",
        "edge: {}",
        "`edge`: the injector writes it, or no",
    ),
    (
        "config",
        "inbound: { app: x }",
        "`inbound.app`: the injector writes it",
    ),
    ("config", "policy: 7", "`policy`: the injector writes it"),
    (
        "config",
        "transparent: {}",
        "`transparent`: is of use only with",
    ),
];

/// All of them pass without it.
#[test]
fn an_annotation_that_cannot_be_understood_is_refused() {
    let bench = Bench::new(Some("portreeve-init"));
    bench.injected(&pod());
    for (name, written, why) in ANNOTATIONS {
        let name = format!("portreeve.dev/{name}");
        let refused = bench.refused(&annotated(&name, written));
        let why = format!("annotation `{name}`: {why}");
        assert!(refused.contains(&why), "{refused} is not {why}");
    }
    let refused = bench.refused(&annotated("portreeve.dev/service", 7));
    assert!(refused.contains("must be a text"), "{refused}");
    let alone = json!({ "portreeve.dev/service": "a" });
    let alone = json!({ "metadata": { "annotations": alone }, "spec": {} });
    assert!(bench.refused(&alone).contains("go together"));
    let protocol = json!({ "portreeve.dev/app-protocol": "http2" });
    let protocol = json!({ "metadata": { "annotations": protocol }, "spec": {} });
    assert!(
        bench
            .refused(&protocol)
            .contains("is of use only with `portreeve.dev/app-port`")
    );
}

#[test]
fn a_pod_that_has_no_place_for_a_sidecar_is_refused() {
    let bench = Bench::new(None);
    let named = |name: &str| json!({ "name": name });
    let label = json!({ "portreeve.dev/service": "a" });
    let (os, state) = (named("windows"), json!([named("portreeve-state")]));
    let port = "/spec/containers/0/ports/0/containerPort";
    let (here, there) = ("/spec/containers/-", "/spec/initContainers/-");
    let cases = [
        (
            "/metadata/labels",
            label,
            "label `portreeve.dev/service`: is",
        ),
        (
            "/spec/hostNetwork",
            json!(true),
            "spec.hostNetwork: the net",
        ),
        ("/spec/os", os, "spec.os.name: there is no sidecar"),
        (port, json!(15020), "ports[0].containerPort: 15020 is"),
        (
            "/spec/volumes",
            state,
            "spec.initContainers has of ours nothing",
        ),
        (here, named("portreeve"), "spec.containers has one of"),
        (
            there,
            named("portreeve"),
            "initContainers[portreeve].image is",
        ),
    ];
    for (place, value, why) in cases {
        let refused = bench.refused(&with(pod(), place, value));
        assert!(refused.contains(why), "{refused} is not {why}");
    }
    bench.injected(&with(pod(), "/spec/hostNetwork", false));
    bench.injected(&with(pod(), port, 15019));
    bench.injected(&with(pod(), "/spec/volumes", json!([named("state")])));
    bench.injected(&with(pod(), here, named("portreeve-2")));
}

#[test]
fn what_could_not_work_behind_the_firewall_is_refused_there_alone() {
    let bench = Bench::new(Some("portreeve-init"));
    let (probe, asked) = (
        "/spec/containers/0/livenessProbe",
        |kind: &str, port: u16| json!({ kind: { "port": port } }),
    );
    let cases = [
        (
            probe,
            asked("tcpSocket", 8080),
            "livenessProbe.tcpSocket: would ask the sidecar",
        ),
        (
            probe,
            asked("grpc", 8080),
            "livenessProbe.grpc: would ask the sidecar",
        ),
        (
            probe,
            asked("httpGet", 9090),
            "livenessProbe.httpGet.port: port 9090 is not",
        ),
        (
            "/spec/containers/0/lifecycle",
            json!({ "preStop": { "httpGet": { "port": 8080 } } }),
            "lifecycle.preStop.httpGet: nobody gets past",
        ),
        (
            "/spec/securityContext",
            json!({ "runAsUser": 1337 }),
            "spec.securityContext.runAsUser: 1337 is the sidecar's",
        ),
        (
            "/spec/containers/0/securityContext",
            json!({ "runAsUser": 1337 }),
            "spec.containers[0].securityContext.runAsUser: 1337",
        ),
    ];
    assert!(matches!(bench.decide(&transparent()), Outcome::Inject(_)));
    for (place, value, why) in cases {
        let refused = bench.refused(&with(transparent(), place, value.clone()));
        assert!(refused.contains(why), "{refused} is not {why}");
        let twin = bench.decide(&with(pod(), place, value));
        assert!(matches!(twin, Outcome::Inject(_)), "{place}: {twin:?}");
    }
}

#[test]
fn the_firewall_leaves_alone_what_is_excluded_and_is_refused_where_there_is_none() {
    let excluded = "/metadata/annotations/portreeve.dev~1exclude-inbound-ports";
    let excluded = with(transparent(), excluded, "9090, 9091");
    let probe = json!({ "tcpSocket": { "port": 9090 } });
    let pod = with(excluded, "/spec/containers/0/livenessProbe", probe);
    let done = Bench::new(Some("portreeve-init")).injected(&pod);
    let args = done.pointer("/spec/initContainers/0/args").unwrap();
    let last = args.as_array().unwrap().last();
    assert_eq!(last.unwrap(), "--exclude-inbound-ports=9090,9091");
    let refused = Bench::new(None).refused(&pod);
    assert!(
        refused.contains("the injector has no `sidecar.init_image`"),
        "{refused}"
    );
}

#[test]
fn a_probe_that_the_sidecar_cannot_pass_on_is_refused() {
    let bench = Bench::new(None);
    let cases = [
        (
            json!({ "port": 8080, "path": "/a?b=c" }),
            "readinessProbe.httpGet.path: `/a?b=c`",
        ),
        (
            json!({ "port": 8080, "scheme": "HTTPS" }),
            "httpGet.scheme: the sidecar's port",
        ),
        (
            json!({ "port": 8080, "host": "127.0.0.1" }),
            "httpGet.host: the sidecar is asked",
        ),
        (
            json!({ "port": 8080, "httpHeaders": [{ "name": "Cookie" }] }),
            "httpHeaders: `Cookie` is not passed on",
        ),
    ];
    for (asked, why) in cases {
        let refused = bench.refused(&with(
            pod(),
            "/spec/containers/0/readinessProbe/httpGet",
            asked,
        ));
        assert!(refused.contains(why), "{refused} is not {why}");
    }
    let host = json!({ "port": 8080, "httpHeaders": [{ "name": "Host", "value": "a" }] });
    bench.injected(&with(
        pod(),
        "/spec/containers/0/readinessProbe/httpGet",
        host,
    ));
}
