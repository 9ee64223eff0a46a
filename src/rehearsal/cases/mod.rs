//! Cases: descriptions with the answers that are expected of the policies.
//!
//! They stand in YAML beside the policies, in files that end in `.test.yaml`.
//! A file is read whole or not at all, and nothing in it is guessed: a misspelt
//! key would make a case that proves nothing.

mod caller;
mod file;
mod folder;
mod junit;
mod report;
mod run;

pub use file::schema;
pub use folder::CaseMistake;
pub use folder::read_cases;
pub use junit::to_junit;
pub use report::coverage;
pub use report::failures;
pub use report::summary;
pub use run::Ran;
pub use run::Rehearsal;

use crate::config;
use crate::config::Mistake;
use crate::policy::GroupName;
use crate::policy::ServiceName;
use crate::policy::Signals;
use crate::rehearsal::asked::Asked;
use crate::rehearsal::asked::What;
use crate::rehearsal::cases::caller::Caller;
use crate::rehearsal::handshake::Handshake;
use crate::rehearsal::stage::Stage;

/// The cases of a file, with its name.
pub type CaseFile = (String, Vec<Case>);

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name, the only one of its file.
    pub name: String,
    /// What is expected.
    pub expected: Expected,
    asked: Written,
}

/// What is expected of the policies.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Expected {
    /// `permit`, `deny` or `refused`, as in records.
    pub decision: &'static str,
    /// Exactly these policies, sorted; none: whichever.
    pub by: Option<Vec<String>>,
    /// This reason, as in records; none: whichever.
    pub reason: Option<String>,
}

/// A description whose service may be left to where it is asked.
#[derive(Clone, Debug)]
struct Written {
    caller: Caller,
    groups: Vec<GroupName>,
    host: Option<String>,
    now: std::time::SystemTime,
    service: Option<ServiceName>,
    /// As JSON, which is YAML.
    signals: Vec<(String, String)>,
    source: std::net::IpAddr,
    tls: Handshake,
    what: What,
}

impl Case {
    /// Reads the cases of a file's text.
    ///
    /// # Errors
    ///
    /// All mistakes, by their path.
    pub fn parse(text: &str) -> Result<Vec<Self>, Vec<Mistake>> {
        file::check(&config::parse_as(text)?)
    }

    /// What is asked on `stage`; or why it cannot be asked there.
    fn asked(&self, stage: &Stage) -> Result<Asked, String> {
        let written = &self.asked;
        let service = stage.service(written.service.clone());
        let service = service.map_err(|unclear| unclear.to_string())?;
        let mut what = written.what.clone();
        if let What::Request { host, .. } = &mut what {
            *host = written.host.clone().unwrap_or_else(|| service.to_string());
        }
        let signals = written.signals.iter();
        let signals = signals.map(|(name, value)| (name.as_str(), value.as_str()));
        let caller = written.caller.who(written.now, stage)?;
        let signals = stage.signals(Signals::default(), &caller, signals)?;
        Ok(Asked {
            signals: Some(signals),
            caller,
            groups: written.groups.clone(),
            now: written.now,
            service,
            source: written.source,
            tls: written.tls.clone(),
            what,
        })
    }
}
