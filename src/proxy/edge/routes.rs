//! Which route a request is on: by its host, then by the longest prefix of its path.

use std::collections::HashMap;

/// Places by host and prefix.
#[derive(Debug)]
pub(super) struct Routes {
    /// Of each host, the longest prefix first.
    by_host: HashMap<Box<str>, OfHost>,
}

/// Prefixes, each with the number of its route.
type OfHost = Vec<(Box<str>, usize)>;

impl Routes {
    /// `routes` are host and prefix of each, in their order.
    pub(super) fn new<'a>(routes: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut by_host: HashMap<Box<str>, OfHost> = HashMap::new();
        for (at, (host, prefix)) in routes.into_iter().enumerate() {
            let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
            let of_host = by_host.entry(host.into()).or_default();
            of_host.push((prefix.into(), at));
        }
        for of_host in by_host.values_mut() {
            of_host.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        }
        Self { by_host }
    }

    /// Whether anything is known of `host`.
    pub(super) fn has_host(&self, host: &str) -> bool {
        self.by_host.contains_key(host)
    }

    /// The number of the route that a request for `path` at `host` is on.
    ///
    /// A prefix covers whole segments: `/api` is not a beginning of `/apix`.
    pub(super) fn find(&self, host: &str, path: &str) -> Option<usize> {
        let of_host = self.by_host.get(host)?;
        let covers = |prefix: &str| {
            let rest = path.strip_prefix(prefix);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let found = of_host.iter().find(|(prefix, _)| covers(prefix));
        found.map(|(_, at)| *at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn routes() -> Routes {
        Routes::new([
            ("a.example", "/"),
            ("a.example", "/api"),
            ("a.example", "/api/v2/"),
            ("b.example", "/only"),
        ])
    }

    #[test]
    fn the_longest_prefix_of_whole_segments_counts() {
        let cases = [
            ("a.example", "/", Some(0)),
            ("a.example", "/apix", Some(0)),
            ("a.example", "/api", Some(1)),
            ("a.example", "/api/", Some(1)),
            ("a.example", "/api/v22", Some(1)),
            ("a.example", "/api/v2", Some(2)),
            ("a.example", "/api/v2/x", Some(2)),
            ("b.example", "/only/x", Some(3)),
            ("b.example", "/other", None),
            ("b.example", "/onlyx", None),
            ("c.example", "/", None),
        ];
        for (host, path, at) in cases {
            assert_eq!(routes().find(host, path), at, "{host}{path}");
        }
        assert!(routes().has_host("b.example"));
        assert!(!routes().has_host("c.example"));
    }

    proptest! {
        #[test]
        fn what_is_found_is_a_beginning_and_none_that_is_longer(
            prefixes in prop::collection::vec("(/[ab]{1,2}){0,3}/?", 1..6),
            path in "(/[ab]{1,2}){1,4}",
        ) {
            let routes = Routes::new(prefixes.iter().map(|prefix| ("h", prefix.as_str())));
            let covers = |prefix: &str| {
                let segments: Vec<_> = prefix.split('/').filter(|part| !part.is_empty()).collect();
                let asked: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
                asked.starts_with(&segments).then_some(segments.len())
            };
            let best = prefixes.iter().filter_map(|prefix| covers(prefix)).max();
            let found = routes.find("h", &path).map(|at| covers(&prefixes[at]).unwrap());
            prop_assert_eq!(found, best);
        }
    }
}
