//! A pod as it was written, and what in it is in the way of a sidecar.

use serde_json::Map;
use serde_json::Value;

use crate::inject::json::field;
use crate::inject::patch::Pointer;
use crate::inject::refusal::Mistakes;
use crate::inject::words;

/// A pod that is to be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pod<'a>(&'a Value);

/// A container of a pod.
#[derive(Clone, Copy, Debug)]
pub(super) struct Container<'a> {
    /// The list that it is in.
    pub(super) list: &'static str,
    /// Its place there.
    pub(super) index: usize,
    pub(super) value: &'a Value,
}

impl<'a> Pod<'a> {
    pub(super) const fn new(pod: &'a Value) -> Self {
        Self(pod)
    }

    /// Its name, or the beginning of one that is yet to be chosen.
    pub(super) fn name(self) -> &'a str {
        let given = self.text("/metadata/name");
        given
            .or_else(|| self.text("/metadata/generateName"))
            .unwrap_or_default()
    }

    pub(super) fn annotation(self, name: &str) -> Option<&'a Value> {
        self.annotations()?.get(name)
    }

    pub(super) fn annotations(self) -> Option<&'a Map<String, Value>> {
        self.0.pointer("/metadata/annotations")?.as_object()
    }

    pub(super) fn labels(self) -> Option<&'a Map<String, Value>> {
        self.0.pointer("/metadata/labels")?.as_object()
    }

    /// Whether there is a list or an object of that name in its spec.
    pub(super) fn spec(self, name: &str) -> &'a Value {
        field(field(self.0, "spec"), name)
    }

    /// All its containers, in the order in which they are written.
    pub(super) fn containers(self) -> impl Iterator<Item = Container<'a>> {
        let lists = ["initContainers", "containers"];
        lists.into_iter().flat_map(move |list| {
            let all = self.spec(list).as_array().into_iter().flatten();
            all.enumerate()
                .map(move |(index, value)| Container { list, index, value })
        })
    }

    pub(super) fn volumes(self) -> impl Iterator<Item = &'a Value> {
        self.spec("volumes").as_array().into_iter().flatten()
    }

    /// Whether it has something that only we give to a pod, under our names.
    pub(super) fn has_ours(self) -> bool {
        let has_volume = self.volumes().any(|volume| is_own_volume(&volume["name"]));
        let has_container = self.containers().any(Container::is_ours);
        let has_label = self
            .labels()
            .is_some_and(|labels| labels.contains_key(words::SIDECAR));
        let has_annotation = [words::SIDECAR_CONFIG, words::SIDECAR_ROOTS]
            .into_iter()
            .any(|name| self.annotation(name).is_some());
        has_volume || has_container || has_label || has_annotation
    }

    /// Notes what no pod with a sidecar can have.
    pub(super) fn look_over(self, notes: &mut Mistakes) {
        if self.spec("hostNetwork") == &Value::Bool(true) {
            notes.add(
                "spec.hostNetwork",
                "the network is the node's: a sidecar would take ports, and with the firewall connections, of the whole \
                 node; label the pod `portreeve.dev/inject: disabled`",
            );
        }
        if self.spec("os")["name"] == "windows" {
            notes.add("spec.os.name", "there is no sidecar for Windows");
        }
        for container in self.containers().filter(|container| !container.is_ours()) {
            let ports = container.value["ports"].as_array();
            for (at, port) in ports.into_iter().flatten().enumerate() {
                let port = port["containerPort"].as_u64();
                if let Some(port) = port
                    && words::OWN_PORTS
                        .into_iter()
                        .any(|own| u64::from(own) == port)
                {
                    notes.add(
                        format!("{}.ports[{at}].containerPort", container.place()),
                        format!("{port} is a port of the sidecar's: choose another"),
                    );
                }
            }
        }
    }

    /// Notes who could pass as the sidecar where the firewall knows it by its user.
    pub(super) fn look_for_user(self, uid: u32, notes: &mut Mistakes) {
        let is = |context: &Value| context["runAsUser"].as_u64() == Some(uid.into());
        let why = format!(
            "{uid} is the sidecar's user, whose connections the firewall lets pass: choose another"
        );
        if is(self.spec("securityContext")) {
            notes.add("spec.securityContext.runAsUser", why.clone());
        }
        for container in self.containers().filter(|container| !container.is_ours()) {
            if is(&container.value["securityContext"]) {
                let place = container.place();
                notes.add(format!("{place}.securityContext.runAsUser"), why.clone());
            }
        }
    }

    fn text(self, path: &str) -> Option<&'a str> {
        self.0.pointer(path)?.as_str()
    }
}

impl Container<'_> {
    /// Such as `spec.containers[0]`.
    pub(super) fn place(self) -> String {
        format!("spec.{}[{}]", self.list, self.index)
    }

    pub(super) fn pointer(self) -> Pointer {
        Pointer::to(["spec", self.list]).at(self.index)
    }

    pub(super) fn is_ours(self) -> bool {
        let name = &self.value["name"];
        name == words::CONTAINER || name == words::INIT_CONTAINER
    }
}

/// Whether a volume of that name is ours to add.
pub(super) fn is_own_volume(name: &Value) -> bool {
    let ours = [
        words::CONFIG_VOLUME,
        words::STATE_VOLUME,
        words::POLICY_VOLUME,
    ];
    ours.iter().any(|own| name == own)
}
