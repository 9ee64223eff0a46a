//! A policy's conditions, made ready to be asked without Cedar.
//!
//! Cedar's evaluator rebuilds a policy's expression and a context of values for
//! each request; what most conditions ask is a comparison of a text or two. So
//! at load each condition becomes a tree that reads the request itself. What a
//! tree has no form for stays Cedar's: a policy is asked by one of the two,
//! never by both.
//!
//! A tree says what Cedar would. It is made only of policies that Cedar's
//! validator has found well-typed, is evaluated in Cedar's order, and fails
//! where Cedar fails: a property test compares the two over generated policies.

mod address;
mod facts;
mod instant;
mod number;
mod pattern;
mod read;
mod said;
mod text;
mod truth;

use cedar_policy::pst::Clause;

pub(super) use facts::Facts;
pub(super) use facts::MOST_CLOCKS;
pub(super) use facts::MOST_HEADERS;
pub(super) use read::Names;

use truth::Truth;

/// The conditions of one policy.
#[derive(Debug)]
pub(super) struct Formula {
    clauses: Box<[Truth]>,
}

/// The policy fails: there is no such attribute, or a number does not fit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Failed;

impl Formula {
    /// The tree of these conditions, if each of their parts has a form.
    pub(super) fn of(clauses: &[Clause], names: Names<'_>) -> Option<Self> {
        let clauses = clauses.iter().map(|clause| names.clause(clause));
        Some(Self {
            clauses: clauses.collect::<Option<_>>()?,
        })
    }

    /// Whether all of them hold.
    pub(super) fn holds(&self, facts: &Facts<'_>) -> Result<bool, Failed> {
        for clause in &self.clauses {
            if !clause.holds(facts)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use cedar_policy::Policy;

    use super::*;
    use crate::policy::claim::ClaimType;
    use crate::policy::settings::Zone;

    fn kinds() -> BTreeMap<String, ClaimType> {
        let all = [
            ("level", ClaimType::Long),
            ("ok", ClaimType::Bool),
            ("site", ClaimType::Text),
            ("tags", ClaimType::Texts),
        ];
        all.map(|(name, kind)| (name.to_owned(), kind)).into()
    }

    fn has_form(condition: &str) -> bool {
        let text = format!("permit(principal, action, resource) when {{ {condition} }};");
        let policy = Policy::parse(None, text).unwrap().to_pst().unwrap();
        let names = Names {
            headers: &[http::HeaderName::from_static("x-a")],
            zones: &[("utc".to_owned(), Zone::UTC)],
            claims: &kinds(),
            signals: &kinds()
                .into_iter()
                .map(|(name, kind)| (name.parse().unwrap(), kind))
                .collect(),
        };
        Formula::of(policy.body().clauses(), names).is_some()
    }

    /// What falls back to Cedar decides the same, and ten times slower.
    #[test]
    fn what_policies_usually_ask_has_a_form() {
        for condition in [
            "context.path like \"/a/*\" && context.method != \"GET\"",
            "!([\"a\", \"b\"].contains(context.host)) || context.path == context.host",
            "context.headers has \"x-a\" && context.headers[\"x-a\"] == \"1\"",
            "context.params has id && context.params.id like \"*\" && context has params.id",
            "context.utc.minuteOfDay >= 540 && context.utc.weekday < 6",
            "[1, 2].contains(context.utc.weekday) && context.utc.date - 1 + 2 * 3 == -5",
            "context.now >= datetime(\"2026-11-24\") && context.now.toTime() < duration(\"9h\")",
            "context.sourceIp.isInRange(ip(\"10.0.0.0/8\")) || context.sourceIp == ip(\"::1\")",
            "context.sourceIp.isIpv4() || context.sourceIp.isIpv6()",
            "principal is Workload in Namespace::\"td/a\" && principal.spiffe like \"*/x\"",
            "principal has ns && principal.ns == principal.sa && principal.trustDomain == \"td\"",
            "resource is Route && resource in [Service::\"s\"]",
            "context.query.contains(\"q\") || !(context has query)",
            "context has tls && context.tls.group == \"X25519\" && context.tls.serial != \"0a\"",
            "context has authAge && context.authAge <= 15 * 60",
            "context.tls.notAfter.durationSince(context.now) > duration(\"1h\")",
            "context.tls.notBefore.offset(duration(\"1h\")) > context.now",
            "principal has email && principal.email like \"*@b\" && principal.emailVerified",
            "principal has acr && principal.acr == \"a\" && principal.amr.contains(\"otp\")",
            "principal.roles.contains(\"a\") || !(principal has authenticatedAt)",
            "context.now.durationSince(principal.authenticatedAt) < duration(\"1h\")",
            "principal has claims.level && principal.claims.level > 2",
            "principal.claims has ok && principal.claims.ok && principal has claims",
            "principal.claims.site == \"a\" || principal.claims.tags.contains(\"a\")",
            "context.signals has level && context.signals.level + 1 < 5",
            "context has signals.ok && context.signals.ok",
            "context.signals.site like \"a*\" && context.signals.tags.contains(\"a\")",
            "action in [Action::\"read\"] && Action::\"PUT\" != action",
            "if true then principal in WorkloadGroup::\"g\" else principal == Workload::\"w\"",
        ] {
            assert!(has_form(condition), "{condition}");
        }
    }

    #[test]
    fn what_has_no_form_is_left_to_cedar() {
        for condition in [
            "context.now.toDate() == datetime(\"2026-11-24\")",
            "context.now == datetime(\"2026-11-24T08:00:00+0100\")",
            "context.sourceIp.isLoopback()",
            "context.sourceIp == ip(\"10.0.0.0/8\")",
            "[context.path].containsAny([\"a\"])",
            "(if true then context.path else context.host) == \"a\"",
            "context.headers has \"x-b\"",
            "context.tokyo.weekday == 1",
            "principal.claims has other",
            "principal.claims.tags == [\"a\"]",
            "principal.roles.isEmpty()",
            "context.signals has other",
            "{a: 1}.a == 1",
            "principal == resource",
        ] {
            assert!(!has_form(condition), "{condition}");
        }
    }
}
