//! Puts questions again, whenever there is reason to.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;
use std::time::SystemTime;

use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::sleep;

use crate::proxy::desk::Desk;

/// Keeps what is in flight at `desk` to what is decided now. Never returns.
///
/// A sweep lets requests have their turn again and again, and policies that
/// come meanwhile begin it anew when it is done.
pub(in crate::proxy) async fn keep_deciding(
    desk: &Desk,
    mut changed: watch::Receiver<()>,
    mut people: Option<watch::Receiver<u64>>,
) -> Infallible {
    loop {
        // Seen before anything is looked at, so that no change is missed.
        changed.borrow_and_update();
        if let Some(people) = &mut people {
            people.borrow_and_update();
        }
        let mut from = Some(0);
        while let Some(at) = from {
            from = desk.sweep(at);
            if from.is_some() {
                yield_now().await;
            }
        }
        tokio::select! {
            told = changed.changed() => if told.is_err() {
                // Nobody is left who could change the policies.
                return pending().await;
            },
            () = somebody_left(people.as_mut()) => {}
            () = clock_moves(desk) => {}
        }
    }
}

/// Returns when sessions have changed.
async fn somebody_left(people: Option<&mut watch::Receiver<u64>>) {
    let is_told = match people {
        Some(people) => people.changed().await.is_ok(),
        None => false,
    };
    if !is_told {
        // Nobody is left who could.
        pending::<()>().await;
    }
}

/// Returns when the clock may have ended something.
async fn clock_moves(desk: &Desk) {
    if desk.live().is_timed() {
        // Seconds are those of the calendar: who may stay until six is gone at six.
        sleep(until_next_second(desk.clock().now())).await;
    } else {
        desk.live().timed_begun().await;
    }
}

fn until_next_second(now: SystemTime) -> Duration {
    let since = now.duration_since(SystemTime::UNIX_EPOCH);
    let into_it = since.unwrap_or_default().subsec_nanos();
    Duration::from_secs(1).saturating_sub(Duration::from_nanos(into_it.into()))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::num::NonZeroUsize;
    use std::rc::Rc;
    use std::sync::Arc;

    use tokio::time::Instant;
    use tokio::time::advance;

    use super::*;
    use crate::audit::Log;
    use crate::audit::Sink;
    use crate::drain;
    use crate::net::SourceLimits;
    use crate::net::Sources;
    use crate::policy;
    use crate::policy::Caller;
    use crate::policy::Policy;
    use crate::proxy::activity::Activity;
    use crate::proxy::activity::Silence;
    use crate::proxy::live::Asker;
    use crate::proxy::meters::Metrics;
    use crate::time::Clock;

    /// A calendar that goes as the paused clock does, from some time before six.
    #[derive(Debug)]
    struct BeforeSix(Instant);

    impl Clock for BeforeSix {
        fn now(&self) -> SystemTime {
            let six = SystemTime::UNIX_EPOCH + 18 * HOUR;
            six - BEFORE + self.0.elapsed()
        }
    }

    const HOUR: Duration = Duration::from_secs(3_600);
    const BEFORE: Duration = Duration::from_millis(95_400);

    /// A desk at which `policies` decide, and where they are replaced.
    fn desk(policies: &str) -> (Desk, Arc<policy::Current>) {
        let clock: Arc<dyn Clock> = Arc::new(BeforeSix(Instant::now()));
        let settings = crate::audit::Settings::new(Sink::Stdout);
        let (log, _writer) = Log::open(&settings, NonZeroUsize::MIN, Arc::clone(&clock)).unwrap();
        let current = Arc::new(policy::Current::new(read(policies)));
        let view = policy::View::new(Arc::clone(&current));
        let metrics = Metrics::register(&prometheus::Registry::new()).unwrap();
        let sources = Sources::new(SourceLimits {
            connections: NonZeroU32::MIN,
            per_second: NonZeroU32::MIN,
        });
        let (_, watch) = drain::channel();
        let log = log.shard(0).unwrap();
        let desk = Desk::new((view, metrics.live()), log, clock, watch, sources);
        (desk, current)
    }

    fn read(policies: &str) -> Policy {
        let settings = policy::Settings {
            services: [("db".parse().unwrap(), Vec::new())].into(),
            ..policy::Settings::default()
        };
        let files = [("a.cedar", policies)];
        Policy::parse(&files, &settings).unwrap().0
    }

    fn asker() -> Rc<Asker> {
        Rc::new(Asker {
            caller: Caller::workload(&"spiffe://td/web".parse().unwrap()),
            service: "db".parse().unwrap(),
            ends: None,
            session: None,
            source: [127, 0, 0, 1].into(),
        })
    }

    fn activity() -> Rc<Activity> {
        let silence = Silence {
            pace: None,
            request: HOUR,
            response: HOUR,
            stream: HOUR,
        };
        Activity::new(silence, Instant::now())
    }

    #[tokio::test(start_paused = true)]
    async fn who_may_stay_until_six_is_gone_at_six() {
        for condition in [
            "context.utc.minuteOfDay < 1080",
            "context.now < datetime(\"1970-01-01T18:00:00Z\")",
        ] {
            let (desk, _current) = desk(&format!(
                r#"@id("a") permit(principal, action == Action::"connect", resource) when {{ {condition} }};"#
            ));
            let (until_six, begun) = (activity(), Instant::now());
            let held = desk.admit_connection(asker(), &until_six).unwrap();
            tokio::select! {
                never = desk.keep_deciding() => match never {},
                _why = until_six.permission().withdrawn() => {}
            }
            // To the timer's millisecond.
            let late = begun.elapsed().checked_sub(BEFORE).expect("too early");
            assert!(late <= Duration::from_millis(1), "{late:?}");
            drop(held);
            assert!(desk.admit_connection(asker(), &activity()).is_err());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_while_nobody_looks_at_the_clock_is_looked_after() {
        let both = r#"
            @id("a") permit(principal, action == Action::"connect", resource)
            when { context.utc.minuteOfDay < 1080 };
        "#;
        let (desk, current) = desk(r#"@id("a") permit(principal, action, resource);"#);
        let (first, second) = (activity(), activity());
        let _first = desk.admit_connection(asker(), &first).unwrap();
        let come = async {
            // The policy has changed, and the first that it is asked for comes before the sweep.
            current.replace(read(both));
            let _second = desk.admit_connection(asker(), &second).unwrap();
            advance(BEFORE).await;
            first.permission().withdrawn().await;
            second.permission().withdrawn().await;
        };
        tokio::select! {
            never = desk.keep_deciding() => match never {},
            () = come => {}
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_sweep_of_many_ends_all_that_the_next_policies_do_not_permit() {
        let (desk, current) = desk(r#"@id("a") permit(principal, action, resource);"#);
        let many: Vec<_> = (0..1_000)
            .map(|_| {
                let activity = activity();
                let held = desk.admit_connection(asker(), &activity).unwrap();
                (activity, held)
            })
            .collect();
        let change = async {
            yield_now().await;
            current.replace(read(r#"@id("b") permit(principal, action, resource);"#));
            yield_now().await;
            // In the middle of the sweep for those.
            current.replace(read(r#"@id("b") forbid(principal, action, resource);"#));
            for (activity, _) in &many {
                activity.permission().withdrawn().await;
                assert_eq!(
                    activity.permission().cut().unwrap().said.reason,
                    "forbidden"
                );
            }
        };
        tokio::select! {
            never = desk.keep_deciding() => match never {},
            () = change => {}
        }
    }

    #[test]
    fn a_second_ends_where_the_calendar_says() {
        let at = |millis| SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        for (now, left) in [(5_000, 1_000), (5_001, 999), (5_999, 1)] {
            assert_eq!(until_next_second(at(now)), Duration::from_millis(left));
        }
    }
}
