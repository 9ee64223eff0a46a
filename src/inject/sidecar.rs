//! All that one pod gets.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::inject::configuration;
use crate::inject::containers;
use crate::inject::patch::Patch;
use crate::inject::patch::Pointer;
use crate::inject::pod::Pod;
use crate::inject::probes::Probes;
use crate::inject::refusal::Mistakes;
use crate::inject::refusal::Refusal;
use crate::inject::settings::SidecarSettings;
use crate::inject::volumes;
use crate::inject::wishes::Wishes;
use crate::inject::wishes::annotation;
use crate::inject::words;

/// What is put into a pod.
#[derive(Clone, Debug)]
pub(super) struct Sidecar {
    pub(super) annotations: Map<String, Value>,
    /// Init containers, in their order, before all others.
    pub(super) containers: Vec<Value>,
    pub(super) labels: Map<String, Value>,
    pub(super) volumes: Vec<Value>,
    /// Questions of the kubelet that go elsewhere.
    probes: Patch,
}

impl Sidecar {
    /// The one for `pod`, which has nothing of ours. `roots` are what it believes its
    /// authority by, and `check` says what is wrong with a configuration.
    ///
    /// # Errors
    ///
    /// [`Refusal::Mistakes`] has all of them.
    pub(super) fn of(
        pod: Pod<'_>,
        settings: &SidecarSettings,
        roots: &str,
        check: fn(&str) -> Vec<String>,
    ) -> Result<Self, Refusal> {
        let mut mistakes = Mistakes::default();
        let notes = &mut mistakes;
        pod.look_over(notes);
        let wishes = Wishes::read(pod, notes);
        let probes = Probes::read(pod, &wishes, notes);
        let config = configuration::write(settings, &wishes, &probes.paths, notes);
        let mut containers = Vec::new();
        if let Some(redirected) = &wishes.redirected {
            pod.look_for_user(containers::uid(&wishes), notes);
            match &settings.init_image {
                Some(image) => {
                    let image = containers::init_net(settings, image, redirected, &wishes);
                    containers.push(image);
                }
                None => notes.add(
                    annotation(words::TRANSPARENT),
                    "the injector has no `sidecar.init_image`, an image that has `nft`",
                ),
            }
        }
        containers.push(containers::sidecar(settings, &wishes, &probes));
        // Mistakes of one kind would show again in the whole.
        mistakes.judge()?;
        let mut mistakes = Mistakes::default();
        for mistake in check(&config) {
            mistakes.add("the sidecar's configuration", mistake);
        }
        mistakes.judge()?;
        let text = |name: &str, value: &str| (name.to_owned(), json!(value));
        Ok(Self {
            annotations: Map::from_iter([
                text(words::SIDECAR_CONFIG, &config),
                text(words::SIDECAR_ROOTS, roots),
            ]),
            containers,
            labels: Map::from_iter([text(words::SIDECAR, words::INJECTED)]),
            volumes: volumes::volumes(settings, &wishes),
            probes: probes.moved,
        })
    }

    /// How it is put into `pod`, which has nothing of it.
    pub(super) fn into_patch(self, pod: Pod<'_>) -> Patch {
        let mut patch = self.probes;
        for (map, there, ours) in [
            ("labels", pod.labels(), self.labels),
            ("annotations", pod.annotations(), self.annotations),
        ] {
            let place = Pointer::to(["metadata", map]);
            if there.is_none() {
                patch.add(&place, Value::Object(ours));
                continue;
            }
            for (name, value) in ours {
                patch.add(&place.then(&name), value);
            }
        }
        for (list, ours) in [
            ("initContainers", self.containers),
            ("volumes", self.volumes),
        ] {
            let place = Pointer::to(["spec", list]);
            if !pod.spec(list).is_array() {
                patch.add(&place, Value::Array(ours));
                continue;
            }
            // One by one to the front, the last one first.
            for value in ours.into_iter().rev() {
                patch.add(&place.at(0), value);
            }
        }
        patch
    }
}
