//! What no pod can have, each beside its twin.

use serde_json::json;

use crate::inject::Outcome;
use crate::inject::tests::Bench;
use crate::inject::tests::annotated;
use crate::inject::tests::pod;
use crate::inject::tests::transparent;
use crate::inject::tests::with;

/// Each with what is said of it; all of them pass without it.
#[test]
fn what_cannot_be_understood_is_refused_with_its_place() {
    let bench = Bench::new(Some("portreeve-init"));
    assert!(matches!(bench.decide(&pod()), Outcome::Inject(_)));
    let cases = [
        (
            annotated("portreeve.dev/sevice", "a"),
            "annotation `portreeve.dev/sevice`: is no annotation of ours",
        ),
        (
            annotated("portreeve.dev/inject", "enabled"),
            "annotation `portreeve.dev/inject`: is a label",
        ),
        (
            annotated("portreeve.dev/service", "a b"),
            "annotation `portreeve.dev/service`: `a b`",
        ),
        (
            annotated("portreeve.dev/service", 7),
            "annotation `portreeve.dev/service`: must be a text",
        ),
        (
            annotated("portreeve.dev/app-port", "0"),
            "annotation `portreeve.dev/app-port`: `0`: must be from 1",
        ),
        (
            annotated("portreeve.dev/app-port", "web"),
            "`web`: must be from 1 to 65535, or the name",
        ),
        (
            annotated("portreeve.dev/app-port", "15006"),
            "`15006`: is a port of the sidecar's",
        ),
        (
            annotated("portreeve.dev/app-protocol", "grpc"),
            "`grpc`: must be `http1` or `http2`",
        ),
        (
            annotated("portreeve.dev/transparent", "true"),
            "`true`: must be `enabled` or `disabled`",
        ),
        (
            annotated("portreeve.dev/exclude-networks", "10.0.0.0/8"),
            "is of use only with `portreeve.dev/transparent: enabled`",
        ),
        (
            annotated("portreeve.dev/policy", "configmap/A"),
            "`configmap/A`: must be `authority`, or",
        ),
        (
            annotated("portreeve.dev/workers", "0"),
            "annotation `portreeve.dev/workers`: `0`",
        ),
        (
            annotated("portreeve.dev/cpu-limit", "1e3"),
            "annotation `portreeve.dev/cpu-limit`: `1e3`: `e3` is no unit",
        ),
        (
            annotated("portreeve.dev/memory-request", "0"),
            "`0`: it must be above zero",
        ),
        (
            annotated("portreeve.dev/config", "- a"),
            "must be sections of the configuration",
        ),
        (
            annotated("portreeve.dev/config", "{"),
            "annotation `portreeve.dev/config`: ",
        ),
        (
            annotated("portreeve.dev/config", "edge: {}"),
            "`edge`: the injector writes it, or no sidecar",
        ),
        (
            annotated("portreeve.dev/config", "inbound: { listen: x }"),
            "`inbound.listen`: the injector writes it",
        ),
        (
            annotated("portreeve.dev/config", "transparent: {}"),
            "`transparent`: is of use only with",
        ),
        (
            with(
                pod(),
                "/metadata/labels",
                json!({ "portreeve.dev/service": "a" }),
            ),
            "label `portreeve.dev/service`: is no label",
        ),
        (
            with(pod(), "/spec/hostNetwork", true),
            "spec.hostNetwork: the network is the node's",
        ),
        (
            with(pod(), "/spec/os", json!({ "name": "windows" })),
            "spec.os.name: there is no sidecar",
        ),
        (
            with(pod(), "/spec/containers/0/ports/0/containerPort", 15020),
            "spec.containers[0].ports[0].containerPort: 15020 is",
        ),
        (
            with(
                pod(),
                "/spec/volumes",
                json!([{ "name": "portreeve-state" }]),
            ),
            "spec.initContainers has of ours nothing, and would have `portreeve`",
        ),
        (
            with(pod(), "/spec/containers/-", json!({ "name": "portreeve" })),
            "spec.containers has one of the sidecar's",
        ),
        (
            with(
                pod(),
                "/spec/initContainers/-",
                json!({ "name": "portreeve" }),
            ),
            "spec.initContainers[portreeve].image is missing",
        ),
    ];
    for (pod, why) in cases {
        let refused = bench.refused(&pod);
        assert!(refused.contains(why), "{refused} is not {why}");
    }
    let alone =
        json!({ "metadata": { "annotations": { "portreeve.dev/service": "a" } }, "spec": {} });
    assert!(bench.refused(&alone).contains("go together"));
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
    let excluded = with(
        transparent(),
        "/metadata/annotations/portreeve.dev~1exclude-inbound-ports",
        "9090, 9091",
    );
    let done = bench.injected(&with(excluded, probe, asked("tcpSocket", 9090)));
    let args = done["spec"]["initContainers"][0]["args"]
        .as_array()
        .unwrap();
    assert_eq!(args.last().unwrap(), "--exclude-inbound-ports=9090,9091");

    let without = Bench::new(None);
    assert!(
        without
            .refused(&transparent())
            .contains("the injector has no `sidecar.init_image`")
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
