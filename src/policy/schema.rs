//! What a policy may speak about, as Cedar's validator wants it.
//!
//! The schema is ours and embedded; headers, route parameters and zones are
//! added as they are declared. Its records are closed: a name that is not
//! declared is a mistake at load.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use cedar_policy::CedarSchemaError;
use cedar_policy::Schema;

use crate::policy::claim::ClaimType;
use crate::policy::settings::Settings;
use crate::policy::signal::SignalType;

/// The names that policies may use, and the schema made of them.
#[derive(Debug)]
pub(super) struct Vocabulary {
    /// Declared headers by their lower-case names.
    pub(super) headers: BTreeSet<String>,
    /// Declared claims.
    pub(super) claims: BTreeMap<String, ClaimType>,
    /// What the templates of all services capture.
    pub(super) params: BTreeSet<Arc<str>>,
    /// Declared signals.
    pub(super) signals: BTreeMap<String, SignalType>,
    /// The zones with a clock, besides `utc`.
    pub(super) zones: BTreeSet<String>,
}

impl Vocabulary {
    /// What `settings` and the `params` of all templates declare.
    pub(super) fn new(settings: &Settings, params: BTreeSet<Arc<str>>) -> Self {
        Self {
            headers: settings
                .headers
                .iter()
                .map(|header| header.as_str().to_owned())
                .collect(),
            claims: settings
                .claims
                .iter()
                .map(|(name, kind)| (name.to_string(), *kind))
                .collect(),
            params,
            signals: {
                let told = settings.signals.iter();
                let told = told.map(|(name, kind)| (name.to_string(), *kind));
                let sent = settings.signal_headers.iter();
                told.chain(sent.map(|(name, sent)| (name.to_string(), sent.kind)))
                    .collect()
            },
            zones: settings.zones.keys().map(ToString::to_string).collect(),
        }
    }

    /// The schema with these names in it.
    pub(super) fn schema(&self) -> Result<Schema, Box<CedarSchemaError>> {
        let optional = |name: &dyn std::fmt::Display| format!("\"{name}\"?: String,\n");
        let headers: String = self.headers.iter().map(|name| optional(name)).collect();
        let params: String = self.params.iter().map(|name| optional(name)).collect();
        let zones: String = self
            .zones
            .iter()
            .map(|name| format!("\"{name}\": Clock,\n"))
            .collect();
        let signals = self.signals.iter();
        let signals: String = signals
            .map(|(name, kind)| format!("\"{name}\"?: {},\n", kind.cedar()))
            .collect();
        let claims = self.claims.iter();
        let claims: String = claims
            .map(|(name, kind)| format!("\"{name}\"?: {},\n", kind.cedar()))
            .collect();
        let text = BASE
            .replace("//@claims", &claims)
            .replace("//@signals", &signals)
            .replace("//@headers", &headers)
            .replace("//@params", &params)
            .replace("//@zones", &zones);
        let (schema, _) = Schema::from_cedarschema_str(&text)?;
        Ok(schema)
    }

    /// Whether `context` can have this attribute.
    pub(super) fn has_context(&self, name: &str) -> bool {
        CONTEXT.contains(&name) || self.zones.contains(name)
    }
}

/// The attributes that a context can have.
pub(super) const CONTEXT: [&str; 12] = [
    "method", "host", "path", "query", "sourceIp", "tls", "authAge", "signals", "now", "headers",
    "params", "utc",
];

/// The attributes of a clock.
pub(super) const CLOCK: [&str; 3] = ["minuteOfDay", "weekday", "date"];

/// The attributes of a connection with TLS.
pub(super) const TLS: [&str; 4] = ["group", "notBefore", "notAfter", "serial"];

/// The attributes of a workload.
pub(super) const WORKLOAD: [&str; 4] = ["spiffe", "trustDomain", "ns", "sa"];

/// The attributes of a user.
pub(super) const USER: [&str; 7] = [
    "email",
    "emailVerified",
    "amr",
    "acr",
    "roles",
    "claims",
    "authenticatedAt",
];

const BASE: &str = include_str!("schema.cedarschema");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_names_become_part_of_a_valid_schema() {
        let settings = Settings {
            headers: vec![
                http::HeaderName::from_static("x-device"),
                http::header::HOST,
            ],
            claims: [(
                "https://corp.example/a#b".parse().unwrap(),
                ClaimType::Texts,
            )]
            .into(),
            zones: [("berlin".parse().unwrap(), "Europe/Berlin".parse().unwrap())].into(),
            ..Settings::default()
        };
        let vocabulary = Vocabulary::new(&settings, ["id".into(), "if".into()].into());
        let schema = vocabulary.schema().unwrap();
        assert_eq!(schema.request_envs().count(), 8 * 3 * 2 + 3);
        assert!(vocabulary.has_context("berlin"));
        assert!(!vocabulary.has_context("paris"));
        let (_, warnings) = Schema::from_cedarschema_str(BASE).unwrap();
        assert_eq!(warnings.count(), 0);
    }
}
