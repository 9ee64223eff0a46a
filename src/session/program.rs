//! A program that somebody let in with their session.

use std::net::IpAddr;

/// What is known of a program that has a session of its own.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Program {
    name: Box<str>,
    source: IpAddr,
}

impl Program {
    /// The longest name that is kept, in bytes.
    pub const MAX_NAME_BYTES: usize = 64;

    /// One that began at `source` and calls itself `name`, of which the beginning
    /// is kept, and nothing that could move a cursor.
    #[must_use]
    pub fn new(name: &str, source: IpAddr) -> Self {
        let shown = name.chars().filter(|c| (' '..='~').contains(c));
        let name: String = shown.take(Self::MAX_NAME_BYTES).collect();
        Self {
            name: name.trim().into(),
            source: source.to_canonical(),
        }
    }

    /// What it calls itself, which nobody has checked; empty if it says nothing.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it was when it began to sign in.
    #[must_use]
    pub const fn source(&self) -> IpAddr {
        self.source
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_name_is_short_and_moves_no_cursor(said in "\\PC{0,90}|[\\x00-\\x7f]{0,90}") {
            let program = Program::new(&said, [127, 0, 0, 1].into());
            let name = program.name();
            prop_assert!(name.len() <= Program::MAX_NAME_BYTES);
            prop_assert!(name.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            let again = Program::new(name, program.source());
            prop_assert_eq!(again, program);
        }
    }

    #[test]
    fn what_a_program_usually_says_is_kept() {
        let source = "::ffff:192.0.2.7".parse().unwrap();
        let program = Program::new(" portreeve/1.2\u{1b}[2J\n", source);
        assert_eq!(program.name(), "portreeve/1.2[2J");
        assert_eq!(program.source().to_string(), "192.0.2.7");
    }
}
