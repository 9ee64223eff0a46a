//! The fields of a line.

/// A field: how it begins, and what stands for it in [`Marks`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    /// From the comma before the name to the colon after it.
    pub(super) head: &'static [u8],
    name: &'static str,
    mark: Marks,
}

/// Fields, each once.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Marks(u16);

impl Key {
    const fn new(name: &'static str, head: &'static str, mark: u16) -> Self {
        Self {
            head: head.as_bytes(),
            name,
            mark: Marks(mark),
        }
    }
}

impl Marks {
    pub(super) const fn add(&mut self, key: Key) {
        self.all(key.mark);
    }

    pub(super) const fn all(&mut self, others: Self) {
        self.0 |= others.0;
    }

    /// The fields' names, in the order that they have in a line.
    pub(super) fn names(self) -> impl Iterator<Item = &'static str> {
        let marked = MARKED.iter().filter(move |key| key.mark.0 & self.0 != 0);
        marked.map(|key| key.name)
    }
}

/// Fields that are never marked: nobody outside chooses their values.
macro_rules! plain {
    ($($key:ident $name:literal;)*) => {
        $(pub(super) const $key: Key = Key::new($name, concat!(",\"", $name, "\":"), 0);)*
    };
}

/// Fields that may be too long or no text, with a bit for each.
macro_rules! marked {
    ($($bit:literal $key:ident $name:literal;)*) => {
        $(pub(super) const $key: Key = Key::new($name, concat!(",\"", $name, "\":"), 1 << $bit);)*
        const MARKED: &[Key] = &[$($key),*];
    };
}

plain! {
    BYTES "bytes";
    BYTES_IN "bytes_in";
    BYTES_OUT "bytes_out";
    CUT "cut";
    DECISION "decision";
    DOOR "door";
    DURATION "duration_us";
    RETRIES "retries";
    SHADOW_DECISION "shadow_decision";
    SOURCE "source";
    STATUS "status";
    TRACE_ID "trace_id";
    WITHDRAWN_REASON "withdrawn_reason";
    WITHDRAWN_REVISION "withdrawn_revision";
}

marked! {
    0 CALLER "caller";
    1 METHOD "method";
    2 HOST "host";
    3 PATH "path";
    4 ROUTE "route";
    5 SERVICE "service";
    6 REASON "reason";
    7 POLICIES "policies";
    8 REVISION "revision";
    9 NOTES "notes";
    10 SHADOW_POLICIES "shadow_policies";
    11 PROTOCOL "protocol";
    12 APP_PROTOCOL "app_protocol";
    13 UPGRADE "upgrade";
    14 WITHDRAWN_POLICIES "withdrawn_policies";
    15 SESSION "session";
}
