//! Who there is, and in which groups. The provider's page moves them.

use std::collections::BTreeSet;

/// Somebody who signs in with a click.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) groups: BTreeSet<&'static str>,
    pub(super) name: &'static str,
    /// What tokens call them.
    pub(super) subject: &'static str,
}

impl Person {
    pub(super) fn email(&self) -> String {
        format!("{}@demo.example", self.subject)
    }
}

/// All of them, and where each group's place is.
pub(super) fn all() -> Vec<Person> {
    vec![
        Person {
            groups: BTreeSet::from(["eng", "ops"]),
            name: "Alice Archer",
            subject: "alice",
        },
        Person {
            groups: BTreeSet::from(["sales"]),
            name: "Bob Baker",
            subject: "bob",
        },
    ]
}

/// The groups that somebody may be in.
pub(super) const GROUPS: [&str; 3] = ["eng", "ops", "sales"];
