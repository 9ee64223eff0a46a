//! Tables that are asked several times for each request.
//!
//! Their keys come from policies or are bounded in number, and the hash is
//! seeded at random: nobody can make a table slow by choosing what is looked up
//! in it.

use foldhash::fast::RandomState;

/// A map with a fast hash.
pub(super) type Table<K, V> = std::collections::HashMap<K, V, RandomState>;
