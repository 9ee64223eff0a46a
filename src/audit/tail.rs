//! Where a file ends, so that a chain goes on from there.

use crate::audit::chain::Chain;
use crate::audit::chain::Sealed;
use crate::audit::checkpoint::LogId;
use crate::audit::notice::Head;
use crate::audit::notice::Notice;
use crate::audit::notice::Torn;
use std::fs::File;
use std::io;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::SeekFrom;

/// What is at the end of a file.
#[derive(Debug, Default)]
pub(super) struct Tail {
    /// Where its chain stands, if a line of one is near its end.
    chain: Option<Chain>,
    /// Where it stands once the last line has the newline that only it lacks.
    unended: Option<Chain>,
    /// Which chain that is, if the file says so.
    log: Option<LogId>,
    /// All that follows the last line of the chain.
    torn: Option<Torn>,
    /// The `time` of the first line.
    pub(super) since: Option<String>,
    /// Whether the last line has no end.
    pub(super) is_open: bool,
    pub(super) bytes: u64,
}

impl Tail {
    /// Reads it, and leaves the file's position anywhere.
    pub(super) fn read(file: &mut File) -> io::Result<Self> {
        let bytes = file.seek(SeekFrom::End(0))?;
        if bytes == 0 {
            return Ok(Self::default());
        }
        let window = bytes.min(MOST_BYTES);
        file.seek(SeekFrom::Start(bytes - window))?;
        let mut end = Vec::new();
        file.take(window).read_to_end(&mut end)?;
        let (chain, rest) = last_of_chain(&end, bytes - window);
        let torn = match rest {
            Some(rest) => Torn::of(rest.strip_suffix(b"\n").unwrap_or(rest)),
            None => None,
        };
        let unended = chain.zip(rest).and_then(|(chain, rest)| {
            let line = Sealed::read(rest).filter(|line| line.seq == chain.seq() + 1)?;
            line.follows(chain.last())
                .then(|| Chain::at(line.seq, line.link))
        });
        let (since, log) = first_words(file, chain.as_ref())?;
        Ok(Self {
            chain,
            unended,
            log,
            torn,
            since,
            is_open: end.last() != Some(&b'\n'),
            bytes,
        })
    }

    /// How a chain goes on from here, in this file or in the one after it, which then is `from` this one.
    pub(super) fn next(self, from: Option<String>) -> Option<(Chain, LogId, Head)> {
        let (chain, log, torn) = (self.chain?, self.log?, self.torn);
        Some(match (from, self.unended) {
            // Our newline makes it whole.
            (None, Some(chain)) => (chain, log, Head::Resumes { torn: None }),
            (None, None) => (chain, log, Head::Resumes { torn }),
            (from, _) => (chain, log, Head::Continues { from, torn }),
        })
    }

    /// How much stands at the end that is in no chain.
    pub(super) fn unchained_bytes(&self) -> u64 {
        match (&self.chain, &self.torn) {
            (Some(_), torn) => torn.as_ref().map_or(0, |torn| torn.bytes),
            (None, _) => self.bytes.saturating_sub(u64::from(!self.is_open)),
        }
    }
}

/// Where the chain in `end` stands, with what follows it. Where bytes in front of it were skipped, its first line is not whole.
fn last_of_chain(end: &[u8], skipped: u64) -> (Option<Chain>, Option<&[u8]>) {
    let mut rest = end;
    while let Some(at) = memchr::memrchr(b'\n', rest) {
        let (line, _newline) = rest.split_at_checked(at).unwrap_or_default();
        let start = memchr::memrchr(b'\n', line).map(|at| at + 1);
        if start.is_none() && skipped > 0 {
            break;
        }
        let line = line.get(start.unwrap_or(0)..).unwrap_or_default();
        if let Some(sealed) = Sealed::read(line) {
            return (Some(Chain::at(sealed.seq, sealed.link)), end.get(at + 1..));
        }
        rest = rest.get(..at).unwrap_or_default();
    }
    (None, None)
}

type Words = (Option<String>, Option<LogId>);

/// The `time` of the first line, and the log that the file is of: its first line says so, or, where somebody else
/// has written into it before, a later one.
fn first_words(file: &mut File, chain: Option<&Chain>) -> io::Result<Words> {
    file.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::new(file);
    let (mut since, mut log) = (None, None);
    let mut line = Vec::new();
    for nth in 0.. {
        line.clear();
        // A line that is longer than any of ours is read in parts, none of which is one.
        if (&mut reader)
            .take(MOST_BYTES)
            .read_until(b'\n', &mut line)?
            == 0
        {
            break;
        }
        if nth == 0 {
            since = time_of(&line);
        }
        let said = Notice::read(&line).and_then(|notice| notice.log);
        log = said.and_then(|id| id.parse().ok()).or(log);
        if chain.is_none() || (nth == 0 && log.is_some()) {
            break;
        }
    }
    Ok((since, log))
}

/// The date at the beginning of a line.
pub(super) fn time_of(line: &[u8]) -> Option<String> {
    let rest = line.strip_prefix(br#"{"time":""#)?;
    let at = memchr::memchr(b'"', rest.get(..TIME_BYTES + 1)?)?;
    std::str::from_utf8(rest.get(..at)?).ok().map(str::to_owned)
}

/// `1970-01-01T00:00:00.000000Z`.
const TIME_BYTES: usize = 27;

/// More than the longest line has.
const MOST_BYTES: u64 = 1024 * 1024;
