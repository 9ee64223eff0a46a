//! A policy set and the words that it may use, as one text.
//!
//! An authority gives one set to many sidecars, and no sidecar knows all
//! services that it names. So what the set was checked against goes along. The
//! same set is always the same text, byte for byte: whoever signs its digest
//! has signed the set.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;

use aws_lc_rs::digest;
use serde::Deserialize;
use serde::Serialize;

use crate::policy::claim::ClaimName;
use crate::policy::claim::ClaimType;
use crate::policy::load;
use crate::policy::mistake::Mistake;
use crate::policy::name::NameError;
use crate::policy::revision::Revision;
use crate::policy::set::Policy;
use crate::policy::settings::Groups;
use crate::policy::settings::Route;
use crate::policy::settings::Settings;
use crate::policy::settings::ZoneError;
use crate::policy::signal::SignalHeader;
use crate::policy::signal::SignalType;
use crate::policy::signal_name::SignalName;
use crate::policy::template::TemplateError;

/// A policy set and the words that it may use. Not yet checked against them.
#[derive(Clone, Debug)]
pub struct Document {
    files: BTreeMap<String, String>,
    settings: Settings,
}

/// As it is written: every list sorted, nothing twice.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// Types by name; left out where there are none, as before there were any.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    claims: BTreeMap<String, String>,
    files: BTreeMap<String, String>,
    headers: BTreeSet<String>,
    /// Services, their templates, and the groups that those are in.
    services: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
    /// Headers by the name of the signal that they say; left out like claims.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    signal_headers: BTreeMap<String, String>,
    /// Types by name; left out like claims.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    signals: BTreeMap<String, String>,
    time_zones: BTreeMap<String, String>,
    workload_groups: BTreeMap<String, BTreeSet<String>>,
}

impl Document {
    /// The largest text, in bytes: some forty thousand policies.
    pub const MAX_BYTES: usize = 4 * 1024 * 1024;

    /// What is in the directory `dir`, to be checked against `settings`, of
    /// which the trust domains are left to whoever reads it.
    ///
    /// # Errors
    ///
    /// A mistake for each file that cannot be read.
    pub fn load(dir: &Path, settings: &Settings) -> Result<Self, Vec<Mistake>> {
        Ok(Self {
            files: load::read(dir)?.into_iter().collect(),
            settings: Settings {
                trust_domains: BTreeSet::new(),
                ..settings.clone()
            },
        })
    }

    /// Reads one back.
    ///
    /// # Errors
    ///
    /// [`DocumentError`], also if the text is not the one that
    /// [`to_text`](Self::to_text) makes of what it says.
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        if text.len() > Self::MAX_BYTES {
            return Err(DocumentError::TooLarge { bytes: text.len() });
        }
        let written: Written =
            serde_json::from_str(text).map_err(|cause| DocumentError::Malformed { cause })?;
        if written.to_text() != text {
            return Err(DocumentError::NotCanonical);
        }
        Ok(Self {
            settings: written.settings()?,
            files: written.files,
        })
    }

    /// The text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut services: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
        for (name, routes) in &self.settings.services {
            let known = services.entry(name.to_string()).or_default();
            for route in routes {
                let groups = known.entry(route.path.as_str().to_owned()).or_default();
                groups.extend(route.groups.iter().map(ToString::to_string));
            }
        }
        let headers = self.settings.headers.iter();
        let zones = self.settings.zones.iter();
        let groups = self.settings.workload_groups.iter();
        let claims = self.settings.claims.iter();
        let told = self.settings.signals.iter();
        let sent = &self.settings.signal_headers;
        let kinds = sent.iter().map(|(name, header)| (name, &header.kind));
        let written = Written {
            claims: claims
                .map(|(name, kind)| (name.to_string(), kind.word().to_owned()))
                .collect(),
            files: self.files.clone(),
            headers: headers.map(|header| header.as_str().to_owned()).collect(),
            services,
            signal_headers: sent
                .iter()
                .map(|(name, header)| (name.to_string(), header.name.as_str().to_owned()))
                .collect(),
            signals: told
                .chain(kinds)
                .map(|(name, kind)| (name.to_string(), kind.word().to_owned()))
                .collect(),
            time_zones: zones
                .map(|(name, zone)| (name.to_string(), zone.name().to_owned()))
                .collect(),
            workload_groups: groups
                .map(|(name, ids)| {
                    (
                        name.to_string(),
                        ids.iter().map(ToString::to_string).collect(),
                    )
                })
                .collect(),
        };
        written.to_text()
    }

    /// What the set may speak about.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Adds those of `groups` that the policies seem to name, without members.
    ///
    /// Who is in them is told apart from the set, and changes while the set
    /// does not. That there is such a group is part of it: what was a good set
    /// where it was checked is one everywhere.
    pub fn know_groups(&mut self, groups: &Groups) {
        for name in groups.keys() {
            if self.files.values().any(|text| text.contains(name.as_str())) {
                let known = self.settings.workload_groups.entry(name.clone());
                known.or_default();
            }
        }
    }

    /// Which set it will be.
    #[must_use]
    pub fn revision(&self) -> Revision {
        let files = self.files.iter();
        Revision::of(files.map(|(name, text)| (name.as_str(), text.as_str())))
    }

    /// The set, checked against `settings` and the files that those name. Beside it
    /// come the warnings.
    ///
    /// # Errors
    ///
    /// All mistakes, sorted, if there is an error among them.
    pub fn compile(&self, settings: &Settings) -> Result<(Policy, Vec<Mistake>), Vec<Mistake>> {
        let settings = settings.with_files()?;
        let files = self.files.iter();
        let files: Vec<_> = files
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        Policy::parse(&files, &settings)
    }

    /// The SHA-256 of a document's text.
    #[must_use]
    pub fn digest(text: &str) -> [u8; 32] {
        let mut digest = [0; 32];
        digest.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
        digest
    }
}

impl Written {
    fn to_text(&self) -> String {
        // Maps with texts for keys and nothing else can always be written; if
        // not, the empty text is no document.
        serde_json::to_string(self).unwrap_or_default()
    }

    fn claims(&self) -> Result<BTreeMap<ClaimName, ClaimType>, DocumentError> {
        let bad = |name: &String| DocumentError::BadClaim {
            claim: name.clone(),
        };
        let claim = |(name, word): (&String, &String)| {
            let kind = ClaimType::of_word(word).ok_or_else(|| bad(name))?;
            Ok((name.parse().map_err(|_invalid| bad(name))?, kind))
        };
        self.claims.iter().map(claim).collect()
    }

    /// The signals, each with the header that says it, if there is one.
    fn signals(&self, settings: &mut Settings) -> Result<(), DocumentError> {
        let bad = |name: &String| DocumentError::BadSignal {
            signal: name.clone(),
        };
        for (name, word) in &self.signals {
            let kind = SignalType::of_word(word).ok_or_else(|| bad(name))?;
            let known = name.parse::<SignalName>().map_err(|_invalid| bad(name))?;
            match self.signal_headers.get(name) {
                None => drop(settings.signals.insert(known, kind)),
                Some(header) => {
                    let name = header.parse().map_err(|_invalid| bad(name))?;
                    let header = SignalHeader { kind, name };
                    settings.signal_headers.insert(known, header);
                }
            }
        }
        let mut headers = self.signal_headers.keys();
        match headers.find(|name| !self.signals.contains_key(*name)) {
            None => Ok(()),
            Some(name) => Err(bad(name)),
        }
    }

    fn settings(&self) -> Result<Settings, DocumentError> {
        let mut settings = Settings {
            claims: self.claims()?,
            ..Settings::default()
        };
        self.signals(&mut settings)?;
        for (name, routes) in &self.services {
            let routes = routes
                .iter()
                .map(|(path, groups)| {
                    Ok(Route {
                        path: path
                            .parse()
                            .map_err(|cause| DocumentError::BadRoute { cause })?,
                        groups: groups
                            .iter()
                            .map(|group| {
                                group
                                    .parse()
                                    .map_err(|cause| DocumentError::BadName { cause })
                            })
                            .collect::<Result<_, _>>()?,
                    })
                })
                .collect::<Result<_, DocumentError>>()?;
            let name = name
                .parse()
                .map_err(|cause| DocumentError::BadName { cause })?;
            settings.services.insert(name, routes);
        }
        for header in &self.headers {
            let name = header
                .parse()
                .map_err(|_invalid| DocumentError::BadHeader {
                    header: header.clone(),
                })?;
            settings.headers.push(name);
        }
        for (name, zone) in &self.time_zones {
            let bad = |cause| DocumentError::BadZone { cause };
            let zone = zone.parse().map_err(bad)?;
            settings.zones.insert(name.parse().map_err(bad)?, zone);
        }
        for (name, ids) in &self.workload_groups {
            let name = name
                .parse()
                .map_err(|cause| DocumentError::BadName { cause })?;
            let ids = ids
                .iter()
                .map(|id| {
                    id.parse()
                        .map_err(|_invalid| DocumentError::BadMember { member: id.clone() })
                })
                .collect::<Result<_, _>>()?;
            settings.workload_groups.insert(name, ids);
        }
        Ok(settings)
    }
}

/// Why a text is no policy document.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// A claim that is none, or of a type that is not known here.
    #[error("`{claim}` is not a claim's name, or of a type that is not known here")]
    BadClaim {
        /// What is written.
        claim: String,
    },
    /// A header that is none.
    #[error("`{header}` is not a header's name")]
    BadHeader {
        /// What is written.
        header: String,
    },
    /// A member of a group that is no SPIFFE ID.
    #[error("`{member}` is not a SPIFFE ID")]
    BadMember {
        /// What is written.
        member: String,
    },
    /// A service or group whose name is none.
    #[error("a service or a group is not named as such")]
    BadName {
        /// What is wrong with it.
        #[source]
        cause: NameError,
    },
    /// A route whose path is no template.
    #[error("a route's path is no template")]
    BadRoute {
        /// What is wrong with it.
        #[source]
        cause: TemplateError,
    },
    /// A signal that is none, of a type that is not known here, or with a header
    /// that is none.
    #[error("`{signal}` is not a signal's name, or of a type or a header that is none")]
    BadSignal {
        /// What is written.
        signal: String,
    },
    /// A time zone that is not known here.
    #[error("a time zone is not known here")]
    BadZone {
        /// Which, and why not.
        #[source]
        cause: ZoneError,
    },
    /// It is not what a document is, or one of a later version.
    #[error("it is not a policy document that this version can read")]
    Malformed {
        /// Where, and what is wrong.
        #[source]
        cause: serde_json::Error,
    },
    /// It says what it says in other words than we would.
    #[error("it is not written in its one form")]
    NotCanonical,
    /// More than is ever given out.
    #[error("it has {bytes} bytes, more than {}", Document::MAX_BYTES)]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
}
