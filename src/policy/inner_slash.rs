//! A slash inside a segment, which is written `%2F`, and where it has but one reading.
//!
//! GitLab's API says `group%2Fproject` for one segment, and Argo CD's
//! `https%3A%2F%2Fgit.example%2Frepo`. To us and to them that is text. What
//! decodes first and asks then sees slashes, so whatever such a reader would
//! resolve into a path that nobody decided on is refused: what stands between the
//! slashes is neither `.` nor `..`, nor nothing. The two slashes behind a scheme
//! are the exception: without them no URL could be a segment.

/// Looks at the inner slashes of `segment`, which is canonical.
///
/// # Errors
///
/// [`InnerSlashError`] says what somebody who decodes first would resolve.
pub fn check_inner_slashes(segment: &str) -> Result<(), InnerSlashError> {
    if !segment.contains(INNER_SLASH) {
        return Ok(());
    }
    let mut pieces = without_scheme(segment).split(INNER_SLASH);
    pieces.try_for_each(|piece| match piece {
        "" => Err(InnerSlashError::Empty),
        "." | ".." => Err(InnerSlashError::Dot),
        _ => Ok(()),
    })
}

/// What the slashes inside a segment would make of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InnerSlashError {
    /// `.` or `..` beside one.
    #[error("there is `.` or `..` beside an escaped slash")]
    Dot,
    /// Two in a row, or one at an end.
    #[error("there is nothing on one side of an escaped slash")]
    Empty,
}

/// What follows `https:` and two slashes, or all of it (RFC 3986 3.1).
fn without_scheme(segment: &str) -> &str {
    let authority = [":%2F%2F", "%3A%2F%2F"]
        .iter()
        .find_map(|mark| segment.split_once(mark));
    let is_scheme = |text: &str| {
        let mut bytes = text.bytes();
        bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic())
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    };
    match authority {
        Some((scheme, rest)) if is_scheme(scheme) => rest,
        _ => segment,
    }
}

/// A slash as canonical paths have it inside a segment.
const INNER_SLASH: &str = "%2F";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_inside_a_segment_has_text_on_both_sides() {
        use InnerSlashError::{Dot, Empty};

        let good = [
            "",
            "a",
            "a%20b",
            "group%2Fproject",
            "a%2Fb%2Fc",
            "a%2F...",
            ".a%2F..b",
            "https%3A%2F%2Fgit.example%2Forg%2Frepo.git",
            "https:%2F%2Fkubernetes.default.svc",
            "oci%3A%2F%2Fghcr.io",
        ];
        for segment in good {
            assert_eq!(check_inner_slashes(segment), Ok(()), "{segment}");
        }
        let bad = [
            ("%2F", Empty),
            ("%2Fadmin", Empty),
            ("%2F%2Fevil.example", Empty),
            ("a%2F", Empty),
            ("a%2F%2Fb", Empty),
            ("..%2Fadmin", Dot),
            ("a%2F..%2Fadmin", Dot),
            ("a%2F.", Dot),
            ("a%2F..", Dot),
            (".%2Fa", Dot),
            // A scheme excuses its own two slashes and no others.
            ("https%3A%2F%2F", Empty),
            ("https%3A%2F%2F%2Fadmin", Empty),
            ("https%3A%2F%2F..%2Fadmin", Dot),
            ("https%3A%2F%2Fa%2F%2Fadmin", Empty),
            ("https%3A%2F%2Fa%2F..%2F..%2Fadmin", Dot),
            ("a%2Fhttps%3A%2F%2Fb", Empty),
            ("%3A%2F%2Fadmin", Empty),
            ("1a%3A%2F%2Fadmin", Empty),
        ];
        for (segment, why) in bad {
            assert_eq!(check_inner_slashes(segment), Err(why), "{segment}");
        }
    }
}
