//! Bytes between the lines of a chain: torn by a crash, or put there.

use crate::audit::chain::Link;
use crate::audit::notice::Notice;
use aws_lc_rs::digest;

/// Bytes that are no line of a chain.
pub(super) struct Stray {
    file: String,
    line: u64,
    bytes: u64,
    digest: digest::Context,
    /// A newline that may be the one that closes it off.
    newline: bool,
    /// How many newlines there are besides.
    newlines: u64,
}

impl std::fmt::Debug for Stray {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{}:{} and {} bytes",
            self.file, self.line, self.bytes
        )
    }
}

impl Stray {
    /// None yet, from `line` of `file` on.
    pub(super) fn at(file: &str, line: u64) -> Self {
        Self {
            file: file.to_owned(),
            line,
            bytes: 0,
            digest: digest::Context::new(&digest::SHA256),
            newline: false,
            newlines: 0,
        }
    }

    /// Adds a line, or a piece of one that has no newline.
    pub(super) fn add(&mut self, line: &[u8]) {
        if self.newline {
            self.digest.update(b"\n");
            self.bytes += 1;
            self.newlines += 1;
        }
        let whole = line.strip_suffix(b"\n");
        self.newline = whole.is_some();
        let bytes = whole.unwrap_or(line);
        self.digest.update(bytes);
        self.bytes += u64::try_from(bytes.len()).unwrap_or(0);
    }

    pub(super) fn place(&self) -> (&str, u64) {
        (&self.file, self.line)
    }

    /// How many there are, without the newline that closes them off.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether it looks like the beginning of one line that has no end.
    pub(super) const fn is_one_piece(&self) -> bool {
        !self.newline && self.newlines == 0
    }

    /// Whether `head`, which follows, says that just this was torn.
    pub(super) fn is_torn_as(&self, head: &Notice) -> bool {
        let hash = Link::written(self.digest.clone().finish().as_ref());
        head.torn_bytes == Some(self.bytes) && head.torn_hash.as_deref() == Some(hash.as_str())
    }
}
