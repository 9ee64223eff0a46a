//! What an injector makes of pods.

mod refused;

use super::*;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

use crate::audit;
use crate::ca::make_root;
use crate::inject::patch::Pointer;
use crate::time::Clock;
use crate::time::SystemClock;
use crate::x509::certificates_to_pem;

/// An injector, and what it needs to be there.
struct Bench {
    injector: Injector,
    _dir: tempfile::TempDir,
    _writer: audit::Writer,
}

impl Bench {
    fn new(init_image: Option<&str>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let domain = "example.org".parse().unwrap();
        let lifetime = Duration::from_secs(3_600);
        let (root, _key) = make_root(&domain, lifetime, SystemTime::UNIX_EPOCH + lifetime).unwrap();
        let roots = dir.path().join("roots.pem");
        std::fs::write(&roots, certificates_to_pem([&root])).unwrap();
        let settings = settings(roots, init_image);
        let records = audit::Sink::File(dir.path().join("records.jsonl"));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let records = audit::Settings {
            queue_records: NonZeroUsize::new(ROOM).unwrap(),
            ..audit::Settings::new(records)
        };
        let log = audit::Log::open(&records, NonZeroUsize::MIN, clock);
        let (log, writer) = log.unwrap();
        let shard = log.shard(0).unwrap();
        Self {
            injector: Injector::new(settings, |_config| Vec::new(), shard).unwrap(),
            _dir: dir,
            _writer: writer,
        }
    }

    fn decide(&self, pod: &Value) -> Outcome {
        self.injector.decide(pod)
    }

    fn injected(&self, pod: &Value) -> Value {
        match self.decide(pod) {
            Outcome::Inject(patch) => apply(patch, pod),
            other => panic!("{other:?}"),
        }
    }

    fn refused(&self, pod: &Value) -> String {
        match self.decide(pod) {
            Outcome::Refuse(refusal) => refusal.to_string(),
            other => panic!("{other:?} of {pod:#}"),
        }
    }
}

fn settings(roots: PathBuf, init_image: Option<&str>) -> SidecarSettings {
    let quantity = |text: &str| text.parse::<Quantity>().unwrap();
    SidecarSettings {
        address: "0.0.0.0".parse().unwrap(),
        audience: "portreeve".to_owned(),
        authorities: vec!["https://authority.example:15443".to_owned()],
        image: "portreeve".to_owned(),
        init_image: init_image.map(str::to_owned),
        pull_policy: PullPolicy::IfNotPresent,
        resources: Resources {
            cpu_limit: None,
            cpu_request: quantity("10m"),
            memory_limit: quantity("128Mi"),
            memory_request: quantity("32Mi"),
        },
        roots,
        trust_domain: "example.org".parse().unwrap(),
        workers: std::num::NonZeroU16::MIN,
    }
}

fn pod() -> Value {
    json!({
        "metadata": {
            "generateName": "orders-",
            "annotations": {
                "portreeve.dev/service": "orders",
                "portreeve.dev/app-port": "http",
                "prometheus.io/scrape": "false",
            },
        },
        "spec": {
            "initContainers": [{ "name": "schema", "image": "orders" }],
            "containers": [{
                "name": "orders",
                "image": "orders",
                "ports": [{ "name": "http", "containerPort": 8080 }],
                "readinessProbe": { "httpGet": { "path": "/ready", "port": "http" } },
                "livenessProbe": { "exec": { "command": ["true"] } },
            }],
        },
    })
}

fn transparent() -> Value {
    with(
        pod(),
        "/metadata/annotations/portreeve.dev~1transparent",
        "enabled",
    )
}

/// `pod` with `value` at a place whose parent is there.
fn with(mut pod: Value, place: &str, value: impl Into<Value>) -> Value {
    let (parent, name) = place.rsplit_once('/').unwrap();
    let name = name.replace("~1", "/").replace("~0", "~");
    match pod.pointer_mut(parent).unwrap() {
        Value::Array(list) if name == "-" => list.push(value.into()),
        parent => parent[name] = value.into(),
    }
    pod
}

fn annotated(name: &str, value: impl Into<Value>) -> Value {
    let name = name.replace('/', "~1");
    with(pod(), &format!("/metadata/annotations/{name}"), value)
}

/// What an API server does with a patch.
fn apply(patch: Patch, pod: &Value) -> Value {
    let mut pod = pod.clone();
    for change in patch.into_json().as_array().unwrap() {
        let (place, value) = (change["path"].as_str().unwrap(), &change["value"]);
        let (parent, name) = place.rsplit_once('/').unwrap();
        let name = name.replace("~1", "/").replace("~0", "~");
        match (pod.pointer_mut(parent).unwrap(), change["op"].as_str()) {
            (Value::Array(list), Some("add")) => list.insert(name.parse().unwrap(), value.clone()),
            (Value::Object(map), Some("add")) => drop(map.insert(name, value.clone())),
            (Value::Object(map), Some("replace")) => {
                map.insert(name, value.clone())
                    .expect("there is something to replace");
            }
            (_, op) => panic!("{op:?} at {place}"),
        }
    }
    pod
}

fn names(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.map(|one| one["name"].as_str().unwrap()).collect()
}

#[test]
fn a_sidecar_comes_before_all_that_is_in_the_pod_and_once() {
    let bench = Bench::new(Some("portreeve-init"));
    let plain = bench.injected(&pod());
    assert_eq!(
        names(&plain["spec"]["initContainers"]),
        ["portreeve", "schema"]
    );
    assert_eq!(
        names(&plain["spec"]["volumes"]),
        ["portreeve-config", "portreeve-state"]
    );
    let sidecar = &plain["spec"]["initContainers"][0];
    assert_eq!(sidecar["restartPolicy"], "Always");
    assert_eq!(
        plain["metadata"]["annotations"]["prometheus.io/scrape"],
        "false"
    );
    assert_eq!(
        plain["metadata"]["labels"],
        json!({ "portreeve.dev/sidecar": "injected" })
    );
    assert_eq!(bench.decide(&plain), Outcome::Keep);

    let redirected = bench.injected(&transparent());
    let init = ["portreeve-init-net", "portreeve", "schema"];
    assert_eq!(names(&redirected["spec"]["initContainers"]), init);
    assert_eq!(bench.decide(&redirected), Outcome::Keep);

    // Nothing is there that could be added to.
    let bare = json!({ "metadata": {}, "spec": { "containers": [{ "name": "a" }] } });
    let bare = bench.injected(&bare);
    assert_eq!(names(&bare["spec"]["initContainers"]), ["portreeve"]);
    assert_eq!(bench.decide(&bare), Outcome::Keep);
}

#[test]
fn a_probe_of_the_application_goes_to_the_sidecar_and_no_other_does() {
    let bench = Bench::new(None);
    let asked = json!({ "httpGet": { "path": "/other", "port": 9090 } });
    let other = json!({ "name": "metrics", "image": "metrics", "startupProbe": asked });
    let pod = with(pod(), "/spec/containers/-", other);
    let done = bench.injected(&pod);
    let probe = |container: usize, kind: &str| done["spec"]["containers"][container][kind].clone();
    let moved = json!({ "httpGet": { "path": "/ready", "port": 15021 } });
    assert_eq!(probe(0, "readinessProbe"), moved);
    assert_eq!(
        probe(0, "livenessProbe"),
        pod["spec"]["containers"][0]["livenessProbe"]
    );
    assert_eq!(probe(1, "startupProbe"), asked);
    let config = done["metadata"]["annotations"]["portreeve.dev/sidecar-config"].as_str();
    let config: Value = serde_json::from_str(config.unwrap()).unwrap();
    let door = json!({ "listen": "0.0.0.0:15021", "paths": ["/ready"] });
    assert_eq!(config["inbound"]["probes"], door);
    assert_eq!(config["inbound"]["app"], "127.0.0.1:8080");
}

#[test]
fn what_the_label_says_is_done_or_refused() {
    let bench = Bench::new(None);
    let labelled = |value: &str| {
        let pod = with(pod(), "/metadata/labels", json!({}));
        with(pod, "/metadata/labels/portreeve.dev~1inject", value)
    };
    assert_eq!(bench.decide(&labelled("disabled")), Outcome::Leave);
    assert!(matches!(
        bench.decide(&labelled("enabled")),
        Outcome::Inject(_)
    ));
    let refused = bench.refused(&labelled("true"));
    assert!(
        refused.contains("label `portreeve.dev/inject`: \"true\": must be"),
        "{refused}"
    );
}

#[test]
fn a_pod_with_a_sidecar_may_be_added_to() {
    let bench = Bench::new(Some("portreeve-init"));
    let done = bench.injected(&transparent());
    let token = json!({ "name": "kube-api-access-x", "mountPath": "/var/run/secrets" });
    let added = [
        ("env", json!([{ "name": "A", "value": "b" }])),
        ("volumeMounts/-", token),
        ("resources/claims", json!([])),
    ];
    for (name, value) in added {
        let pod = with(
            done.clone(),
            &format!("/spec/initContainers/1/{name}"),
            value,
        );
        assert_eq!(bench.decide(&pod), Outcome::Keep, "{name}");
    }
}

#[test]
fn a_pod_with_a_sidecar_may_not_be_changed() {
    let bench = Bench::new(Some("portreeve-init"));
    let done = bench.injected(&transparent());
    let security = "/spec/initContainers/1/securityContext";
    let first = "/spec/initContainers/0/securityContext/capabilities/add/-";
    let [sidecar, config, workers] = ["sidecar", "sidecar-config", "workers"];
    let label = format!("/metadata/labels/portreeve.dev~1{sidecar}");
    let annotation = |name: &str| format!("/metadata/annotations/portreeve.dev~1{name}");
    let another = "securityContext is another";
    let told = "metadata.annotations[portreeve.dev/sidecar-config] is";
    let own = |name: &str| format!("/spec/initContainers/1/{name}");
    let twice = json!({ "name": "portreeve" });
    let changed = [
        (own("image"), json!("x"), "[portreeve].image is `\"x\"`"),
        (format!("{security}/privileged"), json!(true), another),
        (format!("{security}/procMount"), json!("Unmasked"), another),
        (first.to_owned(), json!("SYS_ADMIN"), another),
        (own("lifecycle"), json!({}), "lifecycle is not from us"),
        (own("args/-"), json!("--x"), "[portreeve].args is"),
        (own("restartPolicy"), Value::Null, "restartPolicy is"),
        ("/spec/initContainers/-".to_owned(), twice, "has of ours"),
        (
            "/spec/volumes/1/emptyDir".to_owned(),
            json!({}),
            "medium is",
        ),
        (label, json!("no"), "metadata.labels[portreeve.dev/sidecar]"),
        (annotation(config), json!("{}"), told),
        (annotation(workers), json!("2"), told),
    ];
    for (place, value, why) in changed {
        let refused = bench.refused(&with(done.clone(), &place, value));
        assert!(refused.contains(why), "{refused} is not {why}");
    }
}

#[test]
fn without_room_for_its_record_no_pod_is_made() {
    let bench = Bench::new(None);
    let asked = |pod| Asked {
        uid: "1".to_owned(),
        namespace: "shop".to_owned(),
        user: "somebody".to_owned(),
        pod,
    };
    // Nobody writes what is recorded here.
    for _ in 0..ROOM {
        let made = bench.injector.answer(&asked(Some(pod())));
        assert!(matches!(made, Outcome::Inject(_)), "{made:?}");
    }
    let refused = bench.injector.answer(&asked(Some(pod())));
    assert_eq!(refused, Outcome::Refuse(Refusal::NoRoom));
    assert_eq!(bench.injector.answer(&asked(None)), Outcome::Leave);
}

/// How many records there is room for.
const ROOM: usize = 2;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_written_is_refused_or_done_once(
        which in 0..words::WISHES.len(),
        text in "(enabled|http2|authority|configmap/[a-z.-]{0,8}|[0-9]{1,5}|[0-9]{1,3}(m|Mi)|[a-z]+: [{\\[]?[a-z: ]{0,9}[}\\]]?|\\PC{0,12})",
        other in "[~/a-z]{0,6}",
    ) {
        let bench = Bench::new(Some("portreeve-init"));
        let name = words::WISHES[which];
        let mut pod = annotated(name, text);
        pod["metadata"]["annotations"][format!("example.org/{other}")] = json!("x");
        if let Outcome::Inject(patch) = bench.decide(&pod) {
            let done = apply(patch, &pod);
            prop_assert_eq!(bench.decide(&done), Outcome::Keep);
            for (name, value) in pod["metadata"]["annotations"].as_object().unwrap() {
                let place = Pointer::to(["metadata", "annotations", name.as_str()]);
                prop_assert_eq!(done.pointer(place.as_str()), Some(value));
            }
        }
    }
}
