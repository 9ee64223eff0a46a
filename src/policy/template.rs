//! A path with holes: what a route is called, and what it matches.
//!
//! Templates match whole segments, which Cedar's `like` cannot. They are
//! written in the same canonical form as the paths they are held against, so
//! that a template which could never match is refused instead of kept.
//!
//! - `/users/{id}`: `{id}` is exactly one segment that is not empty.
//! - `/api/**`: everything below `/api`, and `/api` itself. It has to include
//!   `/api`: a `forbid` on `/admin/**` that let `/admin` through would be a trap.
//! - `/users` and `/users/` are two different paths. `/users/**` matches both.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::policy::inner_slash::InnerSlashError;
use crate::policy::inner_slash::check_inner_slashes;

/// A checked route template, such as `/users/{id}/**`. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Template {
    text: Arc<str>,
    segments: Arc<[Segment]>,
}

/// One step of a template.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Segment {
    /// This text and no other. Empty only at the end, for a final slash.
    Literal(Box<str>),
    /// Any one segment that is not empty, captured under this name.
    Parameter(Arc<str>),
    /// Whatever follows, also nothing.
    Rest,
}

impl Template {
    /// The longest template in bytes.
    pub const MAX_BYTES: usize = 1024;

    /// The most segments: matching costs stack in proportion.
    pub const MAX_SEGMENTS: usize = 64;

    /// The template as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether `path`, which is canonical and begins with a slash, fits.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let Some(path) = path.strip_prefix('/') else {
            return false;
        };
        let mut found = path.split('/');
        for segment in &*self.segments {
            let fits = match segment {
                Segment::Rest => return true,
                Segment::Literal(text) => found.next() == Some(text),
                Segment::Parameter(_) => found.next().is_some_and(|text| !text.is_empty()),
            };
            if !fits {
                return false;
            }
        }
        found.next().is_none()
    }

    /// The names it captures, each with the number of its segment, from 0.
    pub(super) fn parameters(&self) -> impl Iterator<Item = (&Arc<str>, usize)> {
        self.segments
            .iter()
            .enumerate()
            .filter_map(|(at, segment)| match segment {
                Segment::Parameter(name) => Some((name, at)),
                Segment::Literal(_) | Segment::Rest => None,
            })
    }

    /// Whether some path fits both; what [`Matcher::overlapping`] is held against.
    ///
    /// [`Matcher::overlapping`]: crate::policy::matcher::Matcher::overlapping
    #[cfg(test)]
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let mut theirs = other.segments.iter();
        for ours in &*self.segments {
            match (ours, theirs.next()) {
                (Segment::Rest, _) | (_, Some(Segment::Rest)) => return true,
                (_, None) => return false,
                (Segment::Literal(a), Some(Segment::Literal(b))) if a != b => return false,
                (Segment::Parameter(_), Some(Segment::Literal(text)))
                | (Segment::Literal(text), Some(Segment::Parameter(_)))
                    if text.is_empty() =>
                {
                    return false;
                }
                (Segment::Literal(_) | Segment::Parameter(_), Some(_)) => {}
            }
        }
        matches!(theirs.next(), None | Some(Segment::Rest))
    }

    pub(super) fn segments(&self) -> &[Segment] {
        &self.segments
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > Self::MAX_BYTES {
            return Err(TemplateError::TooLong { bytes: text.len() });
        }
        let Some(path) = text.strip_prefix('/') else {
            return Err(TemplateError::NoSlash);
        };
        let mut segments = Vec::new();
        let mut at = 1;
        let mut parts = path.split('/').peekable();
        while let Some(part) = parts.next() {
            let segment = match part {
                "" if parts.peek().is_some() => return Err(TemplateError::EmptySegment { at }),
                "**" if parts.peek().is_none() => Segment::Rest,
                _ => parse_segment(part, at)?,
            };
            if let Segment::Parameter(name) = &segment
                && segments.contains(&segment)
            {
                return Err(TemplateError::RepeatedName {
                    name: name.to_string(),
                });
            }
            segments.push(segment);
            at += part.len() + 1;
        }
        if segments.len() > Self::MAX_SEGMENTS {
            return Err(TemplateError::TooDeep {
                segments: segments.len(),
            });
        }
        Ok(Self {
            text: text.into(),
            segments: segments.into(),
        })
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Template {}

/// Why a text is not a route template. Offsets are in bytes from its start.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TemplateError {
    /// A character that no canonical path has in this place.
    #[error("character `{}` at byte {at} cannot stand in a path", found.escape_default())]
    BadCharacter {
        /// Where it is.
        at: usize,
        /// The character.
        found: char,
    },
    /// An escape that canonical paths do not have: bad or lower-case digits, or
    /// a character that stands for itself.
    #[error("the escape at byte {at} is not in canonical form")]
    BadEscape {
        /// Where it is.
        at: usize,
    },
    /// A name in braces that is empty, too long, or not a plain identifier.
    #[error(
        "the name in braces at byte {at} is not 1 to 32 of a-z, A-Z, 0-9, `_`, not beginning with a digit"
    )]
    BadName {
        /// Where its segment is.
        at: usize,
    },
    /// A `*` that is not a whole `**` segment at the end.
    #[error("the wildcard at byte {at} is not a final `/**`; use `{{name}}` for one segment")]
    BadWildcard {
        /// Where it is.
        at: usize,
    },
    /// A segment that is `.` or `..`.
    #[error("the segment at byte {at} is `.` or `..`")]
    DotSegment {
        /// Where it is.
        at: usize,
    },
    /// Two slashes in a row.
    #[error("the segment at byte {at} is empty")]
    EmptySegment {
        /// Where it should be.
        at: usize,
    },
    /// A slash inside a segment, where no canonical path has one.
    #[error("no path has an escaped slash as in the segment at byte {at}")]
    InnerSlash {
        /// Where the segment is.
        at: usize,
        /// What is wrong with it.
        #[source]
        cause: InnerSlashError,
    },
    /// It does not begin with a slash.
    #[error("it does not begin with `/`")]
    NoSlash,
    /// One name for two segments.
    #[error("the name `{name}` is used twice")]
    RepeatedName {
        /// The name.
        name: String,
    },
    /// More than [`Template::MAX_SEGMENTS`].
    #[error("it has {segments} segments, more than {}", Template::MAX_SEGMENTS)]
    TooDeep {
        /// How many.
        segments: usize,
    },
    /// More than [`Template::MAX_BYTES`].
    #[error("it has {bytes} bytes, more than {}", Template::MAX_BYTES)]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

fn parse_segment(part: &str, at: usize) -> Result<Segment, TemplateError> {
    if matches!(part, "." | "..") {
        return Err(TemplateError::DotSegment { at });
    }
    if let Some(name) = part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
        return if is_name(name) {
            Ok(Segment::Parameter(name.into()))
        } else {
            Err(TemplateError::BadName { at })
        };
    }
    check_literal(part, at)?;
    check_inner_slashes(part).map_err(|cause| TemplateError::InnerSlash { at, cause })?;
    Ok(Segment::Literal(part.into()))
}

fn is_name(name: &str) -> bool {
    name.len() <= MAX_NAME_BYTES
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Only what RFC 3986 allows in a path segment, escaped only where it must be.
fn check_literal(part: &str, start: usize) -> Result<(), TemplateError> {
    for (offset, found) in part.char_indices() {
        let at = start + offset;
        match found {
            '*' => return Err(TemplateError::BadWildcard { at }),
            '%' if !is_canonical_escape(part.get(offset + 1..offset + 3)) => {
                return Err(TemplateError::BadEscape { at });
            }
            _ if !is_path_character(found) => {
                return Err(TemplateError::BadCharacter { at, found });
            }
            _ => {}
        }
    }
    Ok(())
}

const fn is_path_character(c: char) -> bool {
    matches!(c, 'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '.' | '_' | '~' | '%'
        | '!' | '$' | '&' | '\'' | '(' | ')' | '+' | ',' | ';' | '=' | ':' | '@')
}

fn is_canonical_escape(digits: Option<&str>) -> bool {
    let Some(digits) = digits else { return false };
    let upper = |b: u8| b.is_ascii_digit() || (b'A'..=b'F').contains(&b);
    digits.bytes().all(upper)
        && u8::from_str_radix(digits, 16)
            .is_ok_and(|byte| !byte.is_ascii_alphanumeric() && !b"-._~".contains(&byte))
}

const MAX_NAME_BYTES: usize = 32;

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
