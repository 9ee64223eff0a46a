//! A SPIFFE ID with places that proved values fill.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::authority::selector::Selector;
use crate::id::SpiffeId;
use crate::id::SpiffeIdError;
use crate::id::TrustDomain;

/// A SPIFFE ID, in which `{kind}` stands for the value that was proved of that
/// kind, such as `spiffe://example.org/ns/{k8s:ns}/sa/{k8s:sa}`.
///
/// What it is filled to is always in the authority's own trust domain, and
/// never in the part of it that is the authority's own.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IdTemplate {
    text: Arc<str>,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Part {
    Literal(String),
    Value { kind: String },
}

impl IdTemplate {
    /// Parses a template for names in `trust_domain`.
    ///
    /// # Errors
    ///
    /// All of [`IdTemplateError`].
    pub fn parse(text: &str, trust_domain: &TrustDomain) -> Result<Self, IdTemplateError> {
        let parts = split(text)?;
        // Filled with a harmless segment, it must be an ID that may be issued.
        let example: String = parts
            .iter()
            .map(|part| match part {
                Part::Literal(literal) => literal.as_str(),
                Part::Value { .. } => "x",
            })
            .collect();
        let example: SpiffeId = example
            .parse()
            .map_err(|cause| IdTemplateError::NotAnId { cause })?;
        may_be_issued(&example, trust_domain)?;
        Ok(Self {
            text: text.into(),
            parts,
        })
    }

    /// A template without places: `id` and nothing else.
    ///
    /// # Errors
    ///
    /// [`IdTemplateError::OtherTrustDomain`], [`IdTemplateError::Reserved`] and
    /// [`IdTemplateError::NoPath`].
    pub fn of(id: &SpiffeId, trust_domain: &TrustDomain) -> Result<Self, IdTemplateError> {
        Self::parse(id.as_str(), trust_domain)
    }

    /// What its places stand for.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::Value { kind } => Some(kind.as_str()),
        })
    }

    /// The ID for a workload of which `proved` was proved; none if a place has
    /// no value, several, or one that is not one segment of a path.
    #[must_use]
    pub fn fill(&self, proved: &BTreeSet<Selector>) -> Option<SpiffeId> {
        let mut filled = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(literal) => filled.push_str(literal),
                Part::Value { kind } => filled.push_str(the_only_value(kind, proved)?),
            }
        }
        let id: SpiffeId = filled.parse().ok()?;
        may_be_issued(&id, id.trust_domain()).ok()?;
        Some(id)
    }
}

impl fmt::Display for IdTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why a text is no template for SPIFFE IDs.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum IdTemplateError {
    /// The trust domain itself, which is the authority.
    #[error("the SPIFFE ID has no path: that is the name of the trust domain itself")]
    NoPath,
    /// Filled, it would be no SPIFFE ID.
    #[error("it does not make a SPIFFE ID")]
    NotAnId {
        /// What is wrong with it.
        #[source]
        cause: SpiffeIdError,
    },
    /// It names workloads of another trust domain.
    #[error("it is in trust domain `{found}`, not `{expected}`")]
    OtherTrustDomain {
        /// Which one it names.
        found: TrustDomain,
        /// The authority's.
        expected: TrustDomain,
    },
    /// It names what is the authority's own.
    #[error("names under `/{RESERVED}` are the authority's own")]
    Reserved,
    /// A place for something that cannot be proved.
    #[error("`{{{kind}}}` is nothing that can be proved")]
    UnknownKind {
        /// What stands in the braces.
        kind: String,
    },
    /// A brace without its other.
    #[error("a brace has no other")]
    Unbalanced,
}

/// Whether workloads may be named `id`.
pub(super) fn may_be_issued(
    id: &SpiffeId,
    trust_domain: &TrustDomain,
) -> Result<(), IdTemplateError> {
    if id.trust_domain() != trust_domain {
        return Err(IdTemplateError::OtherTrustDomain {
            found: id.trust_domain().clone(),
            expected: trust_domain.clone(),
        });
    }
    match id.path().split('/').nth(1) {
        None => Err(IdTemplateError::NoPath),
        Some(RESERVED) => Err(IdTemplateError::Reserved),
        Some(_) => Ok(()),
    }
}

fn split(text: &str) -> Result<Vec<Part>, IdTemplateError> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((literal, from_brace)) = rest.split_once('{') {
        let (kind, after) = from_brace
            .split_once('}')
            .ok_or(IdTemplateError::Unbalanced)?;
        if !Selector::is_kind(kind) {
            return Err(IdTemplateError::UnknownKind { kind: kind.into() });
        }
        parts.push(Part::Literal(literal.to_owned()));
        parts.push(Part::Value { kind: kind.into() });
        rest = after;
    }
    parts.push(Part::Literal(rest.to_owned()));
    let stray = |part: &Part| matches!(part, Part::Literal(literal) if literal.contains('}'));
    if parts.iter().any(stray) {
        return Err(IdTemplateError::Unbalanced);
    }
    Ok(parts)
}

fn the_only_value<'a>(kind: &str, proved: &'a BTreeSet<Selector>) -> Option<&'a str> {
    let mut values = proved
        .iter()
        .filter(|selector| selector.kind() == kind)
        .map(Selector::value);
    let value = values.next()?;
    let is_segment = !value.contains('/') && value != "." && value != "..";
    (is_segment && values.next().is_none()).then_some(value)
}

/// The first segment of the authority's own names.
const RESERVED: &str = "portreeve";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[expect(clippy::unwrap_in_result, reason = "a literal that parses")]
    fn parse(text: &str) -> Result<IdTemplate, IdTemplateError> {
        IdTemplate::parse(text, &"example.org".parse().unwrap())
    }

    fn proved(selectors: &[&str]) -> BTreeSet<Selector> {
        selectors.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn is_filled_with_what_was_proved() {
        let template = parse("spiffe://example.org/ns/{k8s:ns}/sa/{k8s:sa}").unwrap();
        let id = template
            .fill(&proved(&["k8s:ns:shop", "k8s:sa:web"]))
            .unwrap();
        assert_eq!(id.as_str(), "spiffe://example.org/ns/shop/sa/web");
        for lacking in [
            &["k8s:ns:shop"][..],
            &["k8s:ns:shop", "k8s:sa:a/b"],
            &["k8s:ns:shop", "k8s:sa:.."],
            &["k8s:ns:shop", "k8s:sa:%41"],
            &["k8s:ns:shop", "k8s:sa:one", "k8s:sa:two"],
        ] {
            assert_eq!(template.fill(&proved(lacking)), None, "{lacking:?}");
        }
        let reserved = parse("spiffe://example.org/{k8s:ns}/authority").unwrap();
        assert_eq!(reserved.fill(&proved(&["k8s:ns:portreeve"])), None);
    }

    #[test]
    fn refuses_what_may_not_be_issued() {
        use IdTemplateError::{NoPath, OtherTrustDomain, Reserved, Unbalanced, UnknownKind};

        let cases = [
            ("spiffe://example.org", NoPath),
            ("spiffe://example.org/portreeve/authority", Reserved),
            ("spiffe://example.org/portreeve", Reserved),
            ("spiffe://example.org/{k8s:ns", Unbalanced),
            ("spiffe://example.org/k8s:ns}", Unbalanced),
            (
                "spiffe://example.org/{ns}",
                UnknownKind { kind: "ns".into() },
            ),
            (
                "spiffe://example.com/web",
                OtherTrustDomain {
                    found: "example.com".parse().unwrap(),
                    expected: "example.org".parse().unwrap(),
                },
            ),
        ];
        for (text, why) in cases {
            assert_eq!(parse(text), Err(why), "{text}");
        }
        for text in ["web", "spiffe://{k8s:ns}/web/", "spiffe://example.org/a//b"] {
            assert!(
                matches!(
                    parse(text),
                    Err(IdTemplateError::NotAnId { .. } | OtherTrustDomain { .. })
                ),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_value_leaves_its_segment_or_its_trust_domain(value in "\\PC{1,20}") {
            let template = parse("spiffe://example.org/a/{k8s:sa}/b").unwrap();
            let Ok(selector) = Selector::new("k8s:sa", &value) else { return Ok(()) };
            if let Some(id) = template.fill(&BTreeSet::from([selector])) {
                prop_assert_eq!(id.trust_domain().as_str(), "example.org");
                prop_assert_eq!(id.path().split('/').count(), 4);
                prop_assert_eq!(id.path(), format!("/a/{value}/b"));
            }
        }
    }
}
