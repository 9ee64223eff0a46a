//! From a review to an answer.

use std::fmt;
use std::path::PathBuf;

use serde_json::Value;
use serde_json::json;

use crate::audit;
use crate::audit::Decision;
use crate::inject::asked::Asked;
use crate::inject::before;
use crate::inject::bundle::RootsError;
use crate::inject::bundle::RootsFile;
use crate::inject::patch::Patch;
use crate::inject::pod::Pod;
use crate::inject::refusal::Mistake;
use crate::inject::refusal::Refusal;
use crate::inject::settings::SidecarSettings;
use crate::inject::sidecar::Sidecar;
use crate::inject::words;

/// What is wrong with a sidecar's configuration: nothing, if it is empty. Whoever
/// reads configurations is above us, and is handed in.
pub type CheckConfig = fn(&str) -> Vec<String>;

/// Decides on pods.
pub struct Injector {
    check: CheckConfig,
    log: audit::Shard,
    roots: RootsFile,
    settings: SidecarSettings,
}

/// What becomes of a pod.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It gets a sidecar.
    Inject(Patch),
    /// It wants none, or is no pod.
    Leave,
    /// It has one already.
    Keep,
    /// It is not made.
    Refuse(Refusal),
}

impl Injector {
    /// One that records in `log`.
    ///
    /// # Errors
    ///
    /// The roots' file, if it cannot be read.
    pub fn new(
        settings: SidecarSettings,
        check: CheckConfig,
        log: audit::Shard,
    ) -> Result<Self, RootsError> {
        let roots = RootsFile::open(PathBuf::clone(&settings.roots))?;
        Ok(Self {
            check,
            log,
            roots,
            settings,
        })
    }

    /// What a sidecar with our settings alone would be refused for: nothing, if they
    /// are as they should be.
    #[must_use]
    pub fn try_out(&self) -> Vec<Mistake> {
        let annotations = json!({ words::SERVICE: "example", words::APP_PORT: "8080" });
        let pod = json!({ "metadata": { "annotations": annotations }, "spec": {} });
        match self.decide(&pod) {
            Outcome::Refuse(Refusal::Mistakes { mistakes }) => mistakes,
            _ => Vec::new(),
        }
    }

    /// Decides on what is asked, and records it.
    pub fn answer(&self, asked: &Asked) -> Outcome {
        let Some(pod) = &asked.pod else {
            return Outcome::Leave;
        };
        let Ok(room) = self.log.begin() else {
            return Outcome::Refuse(Refusal::NoRoom);
        };
        let mut event = room.event("pod_review");
        event.fact("namespace", asked.namespace.clone());
        event.fact("pod", Pod::new(pod).name().to_owned());
        event.fact("user", asked.user.clone());
        let outcome = self.decide(pod);
        match &outcome {
            Outcome::Refuse(refusal) => {
                event.fact("detail", refusal.to_string());
                event.end(Decision::Refuse, Some(refusal.reason()));
            }
            other => event.end(Decision::Permit, Some(other.as_str())),
        }
        outcome
    }

    pub(super) fn decide(&self, pod: &Value) -> Outcome {
        match wants_none(Pod::new(pod)) {
            Ok(true) => return Outcome::Leave,
            Ok(false) => {}
            Err(mistake) => {
                let mistakes = vec![mistake];
                return Outcome::Refuse(Refusal::Mistakes { mistakes });
            }
        }
        let bare = before::without_ours(pod);
        let bare = Pod::new(&bare);
        let roots = self.roots.text();
        let sidecar = Sidecar::of(bare, &self.settings, &roots, self.check);
        let sidecar = match sidecar {
            Ok(sidecar) => sidecar,
            Err(refusal) => return Outcome::Refuse(refusal),
        };
        if !Pod::new(pod).has_ours() {
            return Outcome::Inject(sidecar.into_patch(bare));
        }
        match before::difference(pod, &sidecar) {
            None => Outcome::Keep,
            Some(difference) => Outcome::Refuse(Refusal::AlreadyThere { difference }),
        }
    }
}

/// Whether the pod itself says that it wants no sidecar. That its namespace wants
/// them is why we are asked.
fn wants_none(pod: Pod<'_>) -> Result<bool, Mistake> {
    let label = pod.labels().and_then(|labels| labels.get(words::INJECT));
    match label {
        None => Ok(false),
        Some(value) if value == words::ENABLED => Ok(false),
        Some(value) if value == words::DISABLED => Ok(true),
        Some(value) => Err(Mistake {
            place: format!("label `{}`", words::INJECT),
            text: format!("{value}: must be `enabled` or `disabled`"),
        }),
    }
}

impl Outcome {
    /// A stable word for records and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Inject(_) => "injected",
            Self::Leave => "left_alone",
            Self::Keep => "kept",
            Self::Refuse(refusal) => refusal.reason(),
        }
    }
}

impl fmt::Debug for Injector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Injector")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
