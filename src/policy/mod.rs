//! Whether a request may pass, decided by Cedar policies. Pure.
//!
//! A directory of `*.cedar` files becomes a [`Policy`], or a list of all that
//! is wrong with it: a set that does not validate never takes effect. A
//! [`Decider`] on each worker thread then answers a [`Question`] with a
//! [`Permit`] or a [`Denial`]:
//!
//! - No permit, no access. A `forbid` beats every `permit`.
//! - An error in evaluation is a denial, also where Cedar would skip it.
//! - The answer is that of plain Cedar over the whole set, at a cost that does
//!   not grow with it.
//! - A policy names only what exists: services, routes, groups, headers and
//!   attributes that nobody declared are errors at load.

mod candidates;
mod cedar;
mod claim;
mod compile;
mod context;
mod current;
mod decider;
mod decision;
mod depth;
mod document;
mod explain;
mod formula;
mod group_file;
mod index;
mod inner_slash;
mod known;
mod lint;
mod load;
mod matcher;
mod members;
mod memory;
mod mention;
mod metrics;
mod mistake;
mod name;
mod named;
mod ordered;
mod parse;
mod person;
mod principal;
mod pushed;
mod query;
mod question;
mod revision;
mod schema;
mod services;
mod set;
mod settings;
mod shadow;
mod signal;
mod signal_name;
mod spread;
mod statement;
mod syntax;
mod table;
mod template;
mod timing;
mod undeclared;
mod validate;
mod words;

#[cfg(test)]
mod document_tests;

pub use claim::ClaimName;
pub use claim::ClaimNameError;
pub use claim::ClaimType;
pub use claim::ClaimValue;
pub use current::Current;
pub use current::View;
pub use decider::Decider;
pub use decision::Denial;
pub use decision::DenialReason;
pub use decision::Permit;
pub use decision::PolicyName;
pub use decision::Shadow;
pub use document::Document;
pub use document::DocumentError;
pub use explain::Condition;
pub use explain::Effect;
pub use explain::Explanation;
pub use explain::Finding;
pub use explain::Near;
pub use explain::Outcome;
pub use explain::Value;
pub use explain::Verdict;
pub use group_file::GroupLines;
pub use group_file::parse as parse_group_file;
pub use inner_slash::InnerSlashError;
pub use inner_slash::check_inner_slashes;
pub use metrics::Metrics;
pub use mistake::Mistake;
pub use mistake::Severity;
pub use name::GroupName;
pub use name::NameError;
pub use name::ServiceName;
pub use person::Person;
pub use person::PersonError;
pub use person::ProviderName;
pub use person::Subject;
pub use person::UserId;
pub use pushed::PushError;
pub use pushed::Pushed;
pub use pushed::PushedSignal;
pub use query::unescaped;
pub use question::Caller;
pub use question::Connection;
pub use question::Question;
pub use question::Tls;
pub use revision::Revision;
pub use set::Place;
pub use set::Policy;
pub use settings::Groups;
pub use settings::Route;
pub use settings::Settings;
pub use settings::Zone;
pub use settings::ZoneError;
pub use settings::ZoneName;
pub use signal::SignalHeader;
pub use signal::SignalType;
pub use signal::Signals;
pub use signal_name::SignalName;
pub use signal_name::SignalNameError;
pub use template::Template;
pub use template::TemplateError;
pub use timing::Timing;
