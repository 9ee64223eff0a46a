//! Why a session is over.

use std::fmt;

/// Why a session is over. It stays over.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Why {
    /// What the store says of it is damaged, or sealed with another key.
    Damaged,
    /// Its time was over, however much it was used.
    Expired,
    /// It was not used for too long.
    Idle,
    /// The provider said that the person had signed out.
    ProviderLogout,
    /// The provider did not want to go on.
    RefreshRefused,
    /// A later sign-in took its place.
    Replaced,
    /// An operator ended it.
    Revoked,
    /// The person signed out.
    SignedOut,
    /// The provider could not be asked for too long.
    Unrefreshed,
}

impl Why {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Damaged,
        Self::Expired,
        Self::Idle,
        Self::ProviderLogout,
        Self::RefreshRefused,
        Self::Replaced,
        Self::Revoked,
        Self::SignedOut,
        Self::Unrefreshed,
    ];

    /// The word for it in records and in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Damaged => "damaged",
            Self::Expired => "expired",
            Self::Idle => "idle",
            Self::ProviderLogout => "provider_logout",
            Self::RefreshRefused => "refresh_refused",
            Self::Replaced => "replaced",
            Self::Revoked => "revoked",
            Self::SignedOut => "signed_out",
            Self::Unrefreshed => "unrefreshed",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|why| why.as_str() == word)
    }

    /// Above zero, and another for each.
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Damaged => 1,
            Self::Expired => 2,
            Self::Idle => 3,
            Self::ProviderLogout => 4,
            Self::RefreshRefused => 5,
            Self::Replaced => 6,
            Self::Revoked => 7,
            Self::SignedOut => 8,
            Self::Unrefreshed => 9,
        }
    }

    pub(super) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|why| why.number() == number)
    }

    /// Whether our clock says so, and the store may know better.
    pub(super) const fn is_by_the_clock(self) -> bool {
        matches!(self, Self::Expired | Self::Idle | Self::Unrefreshed)
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_has_its_word_and_its_number() {
        let numbers: BTreeSet<u8> = Why::ALL.iter().map(|why| why.number()).collect();
        assert_eq!(numbers.len(), Why::ALL.len());
        assert!(!numbers.contains(&0));
        for why in Why::ALL {
            assert_eq!(Why::from_word(why.as_str()), Some(why));
            assert_eq!(Why::from_number(why.number()), Some(why));
        }
        assert_eq!(Why::from_word("live"), None);
        assert_eq!(Why::from_number(0), None);
    }
}
