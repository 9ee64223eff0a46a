//! The names of the mesh's trust domain, in principals.
//!
//! As in Istio, a principal of five parts (`<trust domain>/ns/<namespace>/sa/<account>`)
//! whose trust domain is the mesh's own, an alias of it or `cluster.local` means
//! each of the mesh's. Any other is what is written, even if it begins with
//! `cluster.local/`: what Istio does not replace would let in more here than there.

use crate::id::TrustDomain;

/// What `text`, one of Istio's patterns, stands for.
pub(super) fn names(text: &str, trust_domains: &[TrustDomain]) -> Vec<String> {
    let as_written = vec![text.to_owned()];
    let Some((domain, rest)) = text.split_once('/') else {
        return as_written;
    };
    if rest.matches('/').count() != 3 || domain == "*" {
        return as_written;
    }
    // `*-td` is every trust domain with this end.
    let has_end = |own: &TrustDomain| {
        let end = domain.strip_prefix('*');
        end.is_some_and(|end| own.as_str().ends_with(end))
    };
    let is_ours = |own: &TrustDomain| own.as_str() == domain || has_end(own);
    if domain != CLUSTER && !trust_domains.iter().any(is_ours) {
        return as_written;
    }
    let mut names = Vec::new();
    for own in trust_domains {
        let name = if has_end(own) {
            text.to_owned()
        } else {
            format!("{own}/{rest}")
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Istio's other name for the mesh's own trust domain.
const CLUSTER: &str = "cluster.local";

#[cfg(test)]
mod tests {
    use super::*;

    /// Which domains are the mesh's, what is written, and what it stands for.
    type Case = (
        &'static [&'static str],
        &'static str,
        &'static [&'static str],
    );

    /// The cases of Istio's own test of this (`pilot/pkg/security/trustdomain`),
    /// and what has not five parts.
    #[test]
    fn a_principal_of_the_mesh_stands_for_all_of_its_names() {
        let cases: [Case; 14] = [
            (
                &["cluster.local"],
                "cluster.local/ns/a/sa/b",
                &["cluster.local/ns/a/sa/b"],
            ),
            (&["cluster.local"], "*", &["*"]),
            (&["cluster.local"], "*/ns/a/sa/b", &["*/ns/a/sa/b"]),
            (
                &["td2", "td1"],
                "td1/ns/a/sa/b",
                &["td2/ns/a/sa/b", "td1/ns/a/sa/b"],
            ),
            (
                &["td1", "cluster.local"],
                "cluster.local/ns/a/sa/b",
                &["td1/ns/a/sa/b", "cluster.local/ns/a/sa/b"],
            ),
            (&["td1", "cluster.local"], "*sa/z", &["*sa/z"]),
            (
                &["td2", "td1", "cluster.local"],
                "td1/ns/y/sa/z",
                &["td2/ns/y/sa/z", "td1/ns/y/sa/z", "cluster.local/ns/y/sa/z"],
            ),
            (
                &["td2", "foo-td1", "cluster.local"],
                "*-td1/ns/a/sa/b",
                &[
                    "td2/ns/a/sa/b",
                    "*-td1/ns/a/sa/b",
                    "cluster.local/ns/a/sa/b",
                ],
            ),
            (&["td1", "td2"], "some-td/ns/a/sa/b", &["some-td/ns/a/sa/b"]),
            (
                &["td1", "td2", "some-td"],
                "some-td/ns/a/sa/b",
                &["td1/ns/a/sa/b", "td2/ns/a/sa/b", "some-td/ns/a/sa/b"],
            ),
            (&["td1"], "cluster.local/ns/a/sa/*", &["td1/ns/a/sa/*"]),
            (&["td1"], "cluster.local/ns/a/*", &["cluster.local/ns/a/*"]),
            (&["td1"], "cluster.local/*", &["cluster.local/*"]),
            (&["a-td", "b-td"], "*-td/ns/a/sa/b", &["*-td/ns/a/sa/b"]),
        ];
        for (own, text, expected) in cases {
            let own: Vec<TrustDomain> = own.iter().map(|one| one.parse().unwrap()).collect();
            assert_eq!(names(text, &own), expected, "{own:?} {text}");
        }
    }
}
