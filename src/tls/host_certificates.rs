//! A certificate for each host, and the answers to a CA's challenges.
//!
//! Who fills it has certificates from a CA of the web; all threads show what is
//! in it. A browser only ever sees the certificate of the host that it asks for.
//! The answer to a challenge (RFC 8737) is for a caller that offers `acme-tls/1`
//! and nothing else, and is all that such a caller gets.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;

use rustls::server::ClientHello;
use rustls::server::ResolvesServerCert;
use rustls::sign::CertifiedKey;
use tokio::sync::watch;

use crate::tls::error::HandshakeError;

/// What is shown for each host. All threads share one.
pub struct HostCertificates {
    /// Of each of our hosts.
    hosts: RwLock<HashMap<Box<str>, Host>>,
    /// How often somebody came for an answer that is not here.
    wanted: watch::Sender<u64>,
    /// Up to which of those it was looked for.
    looked: watch::Sender<u64>,
}

#[derive(Clone, Default)]
struct Host {
    answer: Option<Arc<CertifiedKey>>,
    certificate: Option<Arc<CertifiedKey>>,
}

/// What one caller gets.
pub(super) enum Choice {
    /// The answer to a challenge, and no more.
    Answer(Arc<CertifiedKey>),
    /// The host's certificate.
    Certificate,
}

impl HostCertificates {
    /// Nothing yet, for `hosts`: names in lower case.
    #[must_use]
    pub fn new(hosts: &[String]) -> Self {
        let hosts = hosts.iter();
        let hosts = hosts.map(|host| (host.as_str().into(), Host::default()));
        Self {
            hosts: RwLock::new(hosts.collect()),
            wanted: watch::Sender::new(0),
            looked: watch::Sender::new(0),
        }
    }

    /// Shows `certificate` for `host` from now on, if that is one of ours.
    pub fn show(&self, host: &str, certificate: Arc<CertifiedKey>) {
        let mut hosts = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = hosts.get_mut(host) {
            host.certificate = Some(certificate);
        }
    }

    /// Answers the challenge for `host` like this from now on; with nothing, not at all.
    pub fn answer(&self, host: &str, answer: Option<Arc<CertifiedKey>>) {
        let mut hosts = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = hosts.get_mut(host) {
            host.answer = answer;
        }
    }

    /// Tells each time that somebody comes for an answer that is not here: one of
    /// another sidecar's orders, which may be in the store. Whoever has looked
    /// there says so: [`has_looked`](Self::has_looked).
    #[must_use]
    pub fn wanted(&self) -> watch::Receiver<u64> {
        self.wanted.subscribe()
    }

    /// All answers are here that there were when `wanted` was told.
    pub fn has_looked(&self, wanted: u64) {
        self.looked.send_replace(wanted);
    }

    /// What whoever says `hello` gets.
    ///
    /// # Errors
    ///
    /// Why it gets nothing.
    pub(super) async fn choose(&self, hello: &ClientHello<'_>) -> Result<Choice, HandshakeError> {
        let name = hello.server_name().ok_or(HandshakeError::NoServerName)?;
        let name = name.to_ascii_lowercase();
        let unknown = || HandshakeError::UnknownHost { host: name.clone() };
        let host = self.find(&name).ok_or_else(unknown)?;
        let offered = hello.alpn();
        let is_validation = offered.is_some_and(|offered| offered.eq([ACME]));
        if !is_validation {
            let certificate = host.certificate.map(|_certificate| Choice::Certificate);
            return certificate.ok_or(HandshakeError::NoCertificateYet { host: name });
        }
        let answer = match host.answer {
            Some(answer) => Some(answer),
            None => self.look_for_answer(&name).await,
        };
        // As whoever offers what we do not speak.
        let answer = answer.map(Choice::Answer);
        answer.ok_or(HandshakeError::OtherAlpn)
    }

    /// Waits until the store was looked at for it.
    async fn look_for_answer(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        let mut looked = self.looked.subscribe();
        let mut ours = 0;
        self.wanted.send_modify(|wanted| {
            *wanted += 1;
            ours = *wanted;
        });
        // Without anybody who looks, there is nothing to wait for.
        let _gone = looked.wait_for(|looked| *looked >= ours).await;
        self.find(name)?.answer
    }

    fn find(&self, name: &str) -> Option<Host> {
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        hosts.get(name).cloned()
    }
}

impl ResolvesServerCert for HostCertificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.find(&hello.server_name()?.to_ascii_lowercase())?
            .certificate
    }
}

impl fmt::Debug for HostCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostCertificates").finish_non_exhaustive()
    }
}

/// What a CA says that looks at the answer to a challenge (RFC 8737, 6.2).
pub(super) const ACME: &[u8] = b"acme-tls/1";
