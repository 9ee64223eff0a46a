//! The containers that a pod gets.
//!
//! Every field is written that an API server would fill in, so that what it shows
//! later is what was written. The sidecar is what the Pod Security level `restricted`
//! asks for; where the firewall is needed, one container that ends before anything
//! else runs may change the pod's network, and nothing besides.

use serde_json::Value;
use serde_json::json;

use crate::inject::configuration::CONFIG_FOLDER;
use crate::inject::configuration::POLICY_FOLDER;
use crate::inject::configuration::STATE_FOLDER;
use crate::inject::json::with;
use crate::inject::probes::Probes;
use crate::inject::settings::SidecarSettings;
use crate::inject::wishes::PolicyFrom;
use crate::inject::wishes::Redirected;
use crate::inject::wishes::Wishes;
use crate::inject::words;

/// The sidecar: it starts before the application, and ends after it.
pub(super) fn sidecar(settings: &SidecarSettings, wishes: &Wishes, probes: &Probes) -> Value {
    let uid = uid(wishes);
    let mut ports = vec![port("portreeve-admin", words::ADMIN_PORT)];
    if wishes.app.is_some() {
        ports.push(port("portreeve-mtls", words::INBOUND_PORT));
    }
    if !probes.paths.is_empty() {
        ports.push(port("portreeve-probe", words::PROBES_PORT));
    }
    let mut mounts = vec![
        read_only(mount(words::CONFIG_VOLUME, CONFIG_FOLDER)),
        mount(words::STATE_VOLUME, STATE_FOLDER),
    ];
    if wishes.policy != PolicyFrom::Authority {
        mounts.push(read_only(mount(words::POLICY_VOLUME, POLICY_FOLDER)));
    }
    json!({
        "name": words::CONTAINER,
        "image": settings.image,
        "imagePullPolicy": settings.pull_policy.as_str(),
        "restartPolicy": "Always",
        "command": [PROGRAM],
        "args": ["run", "--config", format!("{CONFIG_FOLDER}/{CONFIG_FILE}")],
        "ports": ports,
        // It answers as soon as it has a name and policies. Whether the application is
        // well does not matter: that is started only then.
        "startupProbe": probe("/livez", 1, 120),
        "livenessProbe": probe("/livez", 10, 3),
        "readinessProbe": probe("/readyz", 2, 2),
        "resources": resources(settings, wishes),
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": { "drop": ["ALL"] },
            "privileged": false,
            "readOnlyRootFilesystem": true,
            "runAsGroup": uid,
            "runAsNonRoot": true,
            "runAsUser": uid,
            "seccompProfile": { "type": "RuntimeDefault" },
        },
        "terminationMessagePath": TERMINATION_PATH,
        "terminationMessagePolicy": TERMINATION_POLICY,
        "volumeMounts": mounts,
    })
}

/// What loads the firewall's rules from `image`, and ends.
pub(super) fn init_net(
    settings: &SidecarSettings,
    image: &str,
    redirected: &Redirected,
    wishes: &Wishes,
) -> Value {
    let path = format!("{CONFIG_FOLDER}/{CONFIG_FILE}");
    let uid = uid(wishes).to_string();
    let mut args: Vec<String> = ["init-net", "--config", &path, "--uid", &uid, "--apply"]
        .map(str::to_owned)
        .into();
    for (option, values) in [
        ("--exclude-inbound-ports", texts(&redirected.inbound_ports)),
        ("--exclude-networks", texts(&redirected.networks)),
        (
            "--exclude-outbound-ports",
            texts(&redirected.outbound_ports),
        ),
    ] {
        if !values.is_empty() {
            args.push(format!("{option}={}", values.join(",")));
        }
    }
    // Only what it reads: the pod's token is none of its business.
    let config = read_only(mount(words::CONFIG_VOLUME, &path));
    let config = with(config, "subPath", json!(CONFIG_FILE));
    json!({
        "name": words::INIT_CONTAINER,
        "image": image,
        "imagePullPolicy": settings.pull_policy.as_str(),
        "command": [PROGRAM],
        "args": args,
        "resources": resources(settings, wishes),
        // Of root's rights it has the one that is named, and of files those of the image.
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": { "add": ["NET_ADMIN"], "drop": ["ALL"] },
            "privileged": false,
            "readOnlyRootFilesystem": true,
            "runAsGroup": 0,
            "runAsNonRoot": false,
            "runAsUser": 0,
            "seccompProfile": { "type": "RuntimeDefault" },
        },
        "terminationMessagePath": TERMINATION_PATH,
        "terminationMessagePolicy": TERMINATION_POLICY,
        "volumeMounts": [config],
    })
}

/// The user that the sidecar runs as.
pub(super) const fn uid(wishes: &Wishes) -> u32 {
    match wishes.redirected {
        None => words::UID,
        Some(_) => words::TRANSPARENT_UID,
    }
}

fn texts<T: ToString>(values: &[T]) -> Vec<String> {
    values.iter().map(T::to_string).collect()
}

fn port(name: &str, port: u16) -> Value {
    json!({ "containerPort": port, "name": name, "protocol": "TCP" })
}

fn mount(volume: &str, path: &str) -> Value {
    json!({ "name": volume, "mountPath": path })
}

fn read_only(mount: Value) -> Value {
    with(mount, "readOnly", json!(true))
}

fn probe(path: &str, period_s: u32, failures: u32) -> Value {
    json!({
        "failureThreshold": failures,
        "httpGet": { "path": path, "port": words::ADMIN_PORT, "scheme": "HTTP" },
        "periodSeconds": period_s,
        "successThreshold": 1,
        "timeoutSeconds": 3,
    })
}

fn resources(settings: &SidecarSettings, wishes: &Wishes) -> Value {
    let common = &settings.resources;
    let cpu_limit = wishes.cpu_limit.as_ref().or(common.cpu_limit.as_ref());
    let cpu = wishes.cpu_request.as_ref().unwrap_or(&common.cpu_request);
    let memory_limit = wishes.memory_limit.as_ref();
    let memory_limit = memory_limit.unwrap_or(&common.memory_limit);
    let memory = wishes.memory_request.as_ref();
    let memory = memory.unwrap_or(&common.memory_request);
    let mut limits = json!({ "memory": memory_limit.as_str() });
    if let Some(cpu_limit) = cpu_limit {
        limits = with(limits, "cpu", json!(cpu_limit.as_str()));
    }
    let requests = json!({ "cpu": cpu.as_str(), "memory": memory.as_str() });
    json!({ "limits": limits, "requests": requests })
}

/// Where our image, and any that has `nft` besides, has the program.
const PROGRAM: &str = "/portreeve";
/// The configuration's file, in its folder.
pub(super) const CONFIG_FILE: &str = "portreeve.yaml";
const TERMINATION_PATH: &str = "/dev/termination-log";
/// So that `kubectl describe pod` shows what is wrong.
const TERMINATION_POLICY: &str = "FallbackToLogsOnError";
