//! The workload CA as a service.
//!
//! Sidecars prove who they are and are named for it, operators say who may be
//! named what, and everybody who has a name is told what has changed. What was
//! proved becomes selectors (`proof`), entries say what those are worth
//! (`entry`), the office names and records (`office`), for the programs of this
//! machine as well (`programs`), and makes tokens (`minting`), the keyring signs
//! (`keyring`), and the ledger remembers (`ledger`), in SQLite or, for several
//! authorities side by side, in PostgreSQL. Policies of a folder are published
//! (`publisher`), signed (`notary`) and told like all else (`board`).

mod admin_service;
mod board;
mod bundles;
mod caller;
mod entry;
mod entry_files;
mod federation;
mod groups;
mod host;
mod id_template;
mod istio;
mod keyring;
mod ledger;
mod line;
mod metrics;
mod minting;
mod notary;
mod office;
mod opening;
mod operator;
mod orders;
mod own_name;
mod plan;
mod policy_status;
mod programs;
mod proof;
mod publisher;
mod refusal;
mod revocation;
mod selector;
mod service;
mod settings;
mod settled;
mod steward;
mod told;
mod town_hall;

pub use entry::{Entries, Entry, EntryName, EntryNameError, Origin};
pub use entry_files::{EntryMistake, parse_entries, read_entries};
pub use federation::{
    EndpointProfile, EndpointSettings, FederationSettings, FetchError, ForeignError,
    RelationProfile, RelationSettings, read_foreign_bundle,
};
pub use id_template::{IdTemplate, IdTemplateError};
pub use keyring::{KeyringError, StepError};
pub use ledger::LedgerError;
pub use metrics::Metrics;
pub use opening::{OpenError, look_at};
pub use policy_status::{PolicyStatus, PublishedPolicy};
pub use proof::{
    Cluster, ClusterError, KubernetesError, PossessionError, PossessionRoots, ProofError,
    ServerError, read_claims, read_review,
};
pub use publisher::look_at_policies;
pub use revocation::{Revocation, Revoked, SerialNumber};
pub use selector::{Form, Selector, SelectorError};
pub use settings::{
    ApiServer, ClusterChecks, ClusterSettings, PolicySettings, PossessionSettings, Settings,
};
pub use steward::StewardError;
pub use town_hall::{Lent, ServeError, TownHall};
