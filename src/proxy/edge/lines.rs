//! Who stands in line for the office, and behind whom.
//!
//! A provider that is slow to answer holds up all that waits for it. So what may
//! wait for a provider stands in a line of that provider's own, with places of
//! its own in the office, and its sign-outs in yet another: nobody's sign-ins keep
//! another provider's people out, nor a session in force that is to end. What waits
//! for the store alone, and what waits for nobody, have their lines, too. Whoever
//! finds a line full is told at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::sync::SemaphorePermit;

use crate::policy::ProviderName;
use crate::proxy::edge::errand::Asked;
use crate::proxy::edge::errand::Wish;
use crate::proxy::edge::office::Form;
use crate::proxy::edge::office::parts;

/// All lines.
#[derive(Debug)]
pub(super) struct Lines {
    /// For programs that a person lets in: whose provider that is, the store knows.
    devices: Line,
    /// For what nobody else is asked about.
    own: Line,
    providers: BTreeMap<ProviderName, OfProvider>,
    /// For sessions that this process does not know yet.
    sessions: Line,
}

#[derive(Debug)]
struct OfProvider {
    sign_ins: Line,
    sign_outs: Line,
}

/// So many who wait or are served, of whom so many are served.
#[derive(Debug)]
struct Line {
    places: Arc<Semaphore>,
    room: Arc<Semaphore>,
}

/// Whoever stands in a line. Dropped, they have left it.
#[derive(Debug)]
pub(super) struct Ticket {
    places: Arc<Semaphore>,
    room: Arc<Semaphore>,
}

impl Lines {
    /// Those of an office with these providers.
    pub(super) fn new(providers: impl IntoIterator<Item = ProviderName>) -> Self {
        let providers: Vec<_> = providers.into_iter().collect();
        let each = (SIGN_INS / providers.len().max(1)).max(LEAST_SIGN_INS);
        let of_provider = || OfProvider {
            sign_ins: Line::new(each),
            sign_outs: Line::new(SIGN_OUTS),
        };
        let providers = providers.into_iter().map(|name| (name, of_provider()));
        Self {
            devices: Line::new(DEVICES),
            own: Line::new(OWN),
            providers: providers.collect(),
            sessions: Line::new(SESSIONS),
        }
    }

    /// How many there is room for in all of them.
    pub(super) fn room(&self) -> usize {
        let providers = self.providers.values();
        let lines = providers.flat_map(|one| [&one.sign_ins, &one.sign_outs]);
        let lines = lines.chain([&self.devices, &self.own, &self.sessions]);
        lines.map(|line| line.room.available_permits()).sum()
    }

    /// A place at the end of the line for `wish`; none if that is full.
    pub(super) fn join(&self, wish: &Wish) -> Option<Ticket> {
        let line = match wish {
            Wish::Find(..) => &self.sessions,
            Wish::Place(asked, _) => self.of_place(asked),
            Wish::SignIn(wanted, _) => self.sign_ins(wanted.provider.as_ref()),
            Wish::Vouch(provider, ..) => self.sign_ins(Some(provider)),
        };
        // Given back when the ticket is dropped.
        line.room.try_acquire().ok()?.forget();
        Some(Ticket {
            places: Arc::clone(&line.places),
            room: Arc::clone(&line.room),
        })
    }

    fn of_place(&self, asked: &Asked) -> &Line {
        let named = |name: &str| name.parse::<ProviderName>().ok();
        match parts(asked.target.path()) {
            ("backchannel-logout" | "frontchannel-logout", Some(name)) => {
                self.sign_outs(named(name).as_ref())
            }
            ("callback", Some(name)) => {
                let name = named(name);
                name.map_or(&self.own, |name| self.sign_ins(Some(&name)))
            }
            ("device", _) => &self.devices,
            ("sessions", Some(_)) | ("sign-out", None) => {
                let session = asked.session.as_ref();
                self.sign_outs(session.map(|session| &session.person().provider))
            }
            ("sign-in", None) => {
                let form = Form::parse(asked.target.query().unwrap_or_default());
                let name = form.as_ref().and_then(|form| form.get("provider"));
                self.sign_ins(name.and_then(named).as_ref())
            }
            _ => &self.own,
        }
    }

    /// Where somebody waits whom `provider` signs in, or the only one.
    fn sign_ins(&self, provider: Option<&ProviderName>) -> &Line {
        let only = || {
            let mut all = self.providers.values();
            all.next().filter(|_| all.next().is_none())
        };
        let of = provider.map_or_else(only, |name| self.providers.get(name));
        of.map_or(&self.own, |of| &of.sign_ins)
    }

    fn sign_outs(&self, provider: Option<&ProviderName>) -> &Line {
        let of = provider.and_then(|name| self.providers.get(name));
        of.map_or(&self.own, |of| &of.sign_outs)
    }
}

impl Line {
    fn new(places: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places)),
            room: Arc::new(Semaphore::new(places * WAITING_FOR_EACH)),
        }
    }
}

impl Ticket {
    /// Waits for a place, first come, first served.
    pub(super) async fn called(&self) -> Option<SemaphorePermit<'_>> {
        self.places.acquire().await.ok()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.room.add_permits(1);
    }
}

/// Sign-ins that are served at once, shared out among the providers.
const SIGN_INS: usize = 192;
/// Each asks every few seconds, for some minutes.
const DEVICES: usize = 64;
/// However many providers there are.
const LEAST_SIGN_INS: usize = 16;
/// Sign-outs of each provider: they take its keys, which are mostly known.
const SIGN_OUTS: usize = 64;
/// As many as the store answers without being in trouble.
const SESSIONS: usize = 64;
/// They wait for nobody.
const OWN: usize = 64;
/// What one place serves in a few seconds.
const WAITING_FOR_EACH: usize = 4;

#[cfg(test)]
mod tests {
    use http::uri::PathAndQuery;
    use tokio::sync::oneshot;

    use super::*;
    use crate::proxy::edge::errand::SignIn;
    use crate::proxy::edge::errand::tests::asked;
    use crate::proxy::edge::errand::tests::digest;
    use crate::proxy::edge::errand::tests::name;

    fn place(path: &'static str) -> Wish {
        let source = [192, 0, 2, 1].into();
        Wish::Place(Box::new(asked(path, source)), oneshot::channel().0)
    }

    fn sign_in(provider: Option<&str>) -> Wish {
        let wanted = SignIn {
            from: asked("/", [192, 0, 2, 1].into()).from,
            is_step_up: false,
            provider: provider.map(name),
            return_to: PathAndQuery::from_static("/"),
        };
        Wish::SignIn(Box::new(wanted), oneshot::channel().0)
    }

    /// Everybody who finds room behind `wish`.
    fn fill(lines: &Lines, wish: &Wish) -> Vec<Ticket> {
        std::iter::from_fn(|| lines.join(wish)).collect()
    }

    #[test]
    fn nobody_stands_in_the_line_of_a_slow_provider_for_anything_else() {
        let lines = Lines::new([name("slow"), name("corp")]);
        let all = lines.room();
        let held = fill(&lines, &place("/.portreeve/callback/slow?state=x"));
        assert_eq!(held.len(), 4 * 96);
        let token = |provider| Wish::Vouch(name(provider), String::new(), oneshot::channel().0);
        for shut in [
            place("/.portreeve/callback/slow"),
            place("/.portreeve/sign-in?provider=slow"),
            sign_in(Some("slow")),
            token("slow"),
        ] {
            assert!(lines.join(&shut).is_none(), "{shut:?}");
        }
        for open in [
            place("/.portreeve/callback/corp"),
            place("/.portreeve/sign-in?provider=corp&return=/"),
            place("/.portreeve/sign-in"),
            place("/.portreeve/backchannel-logout/slow"),
            place("/.portreeve/frontchannel-logout/slow?sid=x"),
            place("/.portreeve/sign-out"),
            place("/.portreeve/callback/nobody"),
            place("/.portreeve/device"),
            place("/.portreeve/device/token"),
            place("/.portreeve/style.css"),
            place("/.well-known/portreeve/jwks.json"),
            sign_in(Some("corp")),
            sign_in(None),
            token("corp"),
            Wish::Find(digest(), oneshot::channel().0),
        ] {
            assert!(lines.join(&open).is_some(), "{open:?}");
        }
        let waiting = fill(&lines, &place("/.portreeve/device/token"));
        assert_eq!(waiting.len(), 4 * DEVICES);
        assert!(lines.join(&place("/.portreeve/device")).is_none());
        assert!(lines.join(&place("/.portreeve/style.css")).is_some());
        drop((held, waiting));
        assert_eq!(lines.room(), all);
    }

    #[test]
    fn the_only_provider_has_all_places_and_each_of_many_some() {
        for (count, places) in [(1, 192), (3, 64), (50, 16)] {
            let names = (0..count).map(|at| name(&format!("p{at}")));
            let lines = Lines::new(names);
            let held = fill(&lines, &place("/.portreeve/callback/p0"));
            assert_eq!(held.len(), 4 * places, "{count}");
            assert_eq!(lines.join(&sign_in(None)).is_none(), count == 1);
        }
    }

    #[tokio::test]
    async fn so_many_are_served_and_the_others_in_their_turn() {
        let lines = Lines::new((0..12).map(|at| name(&format!("p{at}"))));
        let held = fill(&lines, &place("/.portreeve/callback/p0"));
        let mut served = Vec::new();
        for ticket in &held[..LEAST_SIGN_INS] {
            served.push(ticket.called().await.unwrap());
        }
        let mut next = std::pin::pin!(held[LEAST_SIGN_INS].called());
        assert!(futures_util::poll!(&mut next).is_pending());
        drop(served);
        assert!(futures_util::poll!(&mut next).is_ready());
    }
}
