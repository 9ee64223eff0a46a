//! Where names lead, asked again before each answer grows old.
//!
//! The names are those of the configuration, so there are few. Each is asked
//! in the background, when its last answer's time to live is over: no request
//! waits for the name service but the very first. An answer that fails keeps
//! the last good one, for a bounded time: a name service that is down for a
//! moment must not take down what it once found.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::LookupIpStrategy;
use hickory_resolver::config::NameServerConfig;
use hickory_resolver::config::ResolverConfig;
use hickory_resolver::config::ResolverOpts;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::system_conf::read_system_conf;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio::time::sleep;
use tokio::time::timeout;

use crate::net::dice::Dice;
use crate::net::whereabouts::Known;
use crate::net::whereabouts::Whereabouts;

/// How names are looked up.
#[derive(Clone, Debug)]
pub struct NameSettings {
    /// Who is asked; those of `/etc/resolv.conf`, if empty.
    pub servers: Vec<SocketAddr>,
    /// How long the last good answer holds while none comes.
    pub stale: Duration,
}

/// The names that are kept up to date.
#[derive(Debug)]
pub struct Names {
    kept: Vec<Kept>,
    settings: NameSettings,
}

#[derive(Debug)]
struct Kept {
    host: String,
    port: u16,
    tell: watch::Sender<Known>,
}

impl Names {
    /// No names yet.
    #[must_use]
    pub const fn new(settings: NameSettings) -> Self {
        Self {
            kept: Vec::new(),
            settings,
        }
    }

    /// Will keep the addresses of `destination`, which is `host:port`. One that
    /// is given by its address needs no keeping.
    #[must_use]
    pub fn follow(&mut self, destination: &str) -> Whereabouts {
        if let Ok(address) = destination.parse() {
            return Whereabouts::fixed(address);
        }
        let (host, port) = destination.rsplit_once(':').unwrap_or((destination, ""));
        let (tell, known) = watch::channel(Known::NotYet);
        self.kept.push(Kept {
            host: host.to_owned(),
            port: port.parse().unwrap_or(0),
            tell,
        });
        Whereabouts::told_by(known)
    }

    /// Keeps them. Never returns.
    pub async fn run(self) {
        let settings = &self.settings;
        join_all(self.kept.iter().map(|kept| kept.keep(settings))).await;
        std::future::pending::<()>().await;
    }
}

impl Kept {
    async fn keep(&self, settings: &NameSettings) {
        let dice = Dice::new();
        let mut course = Course::new(settings.stale);
        loop {
            let answer = timeout(LONGEST_LOOKUP, look_up(&self.host, &settings.servers)).await;
            let wait = match answer {
                Ok(Ok(answer)) if !answer.addresses.is_empty() => {
                    let wait = course.found(Instant::now(), answer.time_to_live);
                    self.found(&answer.addresses);
                    wait
                }
                Ok(Ok(_none)) => self.failed("it has no address", &mut course, &dice),
                Ok(Err(error)) => self.failed(&error.to_string(), &mut course, &dice),
                Err(_elapsed) => self.failed("no answer in time", &mut course, &dice),
            };
            sleep(wait).await;
        }
    }

    fn found(&self, addresses: &[IpAddr]) {
        let mut at: Vec<_> = addresses
            .iter()
            .map(|&address| SocketAddr::new(address, self.port))
            .collect();
        at.sort_unstable();
        at.dedup();
        if at.len() > MOST_ADDRESSES {
            tracing::warn!(
                name = self.host,
                addresses = at.len(),
                taken = MOST_ADDRESSES,
                "a name has too many addresses"
            );
            at.truncate(MOST_ADDRESSES);
        }
        let known = Known::At(at.into());
        let changed = self.tell.send_if_modified(|last| {
            let changed = *last != known;
            *last = known;
            changed
        });
        if changed {
            let now = self.tell.borrow().clone();
            tracing::info!(name = self.host, ?now, "a name's addresses have changed");
        }
    }

    fn failed(&self, why: &str, course: &mut Course, dice: &Dice) -> Duration {
        let step = course.failed(Instant::now(), dice.fraction());
        if course.failures == 1 || step.lost {
            tracing::warn!(
                name = self.host,
                why,
                lost = step.lost,
                "a name was not found"
            );
        }
        if step.lost {
            self.tell.send_if_modified(|last| {
                let changed = *last != Known::Lost;
                *last = Known::Lost;
                changed
            });
        }
        step.wait
    }
}

/// How the lookups of one name went.
#[derive(Debug)]
struct Course {
    failures: u32,
    /// Of the last good answer.
    good: Option<Instant>,
    stale: Duration,
}

#[derive(Debug, Eq, PartialEq)]
struct Step {
    lost: bool,
    wait: Duration,
}

impl Course {
    const fn new(stale: Duration) -> Self {
        Self {
            failures: 0,
            good: None,
            stale,
        }
    }

    /// How long the answer holds.
    fn found(&mut self, now: Instant, time_to_live: Duration) -> Duration {
        self.failures = 0;
        self.good = Some(now);
        time_to_live.clamp(SHORTEST_WAIT, LONGEST_WAIT)
    }

    /// Whether the last good answer holds no more, and when to ask again.
    fn failed(&mut self, now: Instant, spread: f64) -> Step {
        self.failures = self.failures.saturating_add(1);
        let doublings = self.failures.saturating_sub(1).min(3);
        let longest = SHORTEST_WAIT * (1 << doublings);
        let wait = longest.mul_f64(1.0 - spread.clamp(0.0, 1.0) / 2.0);
        let left = self
            .good
            .map(|good| self.stale.saturating_sub(now.duration_since(good)));
        match left {
            Some(left) if !left.is_zero() => Step {
                lost: false,
                wait: wait.min(left),
            },
            _ => Step { lost: true, wait },
        }
    }
}

struct Answer {
    addresses: Vec<IpAddr>,
    time_to_live: Duration,
}

/// Asks for all addresses of `host`.
///
/// Each time anew with what `/etc/resolv.conf` and the hosts file say by then:
/// it is asked rarely, and an operator's edit need not wait for a restart.
async fn look_up(host: &str, servers: &[SocketAddr]) -> Result<Answer, NetError> {
    let found = resolver(servers)?.lookup_ip(host).await?;
    let lives = found.as_lookup().answers().iter().map(|record| record.ttl);
    Ok(Answer {
        addresses: found.iter().collect(),
        time_to_live: Duration::from_secs(lives.min().unwrap_or(0).into()),
    })
}

fn resolver(servers: &[SocketAddr]) -> Result<TokioResolver, NetError> {
    let (mut config, mut options) = read_system_conf().unwrap_or_else(|error| {
        tracing::debug!(%error, "no name servers are configured");
        // As libc does. Names in the hosts file are found all the same.
        let local = NameServerConfig::udp_and_tcp(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![local]);
        (config, ResolverOpts::default())
    });
    if !servers.is_empty() {
        let (domain, search, _systems) = config.into_parts();
        let servers = servers.iter().map(|&server| name_server(server));
        config = ResolverConfig::from_parts(domain, search, servers.collect());
    }
    options.cache_size = 0;
    options.timeout = options.timeout.min(LONGEST_SILENCE);
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        .with_options(options)
        .build()
}

fn name_server(address: SocketAddr) -> NameServerConfig {
    let mut server = NameServerConfig::udp_and_tcp(address.ip());
    for connection in &mut server.connections {
        connection.port = address.port();
    }
    server
}

/// The most addresses that are taken of one name: each costs a connection and
/// what is known of how it does.
const MOST_ADDRESSES: usize = 256;
/// All search domains and servers together.
const LONGEST_LOOKUP: Duration = Duration::from_secs(30);
/// After this a server is asked again: a datagram may be lost.
const LONGEST_SILENCE: Duration = Duration::from_secs(2);
/// However short an answer's life is, and after the first failure.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
/// The hosts file's answers have no end of their own.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn an_answer_holds_for_its_time_to_live_within_bounds() {
        let mut course = Course::new(MINUTE);
        let mut holds = |seconds| {
            course
                .found(Instant::now(), Duration::from_secs(seconds))
                .as_secs()
        };
        assert_eq!([0, 1, 30, 86_400].map(&mut holds), [1, 1, 30, 300]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_good_answer_holds_until_it_is_stale() {
        let mut course = Course::new(MINUTE);
        let step = |lost, seconds| Step {
            lost,
            wait: Duration::from_secs(seconds),
        };
        assert_eq!(course.failed(Instant::now(), 0.0), step(true, 1));
        course.found(Instant::now(), MINUTE);
        assert_eq!(course.failed(Instant::now(), 0.0), step(false, 1));
        tokio::time::advance(MINUTE / 2).await;
        assert_eq!(course.failed(Instant::now(), 0.0), step(false, 2));
        tokio::time::advance(MINUTE / 2 - Duration::from_secs(1)).await;
        assert_eq!(course.failed(Instant::now(), 0.0), step(false, 1));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(course.failed(Instant::now(), 0.0), step(true, 8));
        let waits = [(); 3].map(|()| course.failed(Instant::now(), 0.0).wait.as_secs());
        assert_eq!(waits, [8, 8, 8]);
        let early = course.failed(Instant::now(), 1.0).wait;
        assert_eq!(early, Duration::from_secs(4));
        course.found(Instant::now(), MINUTE);
        assert_eq!(course.failed(Instant::now(), 0.0), step(false, 1));
    }

    #[tokio::test]
    async fn what_is_an_address_is_not_looked_up() {
        let mut names = Names::new(NameSettings {
            servers: Vec::new(),
            stale: MINUTE,
        });
        for written in ["127.0.0.1:1", "[::1]:1"] {
            let address: SocketAddr = written.parse().unwrap();
            let known = names.follow(written).look();
            assert_eq!(known, Known::At([address].into()));
        }
        assert!(names.kept.is_empty());
        assert_eq!(names.follow("localhost:1").look(), Known::NotYet);
    }
}
