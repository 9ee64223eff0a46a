//! The ledger against its promises.

use std::path::Path;
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::sleep;

use super::*;
use crate::session;
use crate::store::DatabaseSettings;
use crate::time::Clock as _;
use crate::time::SystemClock;
use crate::time::seconds;

const DIRECTORY: &str = "https://ca.example/dir";

async fn sessions(folder: &Path, key: &str) -> Arc<Sessions> {
    let settings = session::Settings {
        database: DatabaseSettings::Sqlite {
            path: folder.join("sessions.db"),
        },
        key_file: folder.join(key),
        limits: session::Limits::default(),
    };
    let sessions = Sessions::open(settings, Arc::new(SystemClock)).await;
    Arc::new(sessions.unwrap())
}

async fn ledger(sessions: &Arc<Sessions>, directory: &str) -> Ledger {
    let hosts = ["a.example", "b.example"].map(String::from);
    let ledger = Ledger::open(Arc::clone(sessions), directory.to_owned(), &hosts);
    ledger.await.unwrap()
}

async fn row(ledger: &Ledger, host: &str) -> Row {
    let rows = ledger.since(0).await.unwrap();
    rows.into_iter().find(|row| row.host == host).unwrap()
}

async fn claim(ledger: &Ledger, host: &str, now: u64, wish: Wish) -> Claimed {
    let version = row(ledger, host).await.version;
    ledger.claim((host, version), now, wish).await.unwrap()
}

async fn claimed(ledger: &Ledger, host: &str, now: u64) -> Claim {
    match claim(ledger, host, now, Wish::Order).await {
        Claimed::Ours(claim) => claim,
        other => panic!("{other:?}"),
    }
}

async fn claimed_until(ledger: &Ledger, host: &str) -> i64 {
    let until =
        sqlx::query_scalar("SELECT claimed_until_s FROM web_certificate WHERE host = $1 LIMIT 1");
    let until = until.bind(host.to_owned());
    let pool = ledger.sessions.database().pool();
    until.fetch_one(pool).await.unwrap()
}

const GOOD: Outcome<'_> = Outcome {
    due: 7,
    failures: 0,
    record: Some("the chain"),
    renew: 9,
    why: "",
};

#[tokio::test]
async fn a_host_is_one_claimants_until_it_is_settled_or_its_time_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = sessions(folder.path(), "key").await;
    let ledger = ledger(&sessions, DIRECTORY).await;
    let first = claimed(&ledger, "a.example", 1_000).await;
    let again = claim(&ledger, "a.example", 1_089, Wish::Order).await;
    assert!(matches!(again, Claimed::Taken), "{again:?}");
    // Another host is another matter.
    claimed(&ledger, "b.example", 1_000).await;
    let second = claimed(&ledger, "a.example", 1_090).await;
    assert!(!ledger.answer(&first, "late").await.unwrap());
    assert!(!ledger.settle(first, GOOD).await.unwrap(), "it was late");
    assert!(ledger.answer(&second, "now").await.unwrap());
    let under_way = row(&ledger, "a.example").await;
    let opened = ledger.opened("a.example", &under_way.answer).unwrap();
    assert_eq!(*opened, b"now");
    assert!(!under_way.answer.contains("now") && under_way.sealed.is_empty());
    assert!(ledger.settle(second, GOOD).await.unwrap());
    let after = row(&ledger, "a.example").await;
    assert_eq!((after.answer.as_str(), after.due, after.renew), ("", 7, 9));
    let record = ledger.record("a.example", &after.sealed).unwrap();
    assert_eq!(*record, b"the chain");
    assert!(ledger.record("b.example", &after.sealed).is_err());
    // Whoever looked before that was settled has no claim on what came of it.
    let stale = ("a.example", under_way.version);
    let stale = ledger.claim(stale, 9_000, Wish::Order).await.unwrap();
    assert!(matches!(stale, Claimed::Taken), "{stale:?}");
}

#[tokio::test]
async fn a_host_is_its_claimants_for_as_long_as_the_work_takes() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = sessions(folder.path(), "key").await;
    let ledger = ledger(&sessions, DIRECTORY).await;
    let now = seconds(SystemClock.now());
    // As if they had been claimed a minute ago.
    let before = now - 60;
    let ends = i64::try_from(before + 90).unwrap();
    for (host, takes_long) in [("a.example", false), ("b.example", true)] {
        let first = claimed(&ledger, host, before).await;
        let work = async {
            while takes_long && claimed_until(&ledger, host).await == ends {
                yield_now().await;
            }
        };
        let every = Duration::from_millis(1);
        ledger.hold_by(every, &first, &SystemClock, work).await;
        let until = claimed_until(&ledger, host).await;
        assert_eq!(until >= ends + 60, takes_long, "{host}: {until}");
    }
    // Whose time is over has nothing to prolong.
    let late = claimed(&ledger, "a.example", now + 60).await;
    let stale = Claim {
        host: "a.example".to_owned(),
        word: "of before".to_owned(),
    };
    let wait = sleep(Duration::from_millis(50));
    let every = Duration::from_millis(1);
    ledger.hold_by(every, &stale, &SystemClock, wait).await;
    let ends = i64::try_from(now + 150).unwrap();
    assert_eq!(claimed_until(&ledger, "a.example").await, ends);
    assert!(ledger.settle(late, GOOD).await.unwrap());
}

#[tokio::test]
async fn a_failure_leaves_the_certificate_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = sessions(folder.path(), "key").await;
    let ledger = ledger(&sessions, DIRECTORY).await;
    let good = claimed(&ledger, "a.example", 1_000).await;
    ledger.settle(good, GOOD).await.unwrap();
    let bad = claimed(&ledger, "a.example", 2_000).await;
    let outcome = Outcome {
        due: 3_000,
        failures: 4,
        record: None,
        renew: 9,
        why: "the CA is away",
    };
    ledger.settle(bad, outcome).await.unwrap();
    let after = row(&ledger, "a.example").await;
    assert_eq!((after.failures, after.why.as_str()), (4, "the CA is away"));
    let record = ledger.record("a.example", &after.sealed).unwrap();
    assert_eq!(*record, b"the chain");
}

#[tokio::test]
async fn no_more_is_ordered_in_an_hour_than_may_be_of_all_hosts_and_over_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = sessions(folder.path(), "key").await;
    let ledger = ledger(&sessions, DIRECTORY).await;
    for at in 0..90 {
        let claim = claimed(&ledger, "a.example", 1_000 + at).await;
        ledger.settle(claim, GOOD).await.unwrap();
    }
    let again = self::ledger(&sessions, DIRECTORY).await;
    for host in ["a.example", "b.example"] {
        let excess = claim(&again, host, 4_599, Wish::Order).await;
        assert!(matches!(excess, Claimed::TooMany), "{host}: {excess:?}");
    }
    // Questions are free, and another CA has its own bound.
    let asked = claim(&again, "b.example", 4_599, Wish::Question).await;
    assert!(matches!(asked, Claimed::Ours(_)), "{asked:?}");
    let other = self::ledger(&sessions, "https://other.example/").await;
    claimed(&other, "a.example", 4_599).await;
    assert!(row(&other, "b.example").await.sealed.is_empty());
    // What came to nothing before it was ordered is not counted.
    again.uncount("a.example").await.unwrap();
    let one = claimed(&again, "a.example", 4_599).await;
    again.settle(one, GOOD).await.unwrap();
    let excess = claim(&again, "a.example", 4_599, Wish::Order).await;
    assert!(matches!(excess, Claimed::TooMany), "{excess:?}");
    // The first of them is an hour ago.
    claimed(&again, "a.example", 4_600).await;
}

#[tokio::test]
async fn what_a_replaced_key_has_sealed_is_sealed_anew() {
    let folder = tempfile::tempdir().unwrap();
    let write = |digits: &[&str]| {
        let lines: Vec<String> = digits.iter().map(|digit| digit.repeat(64)).collect();
        std::fs::write(folder.path().join("key"), lines.join("\n")).unwrap();
    };
    for (keys, is_there) in [(&["1"][..], false), (&["2", "1"], true), (&["2"], true)] {
        write(keys);
        let sessions = sessions(folder.path(), "key").await;
        let ledger = ledger(&sessions, DIRECTORY).await;
        let before = ledger.account().await.unwrap();
        assert_eq!(before.is_some(), is_there, "{keys:?}");
        if !is_there {
            let account = claimed(&ledger, ACCOUNT, 1_000).await;
            ledger.settle(account, GOOD).await.unwrap();
        }
        assert_eq!(*ledger.account().await.unwrap().unwrap(), b"the chain");
        sessions.database().close().await;
    }
    let sessions = sessions(folder.path(), "key").await;
    let ledger = ledger(&sessions, DIRECTORY).await;
    ledger.forget_account().await.unwrap();
    assert!(ledger.account().await.unwrap().is_none());
}
