//! Questions of the kubelet, which has no certificate to show.
//!
//! What it asks of the application's port goes to the sidecar's door for probes
//! instead, which lets through exactly the paths that are asked for. What could not
//! be answered there is refused before the pod exists: it would never become ready,
//! or, worse, be taken for well because a sidecar takes its connections.

use std::collections::BTreeSet;
use std::num::NonZeroU16;

use serde_json::Value;
use serde_json::json;

use crate::inject::json::field;
use crate::inject::patch::Patch;
use crate::inject::pod::Container;
use crate::inject::pod::Pod;
use crate::inject::refusal::Mistakes;
use crate::inject::wishes::Wishes;
use crate::inject::words;
use crate::proxy::ProbePath;

/// What the kubelet will ask for at the sidecar.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Probes {
    /// By GET.
    pub(super) paths: BTreeSet<String>,
    /// Which of the pod's questions go elsewhere.
    pub(super) moved: Patch,
}

impl Probes {
    /// Looks at what the kubelet is to ask of `pod`.
    pub(super) fn read(pod: Pod<'_>, wishes: &Wishes, notes: &mut Mistakes) -> Self {
        let mut probes = Self::default();
        for container in pod.containers().filter(|container| !container.is_ours()) {
            for kind in KINDS {
                let question = Question {
                    container,
                    of: field(container.value, kind),
                    place: format!("{}.{kind}", container.place()),
                };
                let Some(path) = question.read(wishes, notes) else {
                    continue;
                };
                if !question.is_moved() {
                    let at = container.pointer().then(kind).then("httpGet").then("port");
                    probes.moved.replace(&at, json!(words::PROBES_PORT));
                }
                probes.paths.insert(path);
            }
            hooks(container, wishes, notes);
        }
        probes
    }
}

/// One of them.
struct Question<'a> {
    container: Container<'a>,
    of: &'a Value,
    place: String,
}

impl Question<'_> {
    /// The path that is to be asked for at the sidecar, if it is.
    fn read(&self, wishes: &Wishes, notes: &mut Mistakes) -> Option<String> {
        for kind in ["tcpSocket", "grpc"] {
            if let Some(port) = self.port(&self.of[kind])
                && is_behind(port, wishes)
            {
                self.refuse(
                    kind,
                    "would ask the sidecar, and not the application: ask by `httpGet` or `exec`",
                    notes,
                );
            }
        }
        let asked = &self.of["httpGet"];
        let port = self.port(asked)?;
        let app = wishes.app.as_ref().map(|app| app.port);
        if !self.is_moved() && app != Some(port) {
            if is_behind(port, wishes) {
                let text = format!(
                    "port {port} is not `{}`, and nobody gets past the sidecar to it: list it in `{}`",
                    words::APP_PORT,
                    words::EXCLUDE_INBOUND_PORTS
                );
                self.refuse("httpGet.port", &text, notes);
            }
            return None;
        }
        if app.is_none() {
            let text = format!(
                "{port} is the sidecar's port for probes of the application, and there is no `{}`",
                words::APP_PORT
            );
            self.refuse("httpGet.port", &text, notes);
            return None;
        }
        self.can_be_moved(asked, notes)
    }

    /// The path, if what is asked can be asked at the sidecar.
    fn can_be_moved(&self, asked: &Value, notes: &mut Mistakes) -> Option<String> {
        let before = notes.count();
        if asked["host"].as_str().is_some_and(|host| !host.is_empty()) {
            self.refuse(
                "httpGet.host",
                "the sidecar is asked at the pod's own address",
                notes,
            );
        }
        if asked["scheme"]
            .as_str()
            .is_some_and(|scheme| scheme != "HTTP")
        {
            self.refuse(
                "httpGet.scheme",
                "the sidecar's port for probes speaks HTTP",
                notes,
            );
        }
        let headers = asked["httpHeaders"].as_array().into_iter().flatten();
        for name in headers.filter_map(|header| header["name"].as_str()) {
            let passes = |known: &&str| name.eq_ignore_ascii_case(known);
            if !["host", "accept", "user-agent"].iter().any(passes) {
                let text = format!("`{name}` is not passed on with a probe");
                self.refuse("httpGet.httpHeaders", &text, notes);
            }
        }
        let path = asked["path"].as_str().filter(|path| !path.is_empty());
        let path = path.unwrap_or("/");
        if let Err(error) = path.parse::<ProbePath>() {
            let text = format!("`{path}`: {error}");
            self.refuse("httpGet.path", &text, notes);
        }
        (notes.count() == before).then(|| path.to_owned())
    }

    /// Whether it is asked at the sidecar already.
    fn is_moved(&self) -> bool {
        field(field(self.of, "httpGet"), "port").as_u64() == Some(words::PROBES_PORT.into())
    }

    fn port(&self, asked: &Value) -> Option<NonZeroU16> {
        port(self.container, &asked["port"])
    }

    fn refuse(&self, what: &str, text: &str, notes: &mut Mistakes) {
        notes.add(format!("{}.{what}", self.place), text);
    }
}

/// What is asked when a container starts and ends.
fn hooks(container: Container<'_>, wishes: &Wishes, notes: &mut Mistakes) {
    for hook in ["postStart", "preStop"] {
        let asked = field(field(field(container.value, "lifecycle"), hook), "httpGet");
        if port(container, &asked["port"]).is_some_and(|port| is_behind(port, wishes)) {
            notes.add(
                format!("{}.lifecycle.{hook}.httpGet", container.place()),
                "nobody gets past the sidecar to this port without a certificate: use `exec`",
            );
        }
    }
}

/// Whether connections to `port` are brought to the sidecar.
fn is_behind(port: NonZeroU16, wishes: &Wishes) -> bool {
    let redirected = wishes.redirected.as_ref();
    let is_own = words::OWN_PORTS.contains(&port.get());
    redirected.is_some_and(|redirected| !redirected.inbound_ports.contains(&port)) && !is_own
}

/// A port by its number, or by the name that `container` gives it.
fn port(container: Container<'_>, written: &Value) -> Option<NonZeroU16> {
    let number = match written.as_str() {
        None => written.as_u64(),
        Some(name) => {
            let ports = container.value["ports"].as_array().into_iter().flatten();
            let named = ports.filter(|port| port["name"] == name);
            let number = named
                .filter_map(|port| port["containerPort"].as_u64())
                .next();
            number.or_else(|| name.parse().ok())
        }
    };
    u16::try_from(number?).ok().and_then(NonZeroU16::new)
}

const KINDS: [&str; 3] = ["livenessProbe", "readinessProbe", "startupProbe"];
