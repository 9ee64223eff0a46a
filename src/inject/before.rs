//! Whether a pod has been here before, and is still as we made it.
//!
//! An API server shows a pod again when another webhook has changed it, and people
//! copy manifests of pods that run. What is there under our names is then compared
//! with what we would write. Others may have added to it (defaults, variables, mounts)
//! but not changed it, and nothing of what it may do.

use serde_json::Map;
use serde_json::Value;

use crate::inject::pod::Pod;
use crate::inject::pod::is_own_volume;
use crate::inject::sidecar::Sidecar;
use crate::inject::words;

/// `pod` without what is there under our names.
pub(super) fn without_ours(pod: &Value) -> Value {
    let mut pod = pod.clone();
    for list in ["initContainers", "containers"] {
        let containers = pod.pointer_mut(&format!("/spec/{list}"));
        if let Some(containers) = containers.and_then(Value::as_array_mut) {
            containers.retain(|container| {
                let name = &container["name"];
                name != words::CONTAINER && name != words::INIT_CONTAINER
            });
        }
    }
    let volumes = pod.pointer_mut("/spec/volumes");
    if let Some(volumes) = volumes.and_then(Value::as_array_mut) {
        volumes.retain(|volume| !is_own_volume(&volume["name"]));
    }
    for (map, names) in [
        ("labels", &[words::SIDECAR][..]),
        (
            "annotations",
            &[words::SIDECAR_CONFIG, words::SIDECAR_ROOTS],
        ),
    ] {
        let map = pod.pointer_mut(&format!("/metadata/{map}"));
        if let Some(map) = map.and_then(Value::as_object_mut) {
            map.retain(|name, _value| !names.contains(&name.as_str()));
        }
    }
    pod
}

/// Where `pod` differs from one that has `sidecar`, if it does.
pub(super) fn difference(pod: &Value, sidecar: &Sidecar) -> Option<String> {
    let held = Pod::new(pod);
    let own = |list: &str| {
        let containers = held
            .containers()
            .filter(|one| one.list == list && one.is_ours());
        containers.map(|one| one.value).collect::<Vec<_>>()
    };
    if !own("containers").is_empty() {
        return Some(
            "spec.containers has one of the sidecar's containers, which are init containers"
                .to_owned(),
        );
    }
    let volumes: Vec<_> = held
        .volumes()
        .filter(|volume| is_own_volume(&volume["name"]))
        .collect();
    let found = [
        (
            "spec.initContainers",
            own("initContainers"),
            &sidecar.containers,
        ),
        ("spec.volumes", volumes, &sidecar.volumes),
    ];
    for (place, there, ours) in found {
        let expected: Vec<_> = ours.iter().map(|one| &one["name"]).collect();
        let names: Vec<_> = there.iter().map(|one| &one["name"]).collect();
        if names != expected {
            return Some(format!(
                "{place} has of ours {}, and would have {}",
                listed(&names),
                listed(&expected)
            ));
        }
        let mut pairs = there.iter().zip(ours);
        if let Some(found) = pairs.find_map(|(there, ours)| {
            let name = ours["name"].as_str().unwrap_or_default();
            differs(there, ours, &format!("{place}[{name}]"))
        }) {
            return Some(found);
        }
    }
    let metadata = [
        ("labels", held.labels(), &sidecar.labels),
        ("annotations", held.annotations(), &sidecar.annotations),
    ];
    metadata.into_iter().find_map(|(place, there, ours)| {
        let nothing = Map::new();
        let there = there.unwrap_or(&nothing);
        let mut missing = ours
            .iter()
            .filter(|(name, value)| there.get(*name) != Some(value));
        let (name, _value) = missing.next()?;
        Some(format!("metadata.{place}[{name}] is missing, or another"))
    })
}

fn listed(names: &[&Value]) -> String {
    let names: Vec<String> = names
        .iter()
        .map(|name| format!("`{}`", name.as_str().unwrap_or("?")))
        .collect();
    if names.is_empty() {
        return "nothing".to_owned();
    }
    names.join(", ")
}

/// Where something of `ours` is not in `there`, if it is not.
fn differs(there: &Value, ours: &Value, place: &str) -> Option<String> {
    match (there, ours) {
        (Value::Object(there), Value::Object(ours)) => {
            if let Some(more) = TOUCHES
                .into_iter()
                .find(|name| there.contains_key(*name) && !ours.contains_key(*name))
            {
                return Some(format!("{place}.{more} is not from us"));
            }
            let mut keys = ours.iter();
            keys.find_map(|(name, ours)| {
                let place = format!("{place}.{name}");
                match there.get(name) {
                    // What it may do is all that is written there.
                    Some(there) if name == "securityContext" && there != ours => {
                        Some(format!("{place} is another"))
                    }
                    Some(there) => differs(there, ours, &place),
                    None => Some(format!("{place} is missing")),
                }
            })
        }
        (Value::Array(there), Value::Array(ours)) if ours.iter().all(Value::is_object) => {
            let is_there =
                |one: &Value| there.iter().any(|there| differs(there, one, "").is_none());
            let missing = ours.iter().position(|one| !is_there(one))?;
            Some(format!("{place} is without what would be number {missing}"))
        }
        (there, ours) => {
            (there != ours).then(|| format!("{place} is `{there}`, and would be `{ours}`"))
        }
    }
}

/// What would change what a container does, or what becomes of it.
const TOUCHES: [&str; 4] = ["args", "command", "lifecycle", "envFrom"];
