//! Sessions against a model of them that is too simple to be wrong.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::Config;

use super::*;

/// What happens.
#[derive(Clone, Debug)]
enum Step {
    SignIn {
        person: usize,
        replaces: Option<usize>,
    },
    Use(usize),
    SignOut(usize),
    EndPerson(usize),
    Refresh {
        answer: Answer,
    },
    Clock(i64),
    Sweep,
    WriteUses,
    Reload,
    Restart,
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    Renewed,
    Refused,
    Nothing,
}

fn steps() -> impl Strategy<Value = Step> {
    let which = 0..12_usize;
    let person = 0..3_usize;
    prop_oneof![
        4 => (person.clone(), proptest::option::of(which.clone()))
            .prop_map(|(person, replaces)| Step::SignIn { person, replaces }),
        6 => which.clone().prop_map(Step::Use),
        2 => which.prop_map(Step::SignOut),
        1 => person.prop_map(Step::EndPerson),
        3 => prop_oneof![
            Just(Answer::Renewed),
            Just(Answer::Refused),
            Just(Answer::Nothing),
        ]
        .prop_map(|answer| Step::Refresh { answer }),
        6 => prop_oneof![-300..300_i64, 0..2000_i64].prop_map(Step::Clock),
        2 => Just(Step::Sweep),
        2 => Just(Step::WriteUses),
        1 => Just(Step::Reload),
        1 => Just(Step::Restart),
    ]
}

/// A session as the model has it.
#[derive(Clone, Debug)]
struct Modelled {
    person: usize,
    created: u64,
    last_used: u64,
    good_until: u64,
    is_over: bool,
    order: usize,
}

impl Modelled {
    /// Whether it would be in force at `now`. What is found over stays so.
    fn look(&mut self, now: u64, limits: &Limits) -> bool {
        if self.is_over || now + 60 < self.last_used {
            return false;
        }
        self.is_over = now >= self.created + limits.absolute.as_secs()
            || now >= self.last_used + limits.idle.as_secs()
            || now >= self.good_until + limits.refresh_grace.as_secs();
        !self.is_over
    }
}

/// All sessions as the model has them, beside the real ones.
struct Model {
    office: Office,
    ids: Vec<SessionId>,
    modelled: BTreeMap<usize, Modelled>,
}

const PEOPLE: [&str; 3] = ["alice", "bob", "carol"];

impl Model {
    async fn take(&mut self, step: Step) {
        let now = self.now();
        match step {
            Step::SignIn { person, replaces } => self.sign_in(person, replaces).await,
            Step::Use(which) => self.touch(which),
            Step::SignOut(which) => {
                if let Some(id) = self.ids.get(which) {
                    let digest = id.digest();
                    let end = self.office.sessions.end(&digest, Why::SignedOut);
                    end.await.unwrap();
                    self.modelled.get_mut(&which).unwrap().is_over = true;
                }
            }
            Step::EndPerson(person) => {
                let (provider, subject) = ("corp".parse(), PEOPLE[person].parse());
                let (provider, subject) = (provider.unwrap(), subject.unwrap());
                let whose = Whose::Person(&provider, &subject);
                let ended = self.office.sessions.end_of(whose, Why::Revoked);
                ended.await.unwrap();
                let all = self.modelled.values_mut();
                all.filter(|one| one.person == person)
                    .for_each(|one| one.is_over = true);
            }
            Step::Refresh { answer } => self.refresh(answer).await,
            Step::Clock(by) if by < 0 => self.office.calendar.go_back(by.unsigned_abs()),
            Step::Clock(by) => self.office.calendar.advance(by.unsigned_abs()),
            Step::Sweep => {
                self.office.sweep().await;
                let limits = self.office.limits;
                for one in self.modelled.values_mut() {
                    one.look(now, &limits);
                }
            }
            Step::WriteUses => self.office.sessions.write_uses(SECOND).await.unwrap(),
            Step::Reload => self.office.sessions.reload().await.unwrap(),
            Step::Restart => self.restart().await,
        }
    }

    fn now(&self) -> u64 {
        calendar::seconds(self.office.calendar.now())
    }

    async fn sign_in(&mut self, person: usize, replaces: Option<usize>) {
        let now = self.now();
        let signed = Signed {
            good_until: Some(date(now + 600)),
            ..signed(PEOPLE[person])
        };
        let old = replaces.and_then(|old| self.ids.get(old));
        let old = old.map(SessionId::digest);
        let created = self.office.sessions.create(signed, old).await.unwrap();
        if let (Some(_), Some(old)) = (old, replaces) {
            self.modelled.get_mut(&old).unwrap().is_over = true;
        }
        let at = self.ids.len();
        self.ids.push(created);
        self.modelled.insert(
            at,
            Modelled {
                person,
                created: now,
                last_used: now,
                good_until: now + 600,
                is_over: false,
                order: at,
            },
        );
        let theirs = self
            .modelled
            .values_mut()
            .filter(|one| one.person == person && !one.is_over);
        let mut theirs: Vec<&mut Modelled> = theirs.collect();
        // The new one stays, whatever the calendar says of those before it.
        let is_new = |one: &Modelled| one.order == at;
        theirs.sort_by_key(|one| std::cmp::Reverse((is_new(one), one.created, one.order)));
        let most = self.office.limits.most_per_person.get();
        for old in theirs.into_iter().skip(most) {
            old.is_over = true;
        }
    }

    fn touch(&mut self, which: usize) {
        let Some(id) = self.ids.get(which) else {
            return;
        };
        let now = self.now();
        let limits = self.office.limits;
        let modelled = self.modelled.get_mut(&which).unwrap();
        if modelled.look(now, &limits) {
            modelled.last_used = modelled.last_used.max(now);
        }
        let cookie = id.cookie();
        let mut desk = Desk::new(Arc::clone(self.office.sessions.board()));
        if let Found::Session(session) = desk.look(cookie.as_bytes(), date(now)) {
            session.touch(date(now));
        }
    }

    async fn refresh(&mut self, answer: Answer) {
        let now = self.now();
        let due = self.office.sessions.due_for_refresh(|_| 100).await.unwrap();
        // Whoever asks what is due looks at each.
        let limits = self.office.limits;
        for one in self
            .modelled
            .values_mut()
            .filter(|one| now >= one.good_until - 60)
        {
            one.look(now, &limits);
        }
        for Due { claim, session, .. } in due {
            let at = self
                .ids
                .iter()
                .position(|id| id.digest() == session.digest());
            let at = at.unwrap();
            let one = self.modelled.get_mut(&at).unwrap();
            assert!(!one.is_over, "what is over was refreshed");
            match answer {
                Answer::Renewed => {
                    let signed = Signed {
                        good_until: Some(date(now + 600)),
                        ..signed(PEOPLE[one.person])
                    };
                    self.office.sessions.renew(claim, signed).await.unwrap();
                    one.good_until = now + 600;
                }
                Answer::Refused => {
                    let digest = session.digest();
                    let end = self.office.sessions.end(&digest, Why::RefreshRefused);
                    end.await.unwrap();
                    one.is_over = true;
                }
                Answer::Nothing => {
                    self.office.sessions.release(claim, SECOND).await.unwrap();
                }
            }
        }
    }

    /// What is stopped in order has written what it knows.
    async fn restart(&mut self) {
        self.take_stock().await;
        let calendar = Arc::clone(&self.office.calendar);
        let limits = self.office.limits;
        let sessions = Arc::clone(&self.office.sessions);
        let folder = std::mem::replace(&mut self.office.folder, tempfile::tempdir().unwrap());
        sessions.database.close().await;
        drop(sessions);
        let empty = Office::with(limits).await;
        drop(std::mem::replace(&mut self.office, empty));
        let sessions = open(folder.path(), limits, Arc::clone(&calendar)).await;
        self.office = Office {
            calendar,
            folder,
            limits,
            sessions: Arc::new(sessions.unwrap()),
        };
    }

    async fn take_stock(&mut self) {
        let now = self.now();
        let limits = self.office.limits;
        self.office.sweep().await;
        self.office.sessions.write_uses(SECOND).await.unwrap();
        for one in self.modelled.values_mut() {
            one.look(now, &limits);
        }
    }

    /// Both say the same of each.
    fn compare(&mut self) -> Result<(), TestCaseError> {
        let now = self.now();
        let limits = self.office.limits;
        for (at, one) in &mut self.modelled {
            let found = self.office.check(&self.ids[*at]);
            let in_force = found == Some(Ok(()));
            let expected = one.look(now, &limits);
            prop_assert_eq!(
                in_force,
                expected,
                "{} {:?} {:?} at {}",
                at,
                one,
                found,
                now
            );
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(Config { cases: 48, ..Config::default() })]

    #[test]
    fn sessions_do_as_the_model_does(steps in vec(steps(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let limits = Limits {
                absolute: Duration::from_secs(5000),
                idle: Duration::from_secs(1200),
                most_per_person: std::num::NonZeroUsize::new(3).unwrap(),
                refresh_grace: Duration::from_secs(300),
                ..Limits::default()
            };
            let office = Office::with(limits).await;
            let mut model = Model { office, ids: Vec::new(), modelled: BTreeMap::new() };
            for step in steps {
                model.take(step).await;
                model.compare()?;
            }
            Ok::<(), TestCaseError>(())
        })?;
    }
}
