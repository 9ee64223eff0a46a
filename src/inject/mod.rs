//! A sidecar for each pod that wants one, put in by the cluster itself.
//!
//! An API server shows us a pod before it exists (AdmissionReview), and we answer
//! with what is to be added to it, or why it cannot be. All that a sidecar needs to
//! know is written into the pod: nothing is asked of the cluster, so this has no
//! right to anything in it. What we cannot understand is refused, and while nobody
//! answers no pod is made: a pod that was to have a sidecar never runs without one.

mod answer;
mod asked;
mod before;
mod bundle;
mod certificate;
mod configuration;
mod containers;
mod desk;
mod endpoint;
mod files;
mod injector;
mod json;
mod metrics;
mod patch;
mod pod;
mod probes;
mod quantity;
mod refusal;
mod settings;
mod sidecar;
mod volumes;
mod wishes;
mod words;

pub use asked::{Asked, ReviewError, read_review};
pub use bundle::RootsError;
pub use endpoint::{Endpoint, OpenError, Opening};
pub use files::{FilesError, write_files};
pub use injector::{CheckConfig, Injector, Outcome};
pub use metrics::Metrics;
pub use patch::Patch;
pub use quantity::{Quantity, QuantityError};
pub use refusal::{Mistake, Refusal};
pub use settings::{PullPolicy, Resources, Settings, SidecarSettings};

#[cfg(test)]
mod tests;
