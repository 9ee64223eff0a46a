//! Our identity stays fresh, and stays whatever fails.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use portreeve::ca::Authority;
use portreeve::identity::Embedded;
use portreeve::identity::FilePaths;
use portreeve::identity::Files;
use portreeve::identity::FilesError;
use portreeve::identity::Identity;
use portreeve::identity::Live;
use portreeve::identity::Metrics;
use portreeve::identity::Renewal;
use portreeve::identity::Renews;
use portreeve::identity::Source;
use portreeve::identity::SourceError;
use portreeve::identity::SvidError;
use portreeve::time::Clock;
use portreeve::x509::Limits;
use prometheus::Registry;
use tokio::time::Instant;

use crate::corpus;
use crate::corpus::Calendar;

/// Of the paused clock.
const DEADLINE: Duration = Duration::from_secs(24 * 60 * 60);

/// A calendar that goes with tokio's clock, which tests pause.
#[derive(Debug)]
struct Going {
    began: Instant,
    /// How far it was set forward.
    ahead_s: AtomicU32,
}

impl Going {
    fn set_ahead(&self, ahead: Duration) {
        let seconds = u32::try_from(ahead.as_secs()).unwrap();
        self.ahead_s.store(seconds, Ordering::Relaxed);
    }
}

impl Clock for Going {
    fn now(&self) -> SystemTime {
        let ahead = Duration::from_secs(self.ahead_s.load(Ordering::Relaxed).into());
        Calendar::new().now() + self.began.elapsed() + ahead
    }
}

fn going() -> Arc<Going> {
    Arc::new(Going {
        began: Instant::now(),
        ahead_s: AtomicU32::new(0),
    })
}

fn embedded(directory: &Path, clock: &Arc<Going>, lifetime: Duration) -> Embedded {
    let trust_domain = "prod.example".parse().unwrap();
    let clock: Arc<Going> = Arc::clone(clock);
    let authority = Authority::open(directory, trust_domain, Arc::<Going>::clone(&clock)).unwrap();
    Embedded::new(
        Arc::new(authority),
        corpus::web(),
        lifetime,
        Limits::default(),
        clock,
    )
}

fn files(trust_domain: &str, [certificate, key, bundle]: [PathBuf; 3]) -> Files {
    let paths = FilePaths {
        certificate,
        key,
        bundle,
    };
    let trust_domain = trust_domain.parse().unwrap();
    Files::new(paths, trust_domain, Limits::default(), Calendar::new())
}

fn value(registry: &Registry, name: &str) -> f64 {
    let family = registry.gather();
    let metric = family.iter().find(|family| family.name() == name).unwrap();
    let metric = &metric.get_metric()[0];
    metric.get_counter().get_value() + metric.get_gauge().get_value()
}

/// Renews until `enough`, and tells how long that took.
async fn renew_until(renewal: Renewal, enough: impl AsyncFnOnce(Arc<Live>)) -> Duration {
    let live = renewal.live();
    let began = Instant::now();
    tokio::select! {
        () = renewal.run() => {}
        () = enough(live) => {}
        () = tokio::time::sleep(DEADLINE) => panic!("nothing happened"),
    }
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_certificate_is_renewed_around_its_half_life() {
    let dir = tempfile::tempdir().unwrap();
    let registry = Registry::new();
    let metrics = Metrics::register(&registry).unwrap();
    let clock = going();
    let source = embedded(dir.path(), &clock, Authority::SVID_LIFETIME);
    let renewal = Renewal::start(Box::new(source), clock, metrics)
        .await
        .unwrap();
    let first = renewal.live().current();
    let took = renew_until(renewal, async |live| {
        live.changed().changed().await.unwrap();
        let second = live.current();
        assert_ne!(first.svid().leaf().serial(), second.svid().leaf().serial());
        assert!(second.svid().not_after() > first.svid().not_after());
    })
    .await;
    // Half of an hour, a tenth of that more or less, and ten seconds of back-dating.
    assert!((1610..=1980).contains(&took.as_secs()), "{took:?}");
    assert!((value(&registry, "portreeve_identity_renewals_total") - 1.0).abs() < 0.1);
    assert!((value(&registry, "portreeve_identity_generation") - 1.0).abs() < 0.1);
    let expiry = value(
        &registry,
        "portreeve_identity_svid_expiry_timestamp_seconds",
    );
    assert!(expiry > 1_893_456_000.0 + 3600.0, "{expiry}");
}

#[tokio::test(start_paused = true)]
async fn a_short_certificate_is_renewed_at_half_of_what_is_left_of_it() {
    // It is back-dated by ten seconds, so half of its whole life is over when it comes.
    for (lifetime, times) in [(10, 10..=15), (1, 50..=60)] {
        let dir = tempfile::tempdir().unwrap();
        let metrics = Metrics::register(&Registry::new()).unwrap();
        let clock = going();
        let source = embedded(dir.path(), &clock, Duration::from_secs(lifetime));
        let renewal = Renewal::start(Box::new(source), clock, metrics)
            .await
            .unwrap();
        let counted = renewal.live();
        renew_until(renewal, async |_| {
            tokio::time::sleep(Duration::from_secs(60)).await;
        })
        .await;
        let renewals = counted.generation();
        assert!(times.contains(&renewals), "{lifetime} s: {renewals}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_certificate_of_a_calendar_that_was_ahead_is_renewed_once_it_is_set_right() {
    let dir = tempfile::tempdir().unwrap();
    let metrics = Metrics::register(&Registry::new()).unwrap();
    let clock = going();
    let source = embedded(dir.path(), &clock, Authority::SVID_LIFETIME);
    clock.set_ahead(Duration::from_secs(2 * 60 * 60));
    let setting = Arc::clone(&clock);
    let renewal = Renewal::start(Box::new(source), clock, metrics)
        .await
        .unwrap();
    let took = renew_until(renewal, async |live| {
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(live.generation(), 0);
        setting.set_ahead(Duration::ZERO);
        live.changed().changed().await.unwrap();
        assert!(live.current().svid().not_before() <= setting.now());
    })
    .await;
    assert!(took <= Duration::from_secs(60 + 31), "{took:?}");
}

/// Gives an identity once, and then fails so many times.
#[derive(Debug)]
struct Faltering {
    inner: Embedded,
    asked: Arc<AtomicU32>,
    failures: u32,
}

impl Source for Faltering {
    fn name(&self) -> &'static str {
        "faltering"
    }

    fn fetch(&mut self) -> BoxFuture<'_, Result<Identity, SourceError>> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        if (1..=self.failures).contains(&asked) {
            let cause = SvidError::Empty;
            return async { Err(SourceError::BadSvid { cause }) }.boxed();
        }
        self.inner.fetch()
    }

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        self.inner.changed()
    }

    fn renews(&self) -> Renews {
        self.inner.renews()
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_source_is_asked_again_and_the_old_identity_stays() {
    let dir = tempfile::tempdir().unwrap();
    let registry = Registry::new();
    let metrics = Metrics::register(&registry).unwrap();
    let clock = going();
    let asked = Arc::new(AtomicU32::new(0));
    let source = Faltering {
        inner: embedded(dir.path(), &clock, Authority::SVID_LIFETIME),
        asked: Arc::clone(&asked),
        failures: 8,
    };
    let renewal = Renewal::start(Box::new(source), clock, metrics)
        .await
        .unwrap();
    let took = renew_until(renewal, async |live| {
        live.changed().changed().await.unwrap();
        assert_eq!(live.generation(), 1);
    })
    .await;
    assert_eq!(asked.load(Ordering::Relaxed), 10);
    // 1 + 2 + 4 + 8 + 16 + 32 + 60 + 60 seconds, or half of that.
    assert!(
        (1610 + 91..=1980 + 183).contains(&took.as_secs()),
        "{took:?}"
    );
    let failures = value(&registry, "portreeve_identity_renewal_failures_total");
    assert!((failures - 8.0).abs() < 0.1, "{failures}");
}

#[tokio::test(start_paused = true)]
async fn files_are_swapped_when_they_change_and_kept_while_they_do_not_fit() {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, from: &str| {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("certs/corpus");
        fs::copy(corpus.join(from), dir.path().join(name)).unwrap();
    };
    put("a.crt", "good/plain.pem");
    put("a.key", "keys/leaf.key.pem");
    put("ca.pem", "prod.example.bundle.pem");
    let files = files(
        "prod.example",
        ["a.crt", "a.key", "ca.pem"].map(|name| dir.path().join(name)),
    );
    let registry = Registry::new();
    let metrics = Metrics::register(&registry).unwrap();
    let renewal = Renewal::start(Box::new(files), Calendar::new(), metrics)
        .await
        .unwrap();
    let took = renew_until(renewal, async |live| {
        let failed = async |times: f64| {
            while value(&registry, "portreeve_identity_renewal_failures_total") < times {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            assert_eq!(live.generation(), 0, "a broken set was put in force");
        };
        // The certificate comes before its key, as in any rotation.
        put("a.crt", "good/key-is-p384.pem");
        failed(1.0).await;
        fs::write(dir.path().join("ca.pem"), "").unwrap();
        failed(3.0).await;
        put("ca.pem", "other.example.bundle.pem");
        put("a.key", "keys/leaf-p384.key.pem");
        failed(5.0).await;
        let mut changed = live.changed();
        put("ca.pem", "prod.example.bundle.pem");
        changed.changed().await.unwrap();
        let id = live.current().svid().id().clone();
        assert_eq!((live.generation(), id), (1, corpus::web()));
    })
    .await;
    assert!(took.as_secs() < 300, "{took:?}");
}

#[tokio::test]
async fn there_is_no_start_without_a_whole_identity() {
    let dir = tempfile::tempdir().unwrap();
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("certs/corpus");
    let start = async |certificate: &str, key: &str, bundle: &str| {
        let files = files(
            "prod.example",
            [
                corpus.join(certificate),
                corpus.join(key),
                dir.path().join(bundle),
            ],
        );
        let metrics = Metrics::register(&Registry::new()).unwrap();
        let started = Renewal::start(Box::new(files), Calendar::new(), metrics).await;
        started.map(|renewal| renewal.live().generation())
    };
    let bundle = corpus.join("prod.example.bundle.pem");
    fs::copy(bundle, dir.path().join("ca.pem")).unwrap();
    fs::write(dir.path().join("empty.pem"), "").unwrap();
    let (good, key) = ("good/plain.pem", "keys/leaf.key.pem");

    assert_eq!(start(good, key, "ca.pem").await.unwrap(), 0);
    assert!(matches!(
        start(good, "keys/root.key.pem", "ca.pem").await,
        Err(SourceError::Files {
            cause: FilesError::NotAPair {
                cause: SvidError::OtherKey { .. },
                ..
            }
        })
    ));
    assert!(matches!(
        start("bad/expired-a-second-ago.pem", key, "ca.pem").await,
        Err(SourceError::BadIdentity { .. })
    ));
    assert!(matches!(
        start("bad/names-two-workloads.pem", key, "ca.pem").await,
        Err(SourceError::Files {
            cause: FilesError::NotAPair {
                cause: SvidError::BadLeaf { .. },
                ..
            }
        })
    ));
    for missing in ["empty.pem", "nowhere.pem"] {
        assert!(matches!(
            start(good, key, missing).await,
            Err(SourceError::Files { .. })
        ));
    }
}

#[tokio::test]
async fn files_of_another_trust_domain_are_no_identity_of_ours() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("certs/corpus");
    let paths = [
        "good/plain.pem",
        "keys/leaf.key.pem",
        "prod.example.bundle.pem",
    ];
    let mut ours = files("prod.example", paths.map(|path| corpus.join(path)));
    assert!(ours.fetch().await.is_ok());
    let mut other = files("other.example", paths.map(|path| corpus.join(path)));
    assert!(matches!(
        other.fetch().await,
        Err(SourceError::Files {
            cause: FilesError::OtherTrustDomain { found, expected, .. }
        }) if found == corpus::web() && expected.as_str() == "other.example"
    ));
}

#[test]
fn all_files_that_are_not_usable_are_told_at_once() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("certs/corpus");
    let missing = ["a.crt", "a.key", "ca.pem"].map(|name| corpus.join(name));
    let causes = files("prod.example", missing.clone()).check().unwrap_err();
    assert_eq!(causes.len(), 3, "{causes:?}");
    for (cause, path) in causes.iter().zip(missing) {
        let told = format!("{cause:?}");
        assert!(told.contains(&*path.to_string_lossy()), "{told}");
    }
    let good = [
        "good/plain.pem",
        "keys/leaf.key.pem",
        "prod.example.bundle.pem",
    ];
    assert!(
        files("prod.example", good.map(|path| corpus.join(path)))
            .check()
            .is_ok()
    );
}
