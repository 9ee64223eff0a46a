//! The audit log of the file into its settings.

use std::num::NonZeroU64;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use crate::audit;
use crate::audit::syslog;
use crate::config::Mistakes;
use crate::config::audit_file::Audit;
use crate::config::audit_file::Checkpoints;
use crate::config::audit_file::Rotate;
use crate::config::audit_file::Syslog;

pub(super) fn settings(
    written: &Audit,
    folder: &Path,
    notes: &mut Mistakes,
) -> Option<audit::Settings> {
    let sink = sink(written, folder, notes);
    let queue_records = notes.between(
        "audit.queue_records",
        written.queue_records,
        1,
        MOST_QUEUE_RECORDS,
    );
    let rotation = written
        .rotate
        .as_ref()
        .map(|rotate| rotation(rotate, notes));
    if written.rotate.is_some() && written.file.is_none() {
        notes.add("audit.rotate", "is of a file: there is no `audit.file`");
    }
    let checkpoints = written.checkpoints.as_ref();
    let checkpoints = checkpoints.map(|written| checkpoints_of(written, folder, notes));
    Some(audit::Settings {
        queue_records: NonZeroUsize::new(queue_records)?,
        rotation,
        checkpoints,
        ..audit::Settings::new(sink?)
    })
}

fn sink(written: &Audit, folder: &Path, notes: &mut Mistakes) -> Option<audit::Sink> {
    match (&written.file, written.stdout, &written.syslog) {
        (Some(file), false, None) => Some(audit::Sink::File(folder.join(file))),
        (None, true, None) => Some(audit::Sink::Stdout),
        (None, false, Some(written)) => syslog(written, folder, notes).map(audit::Sink::Syslog),
        _ => {
            notes.add(
                "audit",
                "must have exactly one of `file: PATH`, `stdout: true` and `syslog: { … }`",
            );
            None
        }
    }
}

fn syslog(written: &Syslog, folder: &Path, notes: &mut Mistakes) -> Option<syslog::Settings> {
    let to = match (&written.socket, &written.tcp) {
        (Some(socket), None) => Some(syslog::Address::Socket(folder.join(socket))),
        (None, Some(tcp)) => address(tcp, notes).map(syslog::Address::Tcp),
        _ => {
            notes.add(
                "audit.syslog",
                "must have exactly one of `socket: PATH` and `tcp: \"host:port\"`",
            );
            None
        }
    };
    let facility = FACILITIES.iter().position(|name| *name == written.facility);
    let facility = facility.and_then(|number| u8::try_from(number).ok());
    if facility.is_none() {
        let (found, all) = (&written.facility, FACILITIES.join(", "));
        notes.add(
            "audit.syslog.facility",
            format!("`{found}` is none of {all}"),
        );
    }
    let app_name = word("audit.syslog.app_name", &written.app_name, 48, notes);
    let msg_id = word("audit.syslog.msg_id", &written.msg_id, 32, notes);
    Some(syslog::Settings {
        to: to?,
        facility: facility?,
        app_name,
        msg_id,
    })
}

fn address(written: &str, notes: &mut Mistakes) -> Option<String> {
    let parts = written.rsplit_once(':');
    let fits = parts.is_some_and(|(host, port)| {
        !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    if !fits {
        notes.add(
            "audit.syslog.tcp",
            format!("`{written}` is not `host:port`, such as `logs.example.org:601`"),
        );
    }
    fits.then(|| written.to_owned())
}

/// A word as RFC 5424 has them: printable ASCII without spaces.
fn word(path: &str, written: &str, most: usize, notes: &mut Mistakes) -> String {
    let printable = |byte: u8| byte.is_ascii_graphic();
    if written.is_empty() || written.len() > most || !written.bytes().all(printable) {
        notes.add(
            path,
            format!("`{written}` must be 1 to {most} printable ASCII characters without spaces"),
        );
    }
    written.to_owned()
}

fn rotation(written: &Rotate, notes: &mut Mistakes) -> audit::Rotation {
    if written.bytes.is_none() && written.every_s.is_none() {
        notes.add("audit.rotate", "must have `bytes` or `every_s`, or both");
    }
    let bytes = written
        .bytes
        .map(|bytes| notes.between("audit.rotate.bytes", bytes, LEAST_BYTES, u64::MAX));
    let every = written
        .every_s
        .map(|every| notes.between("audit.rotate.every_s", every, 1, MOST_SECONDS));
    let keep = written
        .keep
        .map(|keep| notes.above_zero("audit.rotate.keep", keep));
    audit::Rotation {
        bytes: bytes.and_then(NonZeroU64::new),
        every: every.map(Duration::from_secs),
        keep: keep.and_then(NonZeroUsize::new),
    }
}

fn checkpoints_of(
    written: &Checkpoints,
    folder: &Path,
    notes: &mut Mistakes,
) -> audit::Checkpoints {
    let every = notes.between(
        "audit.checkpoints.every_s",
        written.every_s,
        1,
        MOST_SECONDS,
    );
    let records = notes.above_zero("audit.checkpoints.every_records", written.every_records);
    audit::Checkpoints {
        key_file: folder.join(&written.key_file),
        every: Duration::from_secs(every),
        every_records: NonZeroU64::new(records).unwrap_or(NonZeroU64::MIN),
    }
}

/// By their numbers (RFC 5424, table 1).
const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp", "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7",
];

/// Each takes a kilobyte while it waits.
const MOST_QUEUE_RECORDS: usize = 16 * 1024 * 1024;

/// A file for less than one record would be one for each.
const LEAST_BYTES: u64 = 64 * 1024;

/// Ten years.
const MOST_SECONDS: u64 = 315_360_000;
