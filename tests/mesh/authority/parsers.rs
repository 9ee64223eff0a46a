//! Whatever is written, it is read as it was meant, or not at all.

use std::collections::BTreeSet;
use std::time::Duration;
use std::time::SystemTime;

use portreeve::authority::IdTemplate;
use portreeve::authority::Selector;
use portreeve::authority::parse_entries;
use portreeve::authority::read_claims;
use portreeve::authority::read_foreign_bundle;
use portreeve::authority::read_review;
use portreeve::id::TrustDomain;
use proptest::prelude::*;
use serde_json::json;

use crate::authority::cluster::NOON;

proptest! {
    #[test]
    fn a_selector_is_written_as_it_was_read(text in "((k8s|x509|join_token)(:(ns|sa|cn|uri))?(:\\PC{0,12})?|\\PC{0,20})") {
        let Ok(selector) = text.parse::<Selector>() else { return Ok(()) };
        prop_assert_eq!(selector.to_string(), text);
        let parts = Selector::new(selector.kind(), selector.value());
        prop_assert_eq!(parts, Ok(selector));
    }

    #[test]
    fn a_template_names_nobody_of_elsewhere(
        text in "spiffe://(mesh\\.example|other\\.example|\\{k8s:ns\\})(/([a-z.%{}]{0,4}|portreeve|\\{k8s:(ns|sa|pod)\\})){0,4}",
        namespace in "(portreeve|\\PC{1,12})",
        account in "(\\.|\\.\\.|\\PC{1,12})",
    ) {
        let Ok(template) = IdTemplate::parse(&text, &domain()) else { return Ok(()) };
        prop_assert_eq!(template.to_string(), text);
        let facts = [("k8s:ns", namespace), ("k8s:sa", account)];
        let proved: BTreeSet<_> = facts.iter().filter_map(|(kind, value)| Selector::new(kind, value).ok()).collect();
        let Some(id) = template.fill(&proved) else { return Ok(()) };
        prop_assert_eq!(id.trust_domain(), &domain());
        prop_assert_ne!(id.path().split('/').nth(1), Some("portreeve"));
        prop_assert_eq!(id.as_str().matches('/').count(), template.to_string().matches('/').count());
    }

    #[test]
    fn a_file_of_entries_is_read_as_it_was_written(
        names in prop::collection::btree_set("[a-z0-9._-]{1,12}", 0..6),
        account in "[a-z0-9:'\" #]{1,12}",
        segment in "[A-Za-z0-9_-]{1,12}",
        ttl in any::<u64>(),
    ) {
        let id = format!("spiffe://mesh.example/{segment}/{{k8s:ns}}");
        let selector = format!("k8s:sa:{account}");
        let written: Vec<_> = names
            .iter()
            .map(|name| json!({ "name": name, "selectors": [selector], "spiffe_id": id, "svid_ttl_s": ttl }))
            .collect();
        // JSON is YAML.
        let text = json!({ "entries": written }).to_string();
        let entries = parse_entries(&text, &domain()).unwrap();
        prop_assert_eq!(entries.len(), names.len());
        for (entry, name) in entries.iter().zip(&names) {
            prop_assert_eq!(entry.name.as_str(), name);
            prop_assert_eq!(entry.id.to_string(), id.as_str());
            let selectors: Vec<_> = entry.selectors.iter().map(ToString::to_string).collect();
            prop_assert_eq!(selectors, vec![selector.clone()]);
            prop_assert_eq!(entry.svid_ttl, (ttl > 0).then(|| Duration::from_secs(ttl)));
        }
    }

    #[test]
    fn a_file_of_anything_is_entries_or_mistakes(text in "(entries: ?)?[-\\[\\]{}:,\\n a-z\"'&*!|>]{0,40}") {
        if let Err(mistakes) = parse_entries(&text, &domain()) {
            prop_assert!(!mistakes.is_empty());
        }
    }

    #[test]
    fn claims_prove_what_they_say_and_nothing_else(
        namespace in "\\PC{0,12}",
        account in "\\PC{0,12}",
        pod in prop::option::of("\\PC{0,12}"),
        (exp, nbf) in (0..2 * NOON, prop::option::of(0..2 * NOON)),
    ) {
        let claims = json!({
            "exp": exp,
            "nbf": nbf,
            "kubernetes.io": {
                "namespace": namespace,
                "serviceaccount": { "name": account },
                "pod": pod.as_ref().map(|name| json!({ "name": name })),
            },
        });
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOON);
        let Ok(proved) = read_claims("east", claims.to_string().as_bytes(), now) else { return Ok(()) };
        prop_assert!(exp + 30 >= NOON && nbf.unwrap_or(0) <= NOON + 30);
        let facts = [("k8s:cluster", "east"), ("k8s:ns", &namespace), ("k8s:sa", &account)];
        let pod = pod.as_deref().map(|name| ("k8s:pod", name));
        let said: BTreeSet<_> = facts.into_iter().chain(pod).collect();
        let found: BTreeSet<_> = proved.iter().map(|fact| (fact.kind(), fact.value())).collect();
        prop_assert_eq!(found, said);
    }

    #[test]
    fn a_review_proves_what_it_says_and_nothing_else(
        authenticated in any::<bool>(),
        audiences in prop::collection::vec("(portreeve|vault)", 0..3),
        namespace in "[a-z:]{0,6}",
        account in "\\PC{0,6}",
        pod in prop::collection::vec("\\PC{0,6}", 0..3),
    ) {
        let review = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "status": {
                "authenticated": authenticated,
                "audiences": audiences,
                "user": {
                    "username": format!("system:serviceaccount:{namespace}:{account}"),
                    "extra": { "authentication.kubernetes.io/pod-name": pod },
                },
            },
        });
        let Ok(proved) = read_review("east", "portreeve", review.to_string().as_bytes()) else { return Ok(()) };
        prop_assert!(authenticated && audiences.iter().any(|audience| audience == "portreeve"));
        prop_assert!(!namespace.contains(':') && !account.contains(':') && pod.len() < 2);
        let facts = [("k8s:cluster", "east"), ("k8s:ns", &namespace), ("k8s:sa", &account)];
        let pod = pod.first().map(|name| ("k8s:pod", name.as_str()));
        let said: BTreeSet<_> = facts.into_iter().chain(pod).collect();
        let found: BTreeSet<_> = proved.iter().map(|fact| (fact.kind(), fact.value())).collect();
        prop_assert_eq!(found, said);
    }

    #[test]
    fn a_review_of_anything_proves_nothing(text in "[{}\\[\\]:,\"0-9a-z. -]{0,40}") {
        prop_assert!(read_review("east", "portreeve", text.as_bytes()).is_err());
    }

    #[test]
    fn a_foreign_bundle_of_anything_has_no_roots(text in "(\\{\"keys\":)?[{}\\[\\]:,\"0-9a-z. -]{0,40}") {
        if let Ok(bundle) = read_foreign_bundle(domain(), text.as_bytes(), "the test") {
            prop_assert_eq!(bundle.certificates().count(), 0);
        }
    }

    #[test]
    fn claims_of_anything_prove_nothing(text in "[{}\\[\\]:,\"0-9a-z. -]{0,40}") {
        prop_assert!(read_claims("east", text.as_bytes(), SystemTime::UNIX_EPOCH).is_err());
    }
}

fn domain() -> TrustDomain {
    "mesh.example".parse().unwrap()
}
