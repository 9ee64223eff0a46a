//! All templates that a path fits, found in one walk.
//!
//! A radix router answers with the *best* match, and a `forbid` on
//! `/users/{id}` would then miss `/users/me`. This one answers with all of
//! them, the most specific first. A walk visits only the branches whose first
//! segments fit, so its cost does not grow with the number of templates.

use crate::policy::table::Table;
use crate::policy::template::Segment;
use crate::policy::template::Template;

/// The templates of one service, by segment.
#[derive(Debug)]
pub(super) struct Matcher {
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    literals: Table<Box<str>, usize>,
    parameter: Option<usize>,
    /// Templates that end here.
    ends: Vec<u32>,
    /// Templates that take whatever follows from here.
    rests: Vec<u32>,
}

impl Matcher {
    /// One without templates, which no path fits.
    pub(super) fn new() -> Self {
        Self {
            nodes: vec![Node::default()],
        }
    }

    /// Adds a template, which is known by `number` from then on.
    pub(super) fn file(&mut self, number: u32, template: &Template) {
        let mut at = 0;
        for segment in template.segments() {
            let next = self.nodes.len();
            let Some(node) = self.nodes.get_mut(at) else {
                return;
            };
            at = match segment {
                Segment::Literal(text) => *node.literals.entry(text.clone()).or_insert(next),
                Segment::Parameter(_) => *node.parameter.get_or_insert(next),
                Segment::Rest => {
                    node.rests.push(number);
                    return;
                }
            };
            if at == next {
                self.nodes.push(Node::default());
            }
        }
        if let Some(node) = self.nodes.get_mut(at) {
            node.ends.push(number);
        }
    }

    /// Appends the number of each template that `path` fits, most specific
    /// first: a literal before a parameter before a rest, from the left. The
    /// order depends on nothing but the set.
    pub(super) fn matches(&self, path: &str, found: &mut Vec<u32>) {
        if let Some(path) = path.strip_prefix('/') {
            self.visit(0, Some(path), found);
        }
    }

    /// Appends the number of each template that some path fits which fits
    /// `template`, too; in no order.
    pub(super) fn overlapping(&self, template: &Template, found: &mut Vec<u32>) {
        self.meet(0, template.segments(), found);
    }

    fn meet(&self, at: usize, segments: &[Segment], found: &mut Vec<u32>) {
        let Some(node) = self.nodes.get(at) else {
            return;
        };
        found.extend_from_slice(&node.rests);
        let Some((first, rest)) = segments.split_first() else {
            return found.extend_from_slice(&node.ends);
        };
        let mut meet = |next: usize| self.meet(next, rest, found);
        match first {
            Segment::Literal(text) => {
                node.literals.get(text).copied().map(&mut meet);
                // An empty one is the end of a path with a slash there.
                node.parameter.filter(|_| !text.is_empty()).map(meet);
            }
            Segment::Parameter(_) => {
                let literals = node.literals.iter().filter(|(text, _)| !text.is_empty());
                literals.for_each(|(_, &next)| meet(next));
                node.parameter.map(meet);
            }
            Segment::Rest => self.all(at, found),
        }
    }

    /// All that are filed from here on, but those that take whatever follows
    /// from here.
    fn all(&self, at: usize, found: &mut Vec<u32>) {
        let Some(node) = self.nodes.get(at) else {
            return;
        };
        found.extend_from_slice(&node.ends);
        for &next in node.literals.values().chain(&node.parameter) {
            let rests = self.nodes.get(next).map(|node| &node.rests);
            found.extend(rests.into_iter().flatten());
            self.all(next, found);
        }
    }

    /// `rest` is what follows the slash, or nothing if the path ended. The
    /// depth is at most that of the deepest template.
    fn visit(&self, at: usize, rest: Option<&str>, found: &mut Vec<u32>) {
        let Some(node) = self.nodes.get(at) else {
            return;
        };
        if let Some(rest) = rest {
            let (segment, rest) = match rest.split_once('/') {
                Some((segment, rest)) => (segment, Some(rest)),
                None => (rest, None),
            };
            if let Some(&next) = node.literals.get(segment) {
                self.visit(next, rest, found);
            }
            if let Some(next) = node.parameter
                && !segment.is_empty()
            {
                self.visit(next, rest, found);
            }
        } else {
            found.extend_from_slice(&node.ends);
        }
        found.extend_from_slice(&node.rests);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(templates: &[Template], path: &str) -> Vec<u32> {
        let mut matcher = Matcher::new();
        for (number, template) in (0_u32..).zip(templates) {
            matcher.file(number, template);
        }
        let mut found = Vec::new();
        matcher.matches(path, &mut found);
        found
    }

    #[test]
    fn names_every_template_most_specific_first() {
        let templates: Vec<Template> = ["/**", "/users/{id}", "/users/me", "/users/**", "/{x}/me"]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        assert_eq!(found(&templates, "/users/me"), [2, 1, 3, 4, 0]);
        assert_eq!(found(&templates, "/users/7"), [1, 3, 0]);
        assert_eq!(found(&templates, "/users"), [3, 0]);
        assert_eq!(found(&templates, "/"), [0]);
        assert!(found(&templates, "users").is_empty());
    }

    fn template() -> impl Strategy<Value = Template> {
        let segment = prop_oneof!["[ab]", Just("{x}".to_owned()), Just("{y}".to_owned())];
        (
            prop::collection::vec(segment, 0..4),
            prop::sample::select(vec!["", "/", "/**"]),
        )
            .prop_filter_map("a template", |(segments, end)| {
                let text: String = segments.iter().map(|s| format!("/{s}")).collect();
                format!("{text}{end}").parse().ok()
            })
    }

    proptest! {
        #[test]
        fn agrees_with_each_template_asked_alone(
            templates in prop::collection::vec(template(), 0..12),
            path in "(/[abc]){0,4}/?",
        ) {
            let mut found = found(&templates, &path);
            found.sort_unstable();
            let alone: Vec<u32> = (0_u32..)
                .zip(&templates)
                .filter(|(_, template)| template.matches(&path))
                .map(|(number, _)| number)
                .collect();
            prop_assert_eq!(found, alone);
        }

        #[test]
        fn finds_the_overlapping_ones(
            templates in prop::collection::vec(template(), 0..12),
            asked in template(),
        ) {
            let mut matcher = Matcher::new();
            for (number, template) in (0_u32..).zip(&templates) {
                matcher.file(number, template);
            }
            let mut found = Vec::new();
            matcher.overlapping(&asked, &mut found);
            found.sort_unstable();
            let alone: Vec<u32> = (0_u32..)
                .zip(&templates)
                .filter(|(_, template)| asked.overlaps(template))
                .map(|(number, _)| number)
                .collect();
            prop_assert_eq!(found, alone);
        }

        #[test]
        fn two_that_meet_on_a_path_overlap(a in template(), b in template(), path in "(/[abc]){0,4}/?") {
            if a.matches(&path) && b.matches(&path) {
                prop_assert!(a.overlaps(&b));
            }
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in "\\PC{0,40}", path in "\\PC{0,40}") {
            if let Ok(template) = text.parse::<Template>() {
                prop_assert_eq!(template.as_str(), &text);
                prop_assert_eq!(template.matches(&path), !found(&[template], &path).is_empty());
            }
        }
    }
}
