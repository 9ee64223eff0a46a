//! A sidecar's whole configuration, written for one pod.
//!
//! It is written into the pod itself, in an annotation that the kubelet hands to the
//! sidecar as a file. So it is there as soon as the pod is, and nobody needs a right
//! to write ConfigMaps into other people's namespaces; whoever looks at the pod sees
//! what its sidecar was told.

use std::collections::BTreeSet;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::inject::json::with;
use crate::inject::refusal::Mistakes;
use crate::inject::settings::SidecarSettings;
use crate::inject::wishes::PolicyFrom;
use crate::inject::wishes::Wishes;
use crate::inject::wishes::annotation;
use crate::inject::words;

/// What the file says, as JSON, which is YAML.
pub(super) fn write(
    settings: &SidecarSettings,
    wishes: &Wishes,
    probes: &BTreeSet<String>,
    notes: &mut Mistakes,
) -> String {
    let mut whole = ours(settings, wishes, probes);
    for (section, part) in &wishes.config {
        if !SECTIONS.contains(&section.as_str()) {
            let text = format!(
                "`{section}`: the injector writes it, or no sidecar of a pod has it; there may be {}",
                SECTIONS.join(", ")
            );
            notes.add(annotation(words::CONFIG), text);
            continue;
        }
        if let Some(need) = need(section, wishes) {
            let text = format!("`{section}`: is of use only with `{need}`");
            notes.add(annotation(words::CONFIG), text);
            continue;
        }
        lay_over(&mut whole, section, part, section, notes);
    }
    // A value that was read from JSON or YAML can be written.
    serde_json::to_string_pretty(&whole).unwrap_or_default()
}

/// The annotation without which a section would be half of one.
fn need(section: &str, wishes: &Wishes) -> Option<&'static str> {
    match section {
        "inbound" if wishes.app.is_none() => Some(words::APP_PORT),
        "transparent" if wishes.redirected.is_none() => Some(words::TRANSPARENT),
        _ => None,
    }
}

fn ours(
    settings: &SidecarSettings,
    wishes: &Wishes,
    probes: &BTreeSet<String>,
) -> Map<String, Value> {
    let listen = |port: u16| std::net::SocketAddr::new(settings.address, port).to_string();
    let mut whole = Map::new();
    let mut put = |name: &str, value: Value| drop(whole.insert(name.to_owned(), value));
    put("trust_domain", json!(settings.trust_domain.as_str()));
    let identity = json!({
        "url": settings.authorities,
        "bundle": "ca.pem",
        "kubernetes_token_file": "token",
        "state_dir": format!("{STATE_FOLDER}/state"),
    });
    put("identity", json!({ "authority": identity }));
    let workers = wishes.workers.unwrap_or(settings.workers);
    put("workers", json!(workers));
    if let Some(app) = &wishes.app {
        let mut inbound = json!({
            "listen": listen(words::INBOUND_PORT),
            "service": app.service.as_str(),
            "app": format!("127.0.0.1:{}", app.port),
        });
        if let Some(protocol) = &app.protocol {
            inbound = with(inbound, "app_protocol", json!(protocol));
        }
        if !probes.is_empty() {
            inbound = with(
                inbound,
                "probes",
                json!({ "listen": listen(words::PROBES_PORT), "paths": probes }),
            );
        }
        put("inbound", inbound);
    }
    if wishes.redirected.is_some() {
        let port = words::TRANSPARENT_PORT;
        let mut listens = vec![format!("127.0.0.1:{port}")];
        if settings.address.is_ipv6() {
            listens.push(format!("[::1]:{port}"));
        }
        put("transparent", json!({ "listen": listens }));
    }
    let policy = match &wishes.policy {
        PolicyFrom::Authority => json!({ "from_authority": true }),
        PolicyFrom::ConfigMap(_) => json!({ "dir": POLICY_FOLDER }),
    };
    put("policy", policy);
    put("audit", json!({ "stdout": true }));
    let admin = json!({ "listen": listen(words::ADMIN_PORT), "allow_remote": true });
    put("admin", admin);
    whole
}

/// Puts `value` at `name` of `whole`; what is there already stays, and is noted.
fn lay_over(
    whole: &mut Map<String, Value>,
    name: &str,
    value: &Value,
    path: &str,
    notes: &mut Mistakes,
) {
    match (whole.get_mut(name), value) {
        (None, value) => drop(whole.insert(name.to_owned(), value.clone())),
        (Some(Value::Object(there)), Value::Object(more)) => {
            for (name, value) in more {
                lay_over(there, name, value, &format!("{path}.{name}"), notes);
            }
        }
        (Some(_there), _value) => {
            let text = format!("`{path}`: the injector writes it");
            notes.add(annotation(words::CONFIG), text);
        }
    }
}

/// The folder that the file is in.
pub(super) const CONFIG_FOLDER: &str = "/etc/portreeve";
/// The folder of what the sidecar has been given.
pub(super) const STATE_FOLDER: &str = "/var/lib/portreeve";
/// The folder of policies from a ConfigMap.
pub(super) const POLICY_FOLDER: &str = "/etc/portreeve-policy";

/// What a pod may say of its sidecar. The others are the injector's, or need files
/// that no annotation brings.
const SECTIONS: [&str; 9] = [
    "drain_deadline_ms",
    "inbound",
    "limits",
    "log",
    "names",
    "outbound",
    "policy",
    "tcp",
    "transparent",
];
