//! The log as a whole: opened by `app`, watched by the operator.

use crate::audit::chain::Chain;
use crate::audit::checkpoint::LogId;
use crate::audit::common::Common;
use crate::audit::feed::Watcher;
use crate::audit::meters::Meters;
use crate::audit::note::KeyError;
use crate::audit::note::SigningKey;
use crate::audit::notice::Head;
use crate::audit::paper::Paper;
use crate::audit::rotation::Rotation;
use crate::audit::scribe::Scribe;
use crate::audit::scribe::Signer;
use crate::audit::shard::Capacity;
use crate::audit::shard::Shard;
use crate::audit::sink;
use crate::audit::sink::Output;
use crate::audit::sink::Sink;
use crate::audit::sink::SinkError;
use crate::audit::status::Status;
use crate::audit::tail::Tail;
use crate::audit::writer::Writer;
use crate::time::Clock;
use prometheus::PullingGauge;
use prometheus::Registry;
use std::fs;
use std::io;
use std::num::NonZeroU64;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;
use zeroize::Zeroizing;

/// What the log needs to know, already checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// Where the lines go.
    pub sink: Sink,
    /// How many requests may be under way or wait to be written, over all
    /// workers, each of which has an equal part of it, rounded up. An idle
    /// connection holds one as well, for what may yet go wrong with it.
    pub queue_records: NonZeroUsize,
    /// How many bytes of lines may wait before requests are refused, over all
    /// workers. The writer may hold as many again.
    pub queue_bytes: NonZeroUsize,
    /// How long the writer, once told to stop, waits for requests under way to
    /// end and for a failing sink to recover.
    pub stop_timeout: Duration,
    /// When a file is finished and another begun, if we do that.
    pub rotation: Option<Rotation>,
    /// How checkpoints are signed, if they are.
    pub checkpoints: Option<Checkpoints>,
}

/// How checkpoints are signed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Checkpoints {
    /// The file with the key, as [`SigningKey::secret`] has it.
    pub key_file: PathBuf,
    /// One is signed as soon as the last is so old, if anything was written since.
    pub every: Duration,
    /// One is signed as soon as so many records were written since the last.
    pub every_records: NonZeroU64,
}

impl Checkpoints {
    /// Reads the key.
    ///
    /// # Errors
    ///
    /// [`OpenError::NoKey`] or [`OpenError::BadKey`].
    pub fn key(&self) -> Result<SigningKey, OpenError> {
        let path = || self.key_file.clone();
        let text = fs::read_to_string(&self.key_file);
        let text = text.map_err(|cause| OpenError::NoKey {
            path: path(),
            cause,
        })?;
        let text = Zeroizing::new(text);
        text.parse().map_err(|cause| OpenError::BadKey {
            path: path(),
            cause,
        })
    }
}

impl Settings {
    /// The default settings for `sink`.
    ///
    /// 65,536 records and 64 MiB: a sink that stands still for a second does
    /// not refuse a request of a busy sidecar, and memory stays bounded. Five
    /// seconds to stop, within what Kubernetes grants.
    #[must_use]
    pub const fn new(sink: Sink) -> Self {
        Self {
            sink,
            queue_records: NonZeroUsize::MIN.saturating_add(65_535),
            queue_bytes: NonZeroUsize::MIN.saturating_add(64 * 1024 * 1024 - 1),
            stop_timeout: Duration::from_secs(5),
            rotation: None,
            checkpoints: None,
        }
    }
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The key of the checkpoints is none.
    #[error("`{}` has no key to sign checkpoints with: make one with `portreeve audit key`", path.display())]
    BadKey {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: KeyError,
    },
    /// A metric of the log is not one.
    #[error("the metrics of the audit log cannot be made")]
    BadMetric {
        /// What is wrong with it.
        #[source]
        cause: prometheus::Error,
    },
    /// The sink cannot be opened.
    #[error("the audit log cannot be opened")]
    BadSink {
        /// What is wrong with it.
        #[source]
        cause: SinkError,
    },
    /// The system has no random numbers for request ids.
    #[error("no random numbers for request ids")]
    NoEntropy,
    /// The key of the checkpoints cannot be read.
    #[error("the key of the audit log's checkpoints cannot be read from `{}`", path.display())]
    NoKey {
        /// Its file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        cause: io::Error,
    },
}

/// The audit log. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Log {
    common: Arc<Common>,
    shards: Arc<[Shard]>,
    room: Capacity,
}

impl Log {
    /// Opens the log for `workers` threads, and answers the writer that
    /// somebody must [run](Writer::run).
    ///
    /// # Errors
    ///
    /// [`OpenError`] says what is missing.
    pub fn open(
        settings: &Settings,
        workers: NonZeroUsize,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, Writer), OpenError> {
        let signer = settings.checkpoints.as_ref().map(signer).transpose()?;
        let (output, tail) =
            Output::open(&settings.sink).map_err(|cause| OpenError::BadSink { cause })?;
        let meters = Meters::new().map_err(|cause| OpenError::BadMetric { cause })?;
        let common = Arc::new(Common::new(clock, meters));
        let since = begun(tail.since.as_deref()).unwrap_or_else(|| common.now());
        let start = start(&settings.sink, tail)?;
        let paper = Paper::new(settings.sink.clone(), settings.rotation, output, since);
        let scribe = Scribe::new(Arc::clone(&common), start, signer);
        let room = Capacity {
            records: settings.queue_records.get().div_ceil(workers.get()),
            bytes: settings.queue_bytes.get().div_ceil(workers.get()),
        };
        let shards = (0..workers.get())
            .map(|_| Ok(Shard::new(Arc::clone(&common), room, random()?)))
            .collect::<Result<Arc<[_]>, OpenError>>()?;
        let writer = Writer::new(
            Arc::clone(&common),
            Arc::clone(&shards),
            (paper, scribe),
            settings,
        );
        Ok((
            Self {
                common,
                shards,
                room,
            },
            writer,
        ))
    }

    /// The shard of the `worker`th thread, counted from 0.
    ///
    /// More threads than the log was opened for share shards.
    #[must_use]
    pub fn shard(&self, worker: usize) -> Option<Shard> {
        let nth = worker.checked_rem(self.shards.len())?;
        self.shards.get(nth).cloned()
    }

    /// Adds the log's metrics to `registry`.
    ///
    /// # Errors
    ///
    /// If one of that name is there already.
    pub fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        self.common.meters.register(registry)?;
        let shards = Arc::clone(&self.shards);
        registry.register(Box::new(PullingGauge::new(
            "portreeve_audit_queue_records",
            "Requests under way and records not yet written to the audit log.",
            Box::new(move || records(taken(&shards))),
        )?))?;
        let room = records(self.room.records * self.shards.len());
        registry.register(Box::new(PullingGauge::new(
            "portreeve_audit_queue_room_records",
            "How many requests may be under way or wait to be written.",
            Box::new(move || room),
        )?))
    }

    /// How the log is now.
    #[must_use]
    pub fn status(&self) -> Status {
        let failures = self.common.failures().clone();
        Status {
            taken_records: taken(&self.shards),
            room_records: self.room.records * self.shards.len(),
            written_records: self.common.meters.records.get(),
            failure: failures.write.or_else(|| self.common.blocked()),
            reopen_failure: failures.reopen,
        }
    }

    /// The last checkpoint that was written, signed: what others should keep.
    #[must_use]
    pub fn checkpoint(&self) -> Option<Arc<str>> {
        self.common.checkpoint()
    }

    /// Hears of each record from now on, once it is written.
    #[must_use]
    pub fn watch(&self) -> Watcher {
        self.common.feed.watch()
    }

    /// Asks the writer to open its file again, because it was moved away.
    pub fn reopen(&self) {
        self.common.ask(|orders| orders.reopen = true);
    }

    /// Asks the writer to end when all that was begun is written.
    ///
    /// From now on no request gets room.
    pub fn stop(&self) {
        self.common.close();
        self.common.ask(|orders| orders.stop = true);
    }
}

fn signer(settings: &Checkpoints) -> Result<Signer, OpenError> {
    let key = settings.key()?;
    Ok(Signer::new(key, settings.every, settings.every_records))
}

/// Where the chain goes on: in the file, if it has one, or after the file that was finished last. Otherwise one begins.
fn start(sink: &Sink, tail: Tail) -> Result<(Chain, LogId, Head), OpenError> {
    let (unchained_bytes, is_empty) = (tail.unchained_bytes(), tail.bytes == 0);
    if let Some(start) = tail.next(None) {
        return Ok(start);
    }
    if let (Sink::File(path), true) = (sink, is_empty) {
        let before = sink::before(path).map_err(|cause| {
            let path = path.clone();
            let cause = SinkError::File { path, cause };
            OpenError::BadSink { cause }
        })?;
        if let Some(start) = before.and_then(|(tail, name)| tail.next(Some(name))) {
            return Ok(start);
        }
    }
    let id = u128::from(random()?) << 64 | u128::from(random()?);
    Ok((
        Chain::default(),
        LogId::new(id),
        Head::Begins { unchained_bytes },
    ))
}

/// When a file was begun whose first line has this date.
fn begun(time: Option<&str>) -> Option<SystemTime> {
    let time: jiff::Timestamp = time?.parse().ok()?;
    time.try_into().ok()
}

fn taken(shards: &[Shard]) -> usize {
    shards.iter().map(Shard::taken).sum()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a queue is shorter than 2⁵² records"
)]
const fn records(count: usize) -> f64 {
    count as f64
}

fn random() -> Result<u64, OpenError> {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_unspecified| OpenError::NoEntropy)?;
    Ok(u64::from_be_bytes(bytes))
}
